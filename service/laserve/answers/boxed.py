r"""What stands in `\boxed{...}`: where mathematical solutions put their answer."""

import re
from typing import NamedTuple

_BRACES = r"\{(?:[^{}]++|\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\})*+\}"
_BARE = (
    # A number, a command, a letter: what else follows is prose about the command.
    r"\\boxed(?:\s*+(?=[-+−–]?\.?\d|\\[A-Za-z$])|\s++(?=[A-Za-z](?:[\s$.,;:!?*)]|\\[)\]]|$)))"
    rf"(?P<content>(?:[^\s${{}}\\]++|\\(?:[A-Za-z]++|[^A-Za-z\s()\[\]\\])|{_BRACES})++)"
)
_TOKEN = re.compile(
    rf"(?P<box>\\boxed\s*\{{)|(?P<bare>{_BARE})|\\.|(?P<open>\{{)|(?P<close>\}})", re.DOTALL
)
r"""An escaped brace, `\{`, neither opens nor closes."""
_BLANK = re.compile(
    r"(?:[\s{}$~]|\\[ ,;:!]|\\(?:boxed|q?quad|text[a-z]*|math[a-z]+|mbox|hbox)(?![A-Za-z]))*+"
)
_MAX_BLANK = 1000
"""Characters. A box with more in it holds something."""
_MAX_BLANK_BOXES = 100


class Boxed(NamedTuple):
    """One box of a text, as places in it: a copy of the content of each would take quadratic
    memory where boxes are nested."""

    start: int
    """Place of its backslash."""
    content_start: int
    content_end: int


def boxes(text: str) -> list[Boxed]:
    r"""Every `\boxed{...}` whose braces are balanced, and `\boxed 5`, in the order in which they
    begin. Without braces a box holds a number, a command with what belongs to it or a letter, up to
    white space or the end of the formula, without punctuation behind it."""
    found = []
    opened: list[tuple[int, int] | None] = []
    # One pass: a search from each box for its end would take quadratic time on hostile text.
    for token in _TOKEN.finditer(text):
        if token["box"]:
            opened.append(token.span())
        elif token["bare"]:
            ends = ".,;:!?*" if "(" in token["content"] else ".,;:!?*)"
            start = token.start("content")
            content = token["content"].rstrip(ends)
            found.append(Boxed(token.start(), start, start + len(content)))
        elif token["open"]:
            opened.append(None)
        elif token["close"] and opened and (begin := opened.pop()):
            found.append(Boxed(*begin, token.start()))
    return sorted(found)


def last_boxed(text: str) -> str | None:
    r"""Content of the last box that has something in it (`boxes`; the innermost one where boxes are
    nested): an empty one behind it, as `\boxed{}` or `\boxed{\text{ }}`, does not count. None where
    there is none, or only empty ones at the end of very many."""
    for box in reversed(boxes(text)[-_MAX_BLANK_BOXES:]):
        content = text[box.content_start : box.content_end]
        if len(content) > _MAX_BLANK or not _BLANK.fullmatch(content):
            return content
    return None
