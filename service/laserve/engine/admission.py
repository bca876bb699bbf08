"""Requests that vLLM would take and then fail on, refused before its engine sees them.

Each rule stands for a request that was seen to break plain vLLM; `VLLMValidationError` is what
vLLM's routes answer with a 400.
"""

import json

from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams, StructuredOutputsParams
from vllm.v1.serial_utils import MsgpackEncoder

MAX_STRUCTURED_OUTPUT_CHARS = 32_768
"""Grammars are compiled one after another by a single thread of the engine, without a time limit
and not cancelled with their request: one of a megabyte holds up every structured request for a
minute."""


_encoder = MsgpackEncoder()


def check_admissible(params: SamplingParams, *identifiers: object) -> None:
    """Raise VLLMValidationError where the request cannot reach the engine, or would hold it up.

    ``identifiers``: whatever else travels to the engine with the request, such as its id.
    """
    if params.structured_outputs is not None:
        _check_structured_outputs(params.structured_outputs)
    try:
        # The engine's own encoding. vLLM does it after it has registered the request, and a
        # failure there is a 500 that leaves the registration behind.
        _encoder.encode((params, identifiers))
    except (OverflowError, TypeError, ValueError) as error:
        raise VLLMValidationError(
            f"a value of this request cannot be sent to the engine: {error}. Integers must fit "
            "64 bits and text must be valid Unicode"
        ) from error


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
