"""vLLM's own detokenizer, outside of its engine."""

from vllm.sampling_params import SamplingParams
from vllm.tokenizers import TokenizerLike
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.detokenizer import IncrementalDetokenizer


def new_detokenizer(
    params: SamplingParams, prompt_token_ids: list[int] | None, tokenizer: TokenizerLike | None
) -> IncrementalDetokenizer:
    """A detokenizer of one completion, as `vllm.v1.engine.output_processor` makes it."""
    request = EngineCoreRequest(
        request_id="",
        prompt_token_ids=prompt_token_ids,
        mm_features=None,
        sampling_params=params,
        pooling_params=None,
        arrival_time=0.0,
        lora_request=None,
        cache_salt=None,
        data_parallel_rank=None,
    )
    return IncrementalDetokenizer.from_new_request(
        tokenizer if params.detokenize else None, request
    )
