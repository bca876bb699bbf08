"""The options of a selection: their one definition in the client.

`LaServe.select` takes them as keywords, `LaServe.stream` as a dictionary, `ask` as flags. The tests
hold them equal to those of the server: names, types, defaults, choices.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, cast, get_type_hints

SelectionMethod = Literal["weighted_majority", "majority", "best_of_n"]


class Option(NamedTuple):
    """What stands beside the type of an option."""

    default: Any
    """What the server takes where the option is left out."""
    help: str


class SelectionOptions(TypedDict, total=False):
    """How the server draws several answers and selects one; what is left out is the server's
    default."""

    method: Annotated[
        SelectionMethod, Option("weighted_majority", "how one of the samples is chosen")
    ]
    n_max: Annotated[int, Option(8, "the most samples to draw")]
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
    max_total_tokens: Annotated[
        int | None, Option(None, "stop when all samples together have so many tokens")
    ]
    timeout_s: Annotated[float | None, Option(None, "stop after so many seconds")]
    escalate: Annotated[bool, Option(True, "let the server's upstream answer where it abstains")]
    return_candidates: Annotated[bool, Option(False, "answer with every sample")]


OPTIONS: Mapping[str, Any] = get_type_hints(SelectionOptions, include_extras=True)
"""Name -> Annotated[type, Option(...)]."""


class SelectKeywords(SelectionOptions, total=False):
    """Keywords of `LaServe.select`: the options, and the request's fields that type checkers know.

    Any other field is sent as well: they are open at run time, which no annotation that mypy reads
    can say of typed keywords (PEP 728). `**{"name": value}` gives a type checker one it does not
    know.
    """

    model: str
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int
    max_completion_tokens: int
    seed: int
    stop: str | list[str]
    presence_penalty: float
    frequency_penalty: float
    repetition_penalty: float
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    response_format: dict[str, Any]
    chat_template_kwargs: dict[str, Any]


def parted(keywords: SelectKeywords) -> tuple[SelectionOptions, dict[str, Any]]:
    """The options among the keywords, and the fields of the request.

    Options that are None are left to the server.
    """
    options = {
        name: value for name, value in keywords.items() if name in OPTIONS and value is not None
    }
    fields = {name: value for name, value in keywords.items() if name not in OPTIONS}
    return cast(SelectionOptions, options), fields
