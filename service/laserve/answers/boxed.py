r"""What stands in `\boxed{...}`: where mathematical solutions put their answer."""

import re
from typing import NamedTuple

_TOKEN = re.compile(r"(?P<box>\\boxed\s*\{)|\\.|(?P<open>\{)|(?P<close>\})", re.DOTALL)
r"""An escaped brace, `\{`, neither opens nor closes."""


class Boxed(NamedTuple):
    """One box of a text, as places in it: a copy of the content of each would take quadratic
    memory where boxes are nested."""

    start: int
    """Place of its backslash."""
    content_start: int
    content_end: int


def boxes(text: str) -> list[Boxed]:
    r"""Every `\boxed{...}` whose braces are balanced, in the order in which they begin."""
    found = []
    opened: list[tuple[int, int] | None] = []
    # One pass: a search from each box for its end would take quadratic time on hostile text.
    for token in _TOKEN.finditer(text):
        if token["box"]:
            opened.append(token.span())
        elif token["open"]:
            opened.append(None)
        elif token["close"] and opened and (begin := opened.pop()):
            found.append(Boxed(*begin, token.start()))
    return sorted(found)


def last_boxed(text: str) -> str | None:
    r"""Content of the last `\boxed{...}` whose braces are balanced (the innermost one where boxes
    are nested); None where there is none."""
    found = boxes(text)
    return text[found[-1].content_start : found[-1].content_end] if found else None
