"""The official anthropic client: its message streams drop the verdict, which `scored` puts back.

    with scored(client.messages.stream(model=model, max_tokens=99, messages=messages)) as stream:
        message = stream.get_final_message()
    print(self_reward(message))

Streams of an asynchronous client go into `async_scored`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, TypeVar

from laserve_client._types import SelfReward
from laserve_client.integrations._extras import needed
from laserve_client.integrations._places import field, self_reward_of

with needed("anthropic"):
    from anthropic.lib.streaming import (
        AsyncMessageStream,
        BetaAsyncMessageStream,
        BetaMessageStream,
        MessageStream,
    )
    from anthropic.types import Message, RawMessageDeltaEvent
    from anthropic.types.beta import BetaMessage, BetaRawMessageDeltaEvent

Stream = TypeVar("Stream", bound="MessageStream[Any] | BetaMessageStream[Any]")
AsyncStream = TypeVar("AsyncStream", bound="AsyncMessageStream[Any] | BetaAsyncMessageStream[Any]")


@contextmanager
def scored(stream: AbstractContextManager[Stream]) -> Iterator[Stream]:
    """`client.messages.stream(...)`, whose message has the field `self_reward`, as the message of
    `client.messages.create(...)` has."""
    with stream as entered:
        # Whatever else the stream offers reads from here.
        entered._iterator = _kept(entered, entered._iterator)
        yield entered


@asynccontextmanager
async def async_scored(
    stream: AbstractAsyncContextManager[AsyncStream],
) -> AsyncIterator[AsyncStream]:
    """The same of an asynchronous client."""
    async with stream as entered:
        entered._iterator = _async_kept(entered, entered._iterator)
        yield entered


def self_reward(
    message: Message | BetaMessage | RawMessageDeltaEvent | BetaRawMessageDeltaEvent,
) -> SelfReward | None:
    """The model's verdict on a message, or in the event that ends one. None where scoring was
    turned off.

    Raises InvalidResponseError.
    """
    return self_reward_of(message)


def _kept(stream: Any, events: Iterator[Any]) -> Iterator[Any]:
    for event in events:
        _keep(stream, event)
        yield event


async def _async_kept(stream: Any, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for event in events:
        _keep(stream, event)
        yield event


def _keep(stream: Any, event: Any) -> None:
    if (reward := field(event, "self_reward")) is not None:
        stream.current_message_snapshot.self_reward = reward
