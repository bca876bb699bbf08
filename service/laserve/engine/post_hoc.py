"""The second way to a score: a request of its own, prompt + completion + EOS.

Stock vLLM can do it; it costs a request, mostly answered from the prefix cache. It serves what
cannot be scored in flight, and text that was written elsewhere.
"""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, cast

from vllm.engine.protocol import EngineClient
from vllm.inputs import EngineInput
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind, SamplingParams


def extended_prompt(prompt: object, completion: list[int]) -> EngineInput | None:
    """The rendered prompt followed by the completion's token ids.

    None where a prompt has no token ids to extend (prompt embeddings, encoder-decoder, raw text).
    """
    if not isinstance(prompt, Mapping) or prompt.get("type") not in ("token", "multimodal"):
        return None
    extended = {**prompt, "prompt_token_ids": [*prompt["prompt_token_ids"], *completion]}
    extended.pop("prompt", None)
    return cast(EngineInput, extended)


async def read_logprob(
    engine: EngineClient,
    prompt: EngineInput,
    z_c: int,
    request_id: str,
    *,
    lora_request: LoRARequest | None = None,
    priority: int = 0,
    trace_headers: Mapping[str, str] | None = None,
) -> float | None:
    """log p(z_c) in nats, of the raw distribution that follows ``prompt``; None where the engine
    was asked to abort."""
    params = SamplingParams(
        max_tokens=1,
        temperature=0.0,
        logprob_token_ids=[z_c],
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        watermarking=False,
    )
    options: dict[str, Any] = {
        "lora_request": lora_request,
        "priority": priority,
        "trace_headers": trace_headers,
    }
    async with aclosing(engine.generate(prompt, params, request_id, **options)) as outputs:
        async for output in outputs:
            completion = output.outputs[0]
            if completion.finish_reason != "abort" and completion.logprobs:
                position = completion.logprobs[0]
                assert position is not None
                return position[z_c].logprob
    return None
