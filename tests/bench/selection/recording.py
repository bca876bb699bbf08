"""Drawn samples with all that a way to select may look at, and the file that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from laserve.core.types import SelfReward
from tests.bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the samples are drawn from, and how: the same drawing gives the same samples."""

    checkpoint: str
    weights: str
    """SHA-256 of the weights' file."""
    message_tokens: int
    """Steps that the engine takes after an answer to send its score (`laserve.worker.codec`)."""
    task: str
    problems: int
    samples: int
    """To each problem."""
    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class RecordedSample:
    """One sample."""

    token_ids: tuple[int, ...]
    """With its EOS, where it has one."""
    text: str
    reward: SelfReward
    is_correct: bool
    """The verifier's verdict; False for a truncated one."""
    finish_reason: str
    mean_logprob: float
    """Of its tokens, in nats."""
    confidences: tuple[float, ...]
    """DeepConf's confidence of each token (`deepconf`), in nats."""


@dataclass(frozen=True, slots=True)
class RecordedProblem:
    """A problem's samples."""

    where: str
    prompt_token_ids: tuple[int, ...]
    seed: int
    """Of the first sample; each later one has the next."""
    samples: tuple[RecordedSample, ...]


_DRAWING = TypeAdapter(Drawing)
_PROBLEM = TypeAdapter(RecordedProblem)


def write_recording(path: Path, drawing: Drawing, problems: Sequence[RecordedProblem]) -> None:
    """Keep the samples as JSON Lines: the drawing, then a line for each problem."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [_DRAWING.dump_json(drawing), *map(_PROBLEM.dump_json, problems)]
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(b"\n".join(lines) + b"\n")
    temporary.replace(path)


def read_recording(path: Path, drawing: Drawing) -> list[RecordedProblem] | None:
    """The samples of a drawing; None where the file is missing or holds those of another one.
    Raises BenchError where it cannot be read."""
    if not path.exists():
        return None
    try:
        first, *lines = path.read_bytes().splitlines()
        if _DRAWING.validate_json(first) != drawing:
            return None
        return [_PROBLEM.validate_json(line) for line in lines]
    except (ValueError, ValidationError) as error:
        raise BenchError(f"{path} holds no samples of this version: remove it") from error
