r"""What stands in `\boxed{...}`: where mathematical solutions put their answer."""

import re
from typing import NamedTuple

_TOKEN = re.compile(r"(?P<box>\\boxed\s*\{)|\\.|(?P<open>\{)|(?P<close>\})", re.DOTALL)
r"""An escaped brace, `\{`, neither opens nor closes."""


class Boxed(NamedTuple):
    """One box of a text."""

    start: int
    """Place of its backslash in the text."""
    content: str


def boxes(text: str) -> list[Boxed]:
    r"""Every `\boxed{...}` whose braces are balanced, in the order in which they begin."""
    found = []
    opened: list[re.Match[str]] = []
    # One pass: a search from each box for its end would take quadratic time on hostile text.
    for token in _TOKEN.finditer(text):
        if token["box"] or token["open"]:
            opened.append(token)
        elif token["close"] and opened:
            begin = opened.pop()
            if begin["box"]:
                found.append(Boxed(begin.start(), text[begin.end() : token.start()]))
    return sorted(found)


def last_boxed(text: str) -> str | None:
    r"""Content of the last `\boxed{...}` whose braces are balanced (the innermost one where boxes
    are nested); None where there is none."""
    found = boxes(text)
    return found[-1].content if found else None
