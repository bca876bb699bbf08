"""z_c in what a request asks for: what would force it, forbid it, or put it into a scored prompt is
refused.

An armed request has it masked by the processor. Where none runs, in an answer that is scored by a
second request or not at all, it is these rules that keep it out; a score that is read behind it
would be that of another text.
"""

from collections.abc import Mapping
from typing import Any

from vllm.exceptions import VLLMValidationError
from vllm.renderers import BaseRenderer
from vllm.sampling_params import SamplingParams


def check_not_steered(params: SamplingParams, z_c: int, renderer: BaseRenderer) -> None:
    """Raise VLLMValidationError where the request makes z_c more or less likely."""
    listed = (
        ("logit_bias", params.logit_bias or ()),
        ("allowed_token_ids", params.allowed_token_ids or ()),
        ("trace_decode_token_ids", params.trace_decode_token_ids or ()),
    )
    named = [parameter for parameter, token_ids in listed if z_c in token_ids]
    if params.bad_words:
        text = _text(z_c, renderer)
        named += ["bad_words"] if any(text in word for word in params.bad_words) else []
    if named:
        raise VLLMValidationError(
            f"{named[0]} names the score token {_text(z_c, renderer)!r} (id {z_c}), which is for "
            "the server alone to read: leave it out",
            parameter=named[0],
        )


def check_scorable_prompt(prompt: object, z_c: int, renderer: BaseRenderer) -> None:
    """Raise VLLMValidationError where a rendered prompt holds z_c, as an id or as the text that
    stands for it: training never saw that, and it falsifies the score."""
    if z_c in (prompt_token_ids(prompt) or ()):
        raise VLLMValidationError(
            f"the prompt contains the score token {_text(z_c, renderer)!r} (id {z_c}), behind "
            "which no score means anything: leave it out, or ask for no score "
            "(self_reward: false)",
            parameter="prompt",
        )


def prompt_token_ids(prompt: object) -> list[int] | None:
    """Those of a rendered prompt; None where it has none, such as embeddings."""
    fields: Mapping[str, Any] = prompt if isinstance(prompt, Mapping) else {}
    return fields.get("prompt_token_ids")


def _text(z_c: int, renderer: BaseRenderer) -> str:
    return str(renderer.get_tokenizer().decode([z_c]))
