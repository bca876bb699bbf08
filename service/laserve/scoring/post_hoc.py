"""The second way to a score: a request of its own, prompt + completion + EOS.

Stock vLLM can do it; it costs a request, mostly answered from the prefix cache. It serves what
cannot be scored in flight, and text that was written elsewhere.
"""

from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import cast

from vllm.config import VllmConfig
from vllm.exceptions import GracefulHTTPError
from vllm.inputs import EngineInput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.scoring.engine import Engine, ScoringOptions


def extended_prompt(prompt: object, completion: list[int]) -> EngineInput | None:
    """The rendered prompt followed by the completion's token ids.

    None where a prompt has no token ids to extend (prompt embeddings, encoder-decoder, raw text).
    """
    if not isinstance(prompt, Mapping) or prompt.get("type") not in ("token", "multimodal"):
        return None
    extended = {**prompt, "prompt_token_ids": [*prompt["prompt_token_ids"], *completion]}
    extended.pop("prompt", None)
    return cast(EngineInput, extended)


def needs_prompt_logprobs(config: VllmConfig) -> bool:
    """Whether the score token must be fed as part of the prompt: with speculative decoding the V1
    sampler gives no log-probability of a token that it did not sample."""
    return config.speculative_config is not None and not config.use_v2_model_runner


def post_hoc_length(config: VllmConfig, completed: int) -> int:
    """Context that a second request takes after ``completed`` tokens."""
    return completed + 1 + needs_prompt_logprobs(config)


async def read_logprob(
    engine: Engine, prompt: EngineInput, z_c: int, request_id: str, options: ScoringOptions
) -> float | None:
    """log p(z_c) in nats, of the raw distribution that follows ``prompt``.

    None where the engine aborted the request, or was too full to take it: the answer stands
    without its score.
    """
    from_prompt = needs_prompt_logprobs(engine.vllm_config)
    params = SamplingParams(
        max_tokens=1,
        temperature=0.0,
        prompt_logprobs=0 if from_prompt else None,
        logprob_token_ids=None if from_prompt else [z_c],
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        watermarking=False,
    )
    asked = extended_prompt(prompt, [z_c]) if from_prompt else prompt
    assert asked is not None
    with suppress(GracefulHTTPError):
        async with aclosing(engine.generate(asked, params, request_id, **options)) as outputs:
            async for output in outputs:
                positions = output.prompt_logprobs if from_prompt else output.outputs[0].logprobs
                if output.outputs[0].finish_reason != "abort" and positions:
                    position = positions[-1]
                    assert position is not None
                    return position[z_c].logprob
    return None
