"""What a run of LaSeR was started with: a resume with anything else would be another run, and a
checkpoint of a save is made with it."""

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from laserve.core.manifest import ReferenceConstant
from laserve.core.score import DEFAULT_THRESHOLD, ScoreParameters
from laserve.errors import ConfigurationError
from laserve_training.config import Config
from laserve_training.problem import Problem

RECORD_NAME = "run.json"

_FREE = frozenset(
    {
        *("report_to", "run_name", "logging_steps", "logging_strategy", "logging_first_step"),
        *("disable_tqdm", "log_level", "log_completions", "num_completions_to_print"),
        *("log_unique_prompts", "save_steps", "save_strategy", "save_total_limit"),
        *("dataloader_num_workers", "dataloader_pin_memory", "ddp_timeout"),
        *("vllm_server_base_url", "vllm_server_host", "vllm_server_port", "vllm_server_timeout"),
        *("vllm_group_port", "vllm_gpu_memory_utilization"),
    }
)
"""Keys of [laser.trainer] that change no number of a run."""


class RunRecord(BaseModel):
    """The content of `run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Config
    z_c: int
    eos_token_ids: frozenset[int]
    problems: str
    """A hash of the training problems, in order."""
    processes: int
    start: str | None
    """A hash of the weights that it starts from (`models.start_hash`)."""
    c_ref: ReferenceConstant
    """As it was measured or stated: it is not measured again."""

    @classmethod
    def of(
        cls,
        config: Config,
        problems: Sequence[Problem],
        processes: int,
        c_ref: ReferenceConstant,
        *,
        start: str | None,
        z_c: int,
        eos_token_ids: frozenset[int],
    ) -> Self:
        """The record of a run."""
        lines = (
            json.dumps([p.messages, p.answer, dict(p.metadata)], default=str) for p in problems
        )
        digest = sha256("\n".join(lines).encode()).hexdigest()
        return cls(
            config=config,
            z_c=z_c,
            eos_token_ids=eos_token_ids,
            problems=digest,
            processes=processes,
            start=start,
            c_ref=c_ref,
        )

    @property
    def parameters(self) -> ScoreParameters:
        """The constants of the score."""
        return ScoreParameters(
            z_c=self.z_c,
            eos_token_ids=self.eos_token_ids,
            c_ref=self.c_ref.mean,
            beta_v=self.config.score.beta_v,
            threshold=DEFAULT_THRESHOLD,
            checkpoint=self.config.name,
        )

    def check_resumable_as(self, now: "RunRecord") -> None:
        """Raise ConfigurationError, naming every difference, unless `now` is the same run."""
        differences = self._changes(now.config)
        if self.problems != now.problems:
            differences.append("the training problems are others")
        if self.processes != now.processes:
            differences.append(f"it has {now.processes} processes, and had {self.processes}")
        if self.start != now.start:
            differences.append("the model that it starts from has other weights")
        _refuse(differences)
        if self.config.laser.trainer.get("save_only_model"):
            raise ConfigurationError(
                "the run saved its model only (laser.trainer.save_only_model), and no optimizer to "
                "go on with: begin anew with another output"
            )

    def check_finished_as(self, config: Config) -> None:
        """Raise ConfigurationError, naming every difference, unless the model that this run has
        trained is that of `config`."""
        _refuse(self._changes(config))

    def _changes(self, config: Config) -> list[str]:
        return [
            f"`{key}` is {after}, and was {before}"
            for key, before, after in _differences(_numbers(self.config), _numbers(config))
        ]


def _refuse(differences: list[str]) -> None:
    if differences:
        raise ConfigurationError(
            f"--resume goes on with the run as it began, and this is another one: "
            f"{'; '.join(differences)}. Give what it began with, or another output"
        )


def write_record(work: Path, record: RunRecord) -> None:
    """Write `run.json` into a run's folder, which is made, in one step: all of it, or none."""
    work.mkdir(parents=True, exist_ok=True)
    partial = work / f".{RECORD_NAME}"
    with partial.open("w", encoding="utf-8") as file:
        file.write(record.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(work / RECORD_NAME)


def read_record(work: Path) -> RunRecord:
    """The record of the run in a folder. Raises ConfigurationError where it has none."""
    path = work / RECORD_NAME
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigurationError(
            f"{path} does not say what the run was started with, so that nothing can go on with "
            "it: begin anew with another output"
        ) from error


def _numbers(config: Config) -> dict[str, Any]:
    """The configuration, without what changes no number."""
    content = config.model_dump(mode="json", exclude={"name", "output", "evaluate"})
    trainer = content["laser"]["trainer"]
    content["laser"]["trainer"] = {key: trainer[key] for key in trainer.keys() - _FREE}
    return content


def _differences(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{key}.{name}" if key else name
            yield from _differences(before.get(name), after.get(name), inner)
    elif before != after:
        yield key, json.dumps(before), json.dumps(after)
