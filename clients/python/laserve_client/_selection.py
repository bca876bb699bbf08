"""The options of a selection: their one definition in the client.

`LaServe.select` takes them as keywords, `LaServe.stream` as a dictionary, `ask` as flags. The tests
hold them equal to those of the server: names, types, defaults, choices.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, cast, get_type_hints

from laserve_client._fields import RequestFields, refuse_unknown, without_none

SelectionMethod = Literal["weighted_majority", "majority", "best_of_n"]


class Option(NamedTuple):
    """What stands beside the type of an option."""

    default: Any
    """What the server takes where the option is left out."""
    help: str


class _Method(TypedDict, total=False):
    method: Annotated[
        SelectionMethod, Option("weighted_majority", "how one of the samples is chosen")
    ]


class _Size(TypedDict, total=False):
    n_max: Annotated[int, Option(8, "the most samples to draw")]


class ShortcutOptions(TypedDict, total=False):
    """Those that `LaServe.best_of_n` and `LaServe.majority` leave open."""

    n_parallel: Annotated[
        int | None, Option(4, "samples in flight at a time; as many as n_max: all at once")
    ]
    answer: Annotated[
        str,
        Option(
            "text",
            "what the votes are counted over: text, boxed, last_number, choice, regex:PATTERN, "
            "json:PATH, tool_call, tool_name or plugin:NAME",
        ),
    ]
    equality: Annotated[Literal["string", "math"], Option("string", "when two answers are one")]
    weights: Annotated[Literal["score", "confidence"], Option("score", "what a vote weighs")]
    adaptive: Annotated[bool, Option(True, "stop as soon as the winner is certain")]
    posterior: Annotated[
        float | None,
        Option(None, "stop when the leader wins with this probability, 0.5 to 1"),
    ]
    min_confidence: Annotated[
        float | None,
        Option(
            None,
            "stop when the confidence reaches this, abstain where it never does; needs a "
            "calibrated checkpoint",
        ),
    ]
    max_risk: Annotated[
        float | None,
        Option(
            None,
            "abstain so that of what is answered this share is wrong at most; needs a checkpoint "
            "that keeps its judged samples",
        ),
    ]
    delta: Annotated[float, Option(0.1, "with what probability the bound of max_risk may not hold")]
    max_total_tokens: Annotated[
        int | None, Option(None, "stop when all samples together have so many tokens")
    ]
    timeout_s: Annotated[float | None, Option(None, "stop after so many seconds")]
    escalate: Annotated[bool, Option(True, "let the server's upstream answer where it abstains")]
    return_candidates: Annotated[bool, Option(False, "answer with every sample")]


class SelectionOptions(_Method, _Size, ShortcutOptions, total=False):
    """How the server draws several answers and selects one; what is left out, or None, is the
    server's default."""


OPTIONS: Mapping[str, Any] = get_type_hints(SelectionOptions, include_extras=True)
"""Name -> Annotated[type, Option(...)]."""


class SelectKeywords(SelectionOptions, RequestFields, total=False):
    """Keywords of `LaServe.select`: the options, and fields of the request."""


class ShortcutKeywords(ShortcutOptions, RequestFields, total=False):
    """Keywords of `LaServe.best_of_n` and `LaServe.majority`."""


def parted(keywords: Mapping[str, Any]) -> tuple[SelectionOptions, dict[str, Any]]:
    """The options among the keywords, and the fields of the request."""
    options = {name: value for name, value in keywords.items() if name in OPTIONS}
    fields = {name: value for name, value in keywords.items() if name not in OPTIONS}
    return checked_options(options), fields


def checked_options(options: Mapping[str, Any]) -> SelectionOptions:
    """The options without those that are None. Raises InvalidArgumentError for one that the server
    does not have."""
    refuse_unknown(options, OPTIONS, "no option of a selection")
    return cast(SelectionOptions, without_none(options))
