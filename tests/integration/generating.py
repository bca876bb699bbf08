"""Ways to ask an engine, and the reference to hold its answers against."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.types import SelfReward
from laserve.scoring.rewards import Rewards
from laserve.scoring.scored_engine import ScoredEngine
from tests.tiny_model import TinyModel

_numbers = count()


@dataclass
class Sample:
    """One finished completion, put together from its outputs."""

    token_ids: list[int] = field(default_factory=list)
    text: str = ""
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    logprobs: list[dict[int, float]] | None = None
    cumulative_logprob: float | None = None


@dataclass
class Generated:
    """What one request gave."""

    prompt: list[int]
    samples: dict[int, Sample]
    rewards: dict[int, SelfReward]


def engine_of(scored: ScoredEngine) -> AsyncLLM:
    """vLLM's engine under a scored one."""
    return cast(AsyncLLM, scored.engine)


async def generate(
    engine: Any,
    prompt: list[int],
    kind: RequestOutputKind = RequestOutputKind.FINAL_ONLY,
    **params: Any,
) -> Generated:
    """Run one request to its end, on a plain or a scored engine."""
    sampling = SamplingParams(output_kind=kind, **params)
    rewards = Rewards()
    request_id = f"test-{next(_numbers)}"
    asked = [rewards] if isinstance(engine, ScoredEngine) else []
    outputs = engine.generate(tokens_input(list(prompt)), sampling, request_id, *asked)
    samples: dict[int, Sample] = {}
    async for output in outputs:
        for completion in output.outputs:
            sample = samples.setdefault(completion.index, Sample())
            logprobs = completion.logprobs and [
                {token: entry.logprob for token, entry in position.items()}
                for position in completion.logprobs
            ]
            if kind == RequestOutputKind.DELTA:
                sample.token_ids += completion.token_ids
                sample.text += completion.text
                if logprobs:
                    sample.logprobs = (sample.logprobs or []) + logprobs
            else:
                sample.token_ids = list(completion.token_ids)
                sample.text = completion.text
                sample.logprobs = logprobs
            assert sample.finish_reason is None, "an output after the last one"
            sample.finish_reason = completion.finish_reason
            sample.stop_reason = completion.stop_reason
            sample.cumulative_logprob = completion.cumulative_logprob
    return Generated(prompt, dict(sorted(samples.items())), dict(sorted(rewards.by_choice.items())))


async def generate_all(
    engine: Any, requests: list[tuple[list[int], dict[str, Any]]], concurrency: int
) -> list[Generated]:
    """Run requests (prompt, parameters), at most ``concurrency`` at a time."""
    gate = asyncio.Semaphore(concurrency)

    async def one(prompt: list[int], params: dict[str, Any]) -> Generated:
        async with gate:
            return await generate(engine, prompt, **params)

    return await asyncio.gather(*(one(*request) for request in requests))


class HuggingFaceReference:
    """log p(z_c | prompt, completion) by a plain Transformers forward pass."""

    def __init__(self, model: TinyModel, dtype: torch.dtype = torch.float32) -> None:
        self._z_c = model.z_c
        self._model = AutoModelForCausalLM.from_pretrained(model.path, dtype=dtype).eval()

    def logprob(self, prompt: list[int], completion: list[int]) -> float:
        """In nats, of the distribution after the completion's last token."""
        return float(self.distributions([*prompt, *completion])[-1, self._z_c])

    def distributions(self, tokens: list[int]) -> torch.Tensor:
        """Log-probabilities of what follows each of the tokens, `[len(tokens), vocabulary]`."""
        with torch.no_grad():
            logits = self._model(torch.tensor([tokens])).logits[0]
        return torch.log_softmax(logits.float(), dim=-1)
