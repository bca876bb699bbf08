"""LaServe's own fields in a request: null is "not given", and what only looks like one of them is
refused.

vLLM ignores fields that it does not know. Of these it would answer another request than the one
that was meant.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, model_validator

from laserve.errors import RequestError

SCORED = "/v1/chat/completions, /v1/completions, /v1/responses and /v1/messages"


def without_nulls(schema: type[BaseModel], data: Any, *more: str) -> Any:
    """A raw request of `schema` without those of its optional fields, and of `more`, that are
    null."""
    if not isinstance(data, Mapping):
        return data
    optional = {name for name, field in schema.model_fields.items() if not field.is_required()}
    optional.update(more)
    return {
        name: value for name, value in data.items() if value is not None or name not in optional
    }


class NullsLeftOut(BaseModel):
    """A request that is LaServe's alone: null in an optional field is "not given"."""

    known_as_null: ClassVar[tuple[str, ...]] = ()
    """Fields that clients send though they do not use them."""

    @model_validator(mode="before")
    @classmethod
    def _leave_nulls_out(cls, data: Any) -> Any:
        return without_nulls(cls, data, *cls.known_as_null)


def refuse_lookalikes(unknown: Mapping[str, object]) -> None:
    """Raise RequestError for a field that a route does not know, and that looks like ours."""
    for name, value in unknown.items():
        if name == "selection" and value is None:
            continue
        letters = name.lower().replace("_", "").replace("-", "")
        if letters.startswith("selfreward"):
            raise RequestError(
                f"unknown field {name!r}: the field is 'self_reward', true or false", name
            )
        if letters.startswith("selection"):
            raise RequestError(
                f"unknown field {name!r}: chat and text completions have a field 'selection', "
                "an object; other routes select nothing",
                name,
            )


def refuse_best_of(best_of: object, n: object) -> None:
    """Raise RequestError for OpenAI's `best_of`, unless it asks for no more than there will be."""
    if best_of is not None and best_of != n:
        raise RequestError(
            "best_of is not what this server chooses among samples by: leave it out. Chat and text "
            'completions have a field \'selection\', such as {"method": "best_of_n", "n_max": 4}',
            "best_of",
        )


def refuse_scores(fields: Mapping[str, object]) -> None:
    """Raise RequestError where a request asks for what its route does not give: a score, or a
    selection."""
    if fields.get("self_reward") not in (None, False):
        raise RequestError(
            f"this route gives no scores: leave self_reward out, or use {SCORED}", "self_reward"
        )
    refuse_lookalikes({name: value for name, value in fields.items() if name != "self_reward"})
    refuse_best_of(fields.get("best_of"), fields.get("n") or 1)
