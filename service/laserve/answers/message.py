"""What a sample says."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function that the model calls."""

    name: str
    arguments: str
    """JSON, as the model wrote it: it need not be valid."""


@dataclass(frozen=True, slots=True)
class Message:
    """A sample's text, after reasoning and tool parsers have taken out what is theirs."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()


Extractor = Callable[[Message], str | None]
"""The answer of a sample, never blank; None where it gives none."""
