"""Requests that vLLM would take and then fail on, refused before its engine sees them.

Each rule stands for a request that was seen to break plain vLLM; `VLLMValidationError` is what
vLLM's routes answer with a 400.
"""

import json

from vllm.config import VllmConfig
from vllm.exceptions import VLLMValidationError
from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams, StructuredOutputsParams
from vllm.v1.serial_utils import MsgpackEncoder

from laserve.scoring.post_hoc import needs_prompt_logprobs
from laserve.worker.config import KEY

MAX_STRUCTURED_OUTPUT_CHARS = 8192
"""Grammars are compiled one after another by a single thread of the engine, without a time limit
and not cancelled with their request: one of a megabyte holds up every structured request for
minutes, the worst of this size for seconds."""

MAX_V2_STOP_TOKEN_IDS = 128
MAX_V2_LISTED_TOKENS = 1024
"""Sizes of Model Runner V2's buffers for stop tokens that `min_tokens` masks, and for biased or
allowed tokens; it dies of more."""

RESERVED_STOP_TOKEN_IDS = 16
"""Places among the stop tokens for z_c and the EOS ids of the model."""

_encoder = MsgpackEncoder()


def check_admissible(
    config: VllmConfig, params: SamplingParams, identifiers: tuple[object, ...]
) -> None:
    """Raise VLLMValidationError where the request cannot reach the engine, or would harm it.

    ``identifiers``: whatever else travels to the engine with the request, such as its id.
    """
    if params.logprob_token_ids and needs_prompt_logprobs(config):
        # Its sampler gives them for no row, or for all rows but in another shape, and dies.
        raise VLLMValidationError(
            "logprob_token_ids are not supported with speculative decoding",
            parameter="logprob_token_ids",
        )
    if config.use_v2_model_runner:
        _check_v2_buffers(params)
    if params.structured_outputs is not None:
        _check_structured_outputs(params.structured_outputs)
    if KEY in (params.extra_args or {}):
        raise VLLMValidationError(
            f"vllm_xargs.{KEY} is reserved; `self_reward` switches scoring", parameter="vllm_xargs"
        )
    transfer = (params.extra_args or {}).get("kv_transfer_params")
    if transfer is not None and not isinstance(transfer, dict):
        raise VLLMValidationError(
            "kv_transfer_params must be an object", parameter="kv_transfer_params"
        )
    try:
        # The engine's own encoding. vLLM does it after it has registered the request, and a
        # failure there is a 500 that leaves the registration behind.
        _encoder.encode((params, identifiers))
    except (OverflowError, TypeError, ValueError) as error:
        raise VLLMValidationError(
            f"a value of this request cannot be sent to the engine: {error}. Integers must fit "
            "64 bits and text must be valid Unicode"
        ) from error


def _check_v2_buffers(params: SamplingParams) -> None:
    # z_c and the EOS ids of the model are added to the stop tokens, so leave some places.
    stop_token_ids = len(params.stop_token_ids or ()) if params.min_tokens else 0
    for parameter, size, limit in (
        ("stop_token_ids", stop_token_ids, MAX_V2_STOP_TOKEN_IDS - RESERVED_STOP_TOKEN_IDS),
        ("logit_bias", len(params.logit_bias or ()), MAX_V2_LISTED_TOKENS),
        ("allowed_token_ids", len(params.allowed_token_ids or ()), MAX_V2_LISTED_TOKENS),
    ):
        if size > limit:
            raise VLLMValidationError(
                f"{parameter} has {size} tokens; this engine takes at most {limit}",
                parameter=parameter,
            )


def _check_structured_outputs(spec: StructuredOutputsParams) -> None:
    for kind in ("json", "regex", "choice", "grammar", "structural_tag"):
        value = getattr(spec, kind)
        if value is None:
            continue
        size = len(value) if isinstance(value, str) else len(json.dumps(value))
        if size > MAX_STRUCTURED_OUTPUT_CHARS:
            raise VLLMValidationError(
                f"structured_outputs.{kind} has {size} characters; at most "
                f"{MAX_STRUCTURED_OUTPUT_CHARS} are compiled",
                parameter="structured_outputs",
            )


def refuse_grammar_errors(output: RequestOutput) -> None:
    """Raise VLLMValidationError where a structured request ended with the finish reason `error`.

    A constraint that admits no token, that the engine cannot compile, or that takes too long
    (`worker.grammar_budget`) ends so, which vLLM's routes answer with a 500: the request is to
    blame.
    """
    if any(completion.finish_reason == "error" for completion in output.outputs):
        raise VLLMValidationError(
            "the structured output constraint cannot be compiled, takes too long to follow, or "
            "admits no token where the answer had got to; simplify it, or change the other "
            "parameters that exclude tokens",
            parameter="structured_outputs",
        )
