"""The fields of requests that the client knows: their one definition here.

A keyword that is none of them is refused, as a server of this kind answers it as if it were not
there. What vLLM has beyond them goes into `extra_body`, as it is.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict, get_type_hints

from laserve_client._errors import InvalidArgumentError

ExtraBody = Mapping[str, Any] | None
"""Further fields of a request, which are sent unseen."""


class GivenTextFields(TypedDict, total=False):
    """Of requests that score or rerank texts. None leaves a field to the server."""

    model: str | None
    tools: list[dict[str, Any]] | None
    tool_choice: str | dict[str, Any] | None
    reasoning_effort: str | None
    chat_template_kwargs: dict[str, Any] | None
    cache_salt: str | None
    priority: int | None


class RequestFields(GivenTextFields, total=False):
    """Of requests that generate: OpenAI's, vLLM's that sample, and `self_reward`. None leaves a
    field to the server."""

    self_reward: bool | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    max_tokens: int | None
    max_completion_tokens: int | None
    min_tokens: int | None
    seed: int | None
    stop: str | list[str] | None
    stop_token_ids: list[int] | None
    ignore_eos: bool | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None
    logit_bias: dict[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    parallel_tool_calls: bool | None
    response_format: dict[str, Any] | None
    structured_outputs: dict[str, Any] | None
    stream_options: dict[str, Any] | None
    user: str | None


GENERATION = frozenset(get_type_hints(RequestFields))
GIVEN_TEXT = frozenset(get_type_hints(GivenTextFields))


def body_of(
    fields: Mapping[str, Any],
    known: frozenset[str],
    extra_body: ExtraBody,
    beside: Iterable[str] = (),
) -> dict[str, Any]:
    """What a call's keywords are of a request's body.

    Raises InvalidArgumentError for one that is not in `known`, with the name of those, or of the
    keywords `beside` them, that it is near to.
    """
    fault = "no field of a request that the client knows; what else a server takes goes into "
    refuse_unknown(fields, known, f"{fault}extra_body", beside)
    return {**without_none(fields), **(extra_body or {})}


def refuse_unknown(
    given: Iterable[str], known: Iterable[str], fault: str, beside: Iterable[str] = ()
) -> None:
    """Raise InvalidArgumentError for a name that is not known."""
    names = {*known}
    for name in given:
        if name not in names:
            near = get_close_matches(name.lower(), sorted({*names, *beside}), n=1)
            meant = f". Did you mean {near[0]!r}?" if near else ""
            raise InvalidArgumentError(f"{name!r} is {fault}{meant}")


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is given."""
    return {name: value for name, value in fields.items() if value is not None}
