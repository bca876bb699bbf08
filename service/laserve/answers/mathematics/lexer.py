"""Cuts an answer into tokens."""

import re
from collections.abc import Iterator
from dataclasses import replace

from laserve.answers.mathematics import vocabulary
from laserve.answers.mathematics.literals import match_literal
from laserve.answers.mathematics.spelling import spell
from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import UnreadError

_SPACE = re.compile(r"\s+")
_CURRENCY = re.compile(
    r"(?:\b(?:US\s?|CA|AU|NZ|HK|A|C))?(?:\\?\$)+"
    r"|\\(?:pounds|euro|yen|(?:text|math)dollar|texteuro|textsterling|textyen)(?![A-Za-z])"
)
_FUNCTION = r"(?:sin|cos|tan|cot|sec|csc|ln|log)"
# xlnx, 2sinxcosx, 2pir: products without spaces.
_PRODUCT = re.compile(
    rf"(?:[xynkrt]|pi)?(?:{_FUNCTION}[xyn]?)+(?![A-Za-z])|pi(?:r[hl]?|x)(?![A-Za-z])"
)
_FACTOR = re.compile(rf"{_FUNCTION}|pi|[a-z]")
_WORD = re.compile(r"[A-Za-z]+")
_END = re.compile(r"\s*\\end(?![A-Za-z])")
_ROW = re.compile(r"\\\\(?:\[[^\]]*\])?")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_SIGN = re.compile(
    # 4!=24 begins with a factorial.
    r"\*\*|<=|=<|>=|(?:(?<!\d)|(?<=_\d))!=|==|\+/-|:=|''|[-+*/^_=<>!|:;,'()\[\]{}%&]"
)

# Arguments of commands.
_BRACE = re.compile(r"\s*\{()")
_NAME = re.compile(r"\s*(?:\{([^{}]+)\}|(\\?\w))")
_LABEL = re.compile(r"\s*(?:\{\s*([A-Za-z]+)\s*\}|([A-Za-z]+))")
_LETTER = re.compile(r"\s*\{\s*([A-Za-z])\s*\}")
_ENVIRONMENT = re.compile(r"\s*\{\s*(\w+)\*?\s*\}(?:\s*\{[clr|\s]*\})?")

_SAME = {"**": "^", "==": "=", "=<": "<=", ":=": "=", "+/-": "+-"}
_SHOWN = frozenset("%|&_#")
"""Signs that a backslash only escapes."""


class Lexer:
    """Cuts an answer into tokens."""

    def __init__(self, answer: str) -> None:
        self._text = spell(answer)
        self._place = 0
        self._open: list[str] = []
        """Brackets that are open; "text" is the brace of `\\text{`."""
        self._system: str | None = None
        """The environment of several lines, without a bracket of its own, that is open."""

    def tokens(self) -> Iterator[Token]:
        """All of them, in order. Raises UnreadError at what is none."""
        is_spaced = is_divided = False
        while self._place < len(self._text):
            if self._skip(_SPACE):
                is_spaced = True
                continue
            # A currency's sign is dropped, but divides two numbers as white space does.
            if self._skip(_CURRENCY):
                is_divided = True
                continue
            token = self._next()
            if token is not None:
                is_spaced |= is_divided and token.kind != "-"
                yield replace(token, is_spaced=is_spaced, is_text="text" in self._open)
                is_spaced = is_divided = False

    def _next(self) -> Token | None:
        """The next token; None behind something that means nothing."""
        is_in_brackets = not {"(", "[", "\\{"}.isdisjoint(self._open)
        if literal := match_literal(self._text, self._place, is_in_brackets):
            tree, found = literal
            self._place += len(found)
            return Token("number", found, literal=tree)
        if word := self._skip(_FACTOR if _PRODUCT.match(self._text, self._place) else _WORD):
            return _of_word(word[0], "text" in self._open)
        if row := self._skip(_ROW):
            return self._of_row(row[0])
        if command := self._skip(_COMMAND):
            return self._of_command(command[1])
        if sign := self._skip(_SIGN):
            return self._of_sign(sign[0])
        raise UnreadError(f"{self._text[self._place]!r} means nothing")

    def _of_row(self, row: str) -> Token | None:
        if self._system is None:
            return Token("row", row)
        return None if _END.match(self._text, self._place) else Token(",", row)

    def _of_environment(self, command: str) -> Token | None:
        name = self._argument(_ENVIRONMENT)
        if name in vocabulary.MATRICES:
            return Token(command, command)
        if name not in vocabulary.SYSTEMS or (command == "begin") != (self._system is None):
            raise UnreadError("an environment that is no matrix and no system")
        self._system = name if command == "begin" else None
        return None

    def _of_sign(self, sign: str) -> Token | None:
        if sign == "&" and self._system is not None:
            # What stands behind it in cases is a condition, and the order of both counts.
            if self._system == "cases":
                raise UnreadError("a function in pieces")
            return None
        if sign in ("(", "[", "{"):
            self._open.append(sign)
        elif sign in (")", "]", "}") and self._open and self._open.pop() == "text":
            return None
        return Token(_SAME.get(sign, sign), sign)

    def _of_command(self, name: str) -> Token | None:
        if name in ("{", "}"):
            return self._of_shown_brace(name)
        if name in vocabulary.TEXT:
            if self._skip(_BRACE):
                self._open.append("text")
            return None
        if name in vocabulary.STYLES:
            letter = self._skip(_LETTER)
            return _of_word(letter[1], is_text=False) if letter else None
        if name in vocabulary.DECORATIONS:
            return Token("name", f"\\{name} {self._argument(_NAME)}")
        if name in vocabulary.FIGURES:
            return Token("name", f"\\{name} {self._argument(_LABEL)}")
        if name in ("begin", "end"):
            return self._of_environment(name)
        if name in vocabulary.GREEK:
            return _of_greek(name)
        for kind, meanings in (
            ("constant", vocabulary.CONSTANTS),
            ("function", vocabulary.FUNCTIONS),
        ):
            if name in meanings:
                return Token(kind, meanings[name])
        if name in _SHOWN:
            return Token(name, name)
        return Token(vocabulary.OPERATORS.get(name, "command"), name)

    def _of_shown_brace(self, brace: str) -> Token:
        if brace == "{":
            self._open.append("\\{")
        elif self._open:
            self._open.pop()
        return Token(f"\\{brace}", brace)

    def _skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._place)
        if found:
            self._place = found.end()
        return found

    def _argument(self, pattern: re.Pattern[str]) -> str:
        found = self._skip(pattern)
        if found is None:
            raise UnreadError("a command without its argument")
        argument: str = next(filter(None, found.groups()))
        return argument.strip()


def _of_greek(name: str) -> Token:
    # The variants are of one letter.
    return Token("name", f"\\{name.removeprefix('var')}")


def _of_word(word: str, is_text: bool) -> Token | None:
    folded = word.lower()
    if len(word) == 1:
        return Token("constant" if word in vocabulary.LETTERS else "name", word)
    if word in vocabulary.CURRENCIES or folded in vocabulary.CURRENCIES:
        return None
    if folded in vocabulary.WORD_OPERATORS:
        return Token(vocabulary.WORD_OPERATORS[folded], word)
    if folded in vocabulary.CONSTANTS:
        return Token("constant", vocabulary.CONSTANTS[folded])
    if folded in vocabulary.FUNCTIONS:
        return Token("function", vocabulary.FUNCTIONS[folded])
    if word in vocabulary.GREEK and len(word) > 2 and not is_text:
        return _of_greek(word)
    is_word = len(word) > 3 or is_text or folded == "to"
    return Token("word" if is_word else "letters", word)
