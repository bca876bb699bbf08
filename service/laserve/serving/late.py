"""A generator whose maker is asked for when its first item is."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Item = TypeVar("Item")


class LateGenerator(AsyncGenerator[Item, None]):
    """The items of the generator that `begin` returns.

    No generator around that one: every item but the first comes straight from it, as on the path of
    every token a frame of an async generator costs as much as what is done in it.
    """

    def __init__(self, begin: Callable[[], Awaitable[AsyncGenerator[Item, None]]]) -> None:
        self._begin = begin
        self._items: AsyncGenerator[Item, None] | None = None

    def __anext__(self) -> Coroutine[Any, Any, Item]:
        """As of any generator."""
        return self._first() if self._items is None else self._items.__anext__()

    async def asend(self, value: None) -> Item:
        """As of any generator."""
        return await anext(self)

    async def athrow(self, *error: Any) -> Item:
        """As of any generator."""
        if self._items is None:
            raise error[0]
        return await self._items.athrow(*error)

    async def aclose(self) -> None:
        """As of any generator."""
        if self._items is not None:
            await self._items.aclose()

    async def _first(self) -> Item:
        self._items = await self._begin()
        return await anext(self._items)
