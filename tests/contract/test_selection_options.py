"""The client's options of a selection are the server's, though the two share no code."""

import inspect
import json
from typing import Any, Unpack, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter

from laserve.api.generating.schemas import ScoredChatCompletionRequest
from laserve.api.given.schemas import GivenTextRequest
from laserve.selection.options import SelectionOptions as ServedOptions
from laserve.selection.outcome import SelectionOutcome
from laserve_client import AsyncLaServe, LaServe, Selection, SelectionOptions
from laserve_client._fields import GENERATION, GIVEN_TEXT
from laserve_client._selection import OPTIONS, SelectKeywords, ShortcutKeywords

SERVED = ServedOptions.model_fields


def values_of(kind: Any) -> Any:
    """What a type allows, as JSON Schema; an enumeration's name and docstring are no part of it."""

    def plain(schema: Any) -> Any:
        if isinstance(schema, dict):
            left_out = ("title", "description")
            return {key: plain(value) for key, value in schema.items() if key not in left_out}
        return sorted(schema) if isinstance(schema, list) and isinstance(schema[0], str) else schema

    return plain(TypeAdapter(kind).json_schema())


def test_the_clients_options_are_the_servers() -> None:
    assert list(get_type_hints(SelectionOptions)) == list(OPTIONS) == list(SERVED)


@pytest.mark.parametrize("name", list(SERVED))
def test_an_option_has_the_servers_values_and_default(name: str) -> None:
    kind, option = get_args(OPTIONS[name])
    assert values_of(kind) == values_of(SERVED[name].annotation)
    assert json.dumps(option.default) == json.dumps(SERVED[name].default)


def test_the_client_types_all_that_the_server_tells_of_a_selection() -> None:
    assert list(Selection.model_fields) == list(SelectionOutcome.model_fields)


@pytest.mark.parametrize("client", [LaServe, AsyncLaServe])
def test_both_clients_take_them_as_keywords_beside_fields_of_the_request(client: Any) -> None:
    keywords = inspect.signature(client.select).parameters["keywords"]
    assert keywords.kind == inspect.Parameter.VAR_KEYWORD
    assert keywords.annotation == Unpack[SelectKeywords]
    names = get_type_hints(SelectKeywords).keys()
    assert names >= SERVED.keys()
    assert names - SERVED.keys() <= ScoredChatCompletionRequest.model_fields.keys()
    for shortcut in (client.best_of_n, client.majority):
        keywords = inspect.signature(shortcut).parameters["keywords"]
        assert keywords.annotation == Unpack[ShortcutKeywords]
    assert names - get_type_hints(ShortcutKeywords).keys() == {"method", "n_max"}


def test_the_fields_that_the_client_knows_are_fields_of_the_server() -> None:
    assert ScoredChatCompletionRequest.model_fields.keys() >= GENERATION
    assert GivenTextRequest.model_fields.keys() - {"messages"} == GIVEN_TEXT
