"""Whoever holds vLLM's engine gets ours, or the start fails."""

from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from starlette.datastructures import State
from vllm.entrypoints.generate.structured_decisions.serving import ServingStructuredDecisions
from vllm.entrypoints.generate.structured_decisions.strategies import (
    NextTokenStrategy,
    ReadContext,
)
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
from vllm.entrypoints.openai.models.serving import OpenAIServingModels

from laserve.errors import ConfigurationError
from laserve.vllm_seam.engine import on_every_worker
from laserve.vllm_seam.serving import share_engine

Serving = TypeVar("Serving")
OURS = object()


def engine() -> Any:
    return SimpleNamespace(generate=lambda: None)


def made(kind: type[Serving], **fields: object) -> Serving:
    """An object of vLLM's with these attributes, of a server that is not started."""
    serving = kind.__new__(kind)
    vars(serving).update(fields)
    return serving


async def test_the_workers_of_every_data_parallel_rank_answer() -> None:
    async def all_ranks(utility: str, *asked: object) -> list[list[object]]:
        return [[(rank, utility, asked)] for rank in range(2)]

    client: Any = SimpleNamespace(
        vllm_config=SimpleNamespace(parallel_config=SimpleNamespace(data_parallel_size=2)),
        engine_core=SimpleNamespace(call_utility_all_async=all_ranks),
    )
    # As vLLM's `AsyncMPClient.collective_rpc_async` asks: method, time limit, args, kwargs.
    asked = ("take", None, ("a", 1), None)
    assert await on_every_worker(client, "take", "a", 1) == [
        (rank, "collective_rpc", asked) for rank in range(2)
    ]


def test_every_object_that_holds_the_engine_holds_ours() -> None:
    theirs = engine()
    chat = made(OpenAIServingChat, engine_client=theirs)
    completion = made(OpenAIServingCompletion, engine_client=theirs)
    models = made(OpenAIServingModels, engine_client=theirs)
    state = State({"engine_client": theirs, "chat": chat, "completion": completion})
    state.models, state.args, state.nothing = models, SimpleNamespace(model="tiny"), None
    share_engine(state, theirs, OURS)
    assert state.engine_client is OURS
    assert chat.engine_client is OURS
    assert completion.engine_client is OURS
    assert models.engine_client is OURS
    assert state.args.model == "tiny"


def test_an_engine_inside_of_a_serving_object_is_found() -> None:
    theirs = engine()
    context = made(ReadContext, engine_client=theirs)
    strategy = made(NextTokenStrategy, context=context)
    state = State({"chat": made(OpenAIServingChat, engine_client=theirs)})
    state.decisions = made(ServingStructuredDecisions, engine_client=theirs, strategy=strategy)
    share_engine(state, theirs, OURS)
    assert context.engine_client is OURS
    assert state.decisions.engine_client is OURS


def test_an_engine_under_another_name_is_found_where_nothing_reads_the_old_one() -> None:
    theirs = engine()
    models = made(OpenAIServingModels, client=theirs)
    state = State({"chat": made(OpenAIServingChat, engine_client=theirs), "models": models})
    share_engine(state, theirs, OURS)
    assert vars(models)["client"] is OURS


@pytest.mark.parametrize(
    "fields",
    [
        lambda theirs: {"client": theirs},
        lambda theirs: {"generate": theirs.generate},
        lambda theirs: {"engine_client": partial(theirs.generate)},
        lambda _: {},
    ],
    ids=["renamed", "bound", "wrapped", "gone"],
)
def test_a_serving_object_that_holds_the_engine_otherwise_ends_the_start(fields: Any) -> None:
    theirs = engine()
    state = State({"completion": made(OpenAIServingCompletion, engine_client=theirs)})
    state.chat = made(OpenAIServingChat, **fields(theirs))
    with pytest.raises(ConfigurationError, match=r"\(OpenAIServingChat\).*unscored"):
        share_engine(state, theirs, OURS)


def test_a_server_without_serving_objects_ends_the_start() -> None:
    theirs = engine()
    with pytest.raises(ConfigurationError, match="no serving object"):
        share_engine(State({"engine_client": theirs, "chat": None}), theirs, OURS)
