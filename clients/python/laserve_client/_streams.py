"""A streamed answer, from bytes to events. No input or output here."""

from collections.abc import Iterator
from typing import Any

from laserve_client._errors import InvalidResponseError
from laserve_client._responses import decode, error_of, validate
from laserve_client._types import Event, Finished, TextDelta, Usage
from laserve_client._wire import (
    CalledTool,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Function,
    Message,
    ToolDelta,
    answer_of,
    selected,
)

_DONE = "[DONE]"
_SERVER_FAILED = 500


class EventDecoder:
    """The data of server-sent events, out of bytes that are cut anywhere.

    The lines are split here: httpx's `iter_lines` also splits at characters such as U+2028, which
    may stand inside of JSON.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, data: bytes) -> Iterator[str]:
        """The data of every event that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            name, _, value = line.removesuffix(b"\r").partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" ").decode(errors="replace"))
            elif not name and not value and self._data:
                yield "\n".join(self._data)
                self._data.clear()


class StreamReader:
    """Events of one answer. Feed it all bytes, then take its `end`."""

    def __init__(self, *, selecting: bool) -> None:
        self._selecting = selecting
        self._events = EventDecoder()
        self._texts: list[str] = []
        self._tools: dict[int, CalledTool] = {}
        self._usage: Usage | None = None
        self._last: tuple[Chunk, ChunkChoice, dict[str, Any]] | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        """Raises APIError where the server reports one, InvalidResponseError."""
        for event in self._events.feed(data):
            if event != _DONE:
                yield from self._read(decode(event))

    def end(self) -> Finished:
        """Raises InvalidResponseError where the answer is not whole."""
        if self._last is None:
            raise InvalidResponseError("the stream ended before the answer was finished")
        chunk, choice, raw = self._last
        message = Message(content="".join(self._texts), tool_calls=list(self._tools.values()))
        whole = Choice(
            message=message, finish_reason=choice.finish_reason, self_reward=choice.self_reward
        )
        completion = Completion(
            model=chunk.model, choices=[whole], usage=self._usage, selection=chunk.selection
        )
        answer = answer_of(completion, raw)
        return Finished(answer=selected(answer) if self._selecting else answer)

    def _read(self, body: dict[str, Any]) -> Iterator[Event]:
        if isinstance(body.get("error"), dict):
            code = body["error"].get("code")
            raise error_of(code if isinstance(code, int) else _SERVER_FAILED, body["error"])
        chunk = validate(Chunk, body)
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            for tool in choice.delta.tool_calls or []:
                self._add(tool)
            if choice.delta.content:
                self._texts.append(choice.delta.content)
                yield TextDelta(text=choice.delta.content)
            if choice.finish_reason is not None:
                self._last = (chunk, choice, body)

    def _add(self, delta: ToolDelta) -> None:
        """The first delta of a tool call names it, the next ones go on with its arguments."""
        call = self._tools.setdefault(
            delta.index, CalledTool(id=delta.id, function=Function(name="", arguments=""))
        )
        call.function.name += delta.function.name or ""
        call.function.arguments += delta.function.arguments or ""
