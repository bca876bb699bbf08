"""Where a tool leaves what LaServe adds to an answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from laserve_client._responses import validate
from laserve_client._types import Selection, SelfReward


def field(place: object, name: str) -> Any:
    """Of an object or of JSON; None where it is not there."""
    return place.get(name) if isinstance(place, Mapping) else getattr(place, name, None)


def self_reward_of(choice: object) -> SelfReward | None:
    """The verdict on a choice of a completion, of a chunk, or of what a tool made of its chunks.

    Raises InvalidResponseError.
    """
    found = _first("self_reward", _places(choice))
    return None if found is None else validate(SelfReward, found)


def selection_of(completion: object) -> Selection | None:
    """How a completion was selected, or the one that a chunk ends.

    Raises InvalidResponseError.
    """
    choices = field(completion, "choices") or ()
    parts = [place for choice in choices for place in _places(choice)]
    found = _first("selection", [completion, *parts])
    return None if found is None else validate(Selection, found)


def _places(choice: object) -> list[object]:
    return [choice, field(choice, "message"), field(choice, "delta")]


def _first(name: str, places: list[object]) -> Any:
    """By its name, or among what LiteLLM sets apart."""

    def values() -> Iterator[Any]:
        for place in places:
            yield field(place, name)
            yield field(field(place, "provider_specific_fields"), name)

    return next((value for value in values() if value is not None), None)
