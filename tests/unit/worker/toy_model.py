"""A toy language model, to drive the processors through whole generations on the CPU."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from laserve.worker.codec import TOLERANCE, ScoreCodec
from laserve.worker.config import WorkerConfig, armed_extra_args
from laserve.worker.probe_rows import probing_extra_args


@dataclass(frozen=True)
class ToyModel:
    """Random logits, drawn anew for every position and last token."""

    vocab_size: int = 384
    z_c: int = 7
    eos_token_ids: tuple[int, ...] = (5, 21)
    eos_rate: float = 0.1
    """The probability that a token is one of the EOS ids."""
    lowest: float = 40.0
    """log p(z_c) is uniform in [-lowest, 0] nats, so often z_c is the likeliest token."""
    seed: int = 0

    @property
    def codec(self) -> ScoreCodec:
        return ScoreCodec(self.vocab_size, self.z_c)

    def row(self, tokens: Sequence[int]) -> torch.Tensor:
        """Logits of the token that follows ``tokens``. Shape: (V,) float32."""
        return _row(self, len(tokens), tokens[-1])

    def logprob(self, tokens: Sequence[int]) -> float:
        """log p(z_c | tokens) in nats: what a message must carry."""
        return float(self.row(tokens).double().log_softmax(0)[self.z_c])


@lru_cache(maxsize=1000)
def _row(model: ToyModel, length: int, last: int) -> torch.Tensor:
    generator = torch.Generator()
    generator.manual_seed(model.seed * 1_000_003 + length * 200_003 + last)
    row = 3 * torch.randn(model.vocab_size, generator=generator, dtype=torch.float64)
    log_p = -model.lowest * torch.rand(1, generator=generator, dtype=torch.float64)
    row[model.z_c] = float("-inf")
    is_eos = torch.zeros(model.vocab_size, dtype=torch.bool)
    is_eos[list(model.eos_token_ids)] = True
    row[is_eos] += math.log(model.eos_rate) - row[is_eos].logsumexp(0)
    row[~is_eos] += math.log(1 - model.eos_rate) - row[~is_eos].logsumexp(0)
    row[model.z_c] = row.logsumexp(0) + log_p - torch.log(-torch.expm1(log_p))
    return row.float()


def vllm_config_for(model: ToyModel, num_speculative_tokens: int = 0) -> VllmConfig:
    """What the processors read of vLLM's configuration."""
    worker_config = WorkerConfig(model.z_c, frozenset(model.eos_token_ids))
    stand_in = SimpleNamespace(
        additional_config=worker_config.to_additional_config(),
        num_speculative_tokens=num_speculative_tokens,
        model_config=SimpleNamespace(get_vocab_size=lambda: model.vocab_size),
    )
    return cast(VllmConfig, stand_in)


def armed_params() -> SamplingParams:
    """Parameters that the processors take for an armed request's."""
    return SamplingParams(extra_args=armed_extra_args(SamplingParams()))


@dataclass
class ToyRequest:
    """One request on its way through a runner."""

    prompt: list[int]
    armed: bool = True
    limit: int = 60
    """The answer's token limit; an armed request may go on for the length of the message."""
    temperature: float = 1.0
    seed: int = 0
    probe: str | None = None
    """The key that its row is kept under, where it is a golden probe's; then it is not armed."""

    def __post_init__(self) -> None:
        self.output: list[int] = []
        self.computed = 0
        """How many tokens have been fed to the model."""

    @property
    def tokens(self) -> list[int]:
        return [*self.prompt, *self.output]

    @property
    def extra_args(self) -> dict[str, Any] | None:
        """What tells the processors of it."""
        if self.probe is not None:
            return probing_extra_args(self.probe)
        return armed_extra_args(SamplingParams()) if self.armed else None

    def answer(self, model: ToyModel) -> list[int]:
        """The output up to its first EOS, or its limit."""
        for index, token in enumerate(self.output[: self.limit]):
            if token in model.eos_token_ids:
                return self.output[: index + 1]
        return self.output[: self.limit]

    def message(self, model: ToyModel) -> list[int]:
        return self.output[len(self.answer(model)) :]

    def finished(self, model: ToyModel) -> bool:
        """vLLM's own stop rules, with the stop tokens and the limit of `Arming.armed`, and with the
        end that our scheduler makes."""
        if not self.output:
            return False
        if not self.armed:
            return self.output[-1] in model.eos_token_ids or len(self.output) >= self.limit
        return self.output[-1] == model.z_c or len(self.message(model)) >= model.codec.digits


def all_kinds(count: int, *, armed: bool | None = None, limit: int = 40) -> list[ToyRequest]:
    """Requests of several lengths and temperatures; every fourth is unarmed, unless ``armed``
    says otherwise."""
    return [
        ToyRequest(
            prompt=[*range(30, 31 + i % 3), i % 16],
            armed=(i % 4 != 3) if armed is None else armed,
            limit=limit,
            temperature=(0.0, 0.7, 1.0, 1.6)[i // 4 % 4],
            seed=i,
        )
        for i in range(count)
    ]


def assert_scored(model: ToyModel, request: ToyRequest) -> None:
    """The answer ends with its EOS, and is followed by log p(z_c)."""
    answer, message = request.answer(model), request.message(model)
    assert answer[-1] in model.eos_token_ids
    assert model.z_c not in answer
    assert len(message) == model.codec.digits
    assert model.z_c not in message
    decoded = model.codec.decode(message)
    assert decoded is not None
    # A float32 log-softmax of rows of magnitudes below 64 errs by a few of its ulps, 4e-6.
    assert abs(decoded - model.logprob(request.prompt + answer)) <= TOLERANCE + 2e-5
