"""Units behind a number."""

from fractions import Fraction

from laserve.answers.mathematics.cursor import Cursor
from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import Call, Number, Tree, UnreadError
from laserve.answers.mathematics.units import (
    CONVERTED,
    counted,
    is_unit_letter,
    unit,
    unit_letter,
)
from laserve.answers.mathematics.vocabulary import FRACTIONS

_ENDS = frozenset(
    {"", ",", ";", "and", "or", "=", "<", ">", "<=", ">=", "!=", "~", "in", "+", "-"}
    | {")", "]", "\\}", "|", "&", "row", "end", "number"}
)
"""What may stand behind a quantity; a number begins another one, as in 5 ft 6 in."""
_PREFIXES = {"square": 2, "cubic": 3}
_SUFFIXES = {"^2": 2, "^3": 3}
_WORDS = ("word", "letters", "function")


def read_units(cursor: Cursor, is_of_literal: bool) -> Tree | None:
    """The units that stand here, behind a number, which may be a literal; None, and the cursor
    where it was, where the letters are but variables. Behind its units a quantity must end."""
    begun = cursor.place
    try:
        units = _Units(cursor, is_of_literal).product()
    except UnreadError:
        units = None
    if units is None or cursor.peek().kind not in _ENDS:
        cursor.place = begun
        return None
    return units


class _Units:
    def __init__(self, cursor: Cursor, is_of_literal: bool) -> None:
        self._cursor = cursor
        row = _letters(cursor)
        self._has_words = any(token.kind in _WORDS and _named(token) for token in row)
        self._is_alone = is_of_literal and len(row) == 1
        self._are_apart = False
        """Whether white space stands between the number and its letters: 5 m, but not 5m."""

    def product(self) -> Tree:
        """Units with exponents, `*` and `/` between them; "/hour" has none in front."""
        is_rate = self._cursor.is_at("/") and _named(self._cursor.peek(1)) is not None
        tree: Tree = Number(Fraction(1)) if is_rate else self._power()
        while True:
            if self._cursor.is_at("/"):
                self._cursor.take()
                tree = Call("divide", (tree, self._divisor()))
            elif self._cursor.accept("*") or self._accept_dash() or self._starts():
                tree = Call("multiply", (tree, self._power()))
            else:
                return tree

    def _accept_dash(self) -> bool:
        """Whether a "-" stands between two units, N-m, and is no difference's."""
        dash, following = self._cursor.peek(), self._cursor.peek(1)
        is_between = dash.kind == "-" and not (dash.is_spaced or following.is_spaced)
        is_unit = is_unit_letter(following.text) or _named(following) is not None
        is_dash = is_between and self._are_apart and is_unit
        self._cursor.place += is_dash
        return is_dash

    def _divisor(self) -> Tree:
        if not self._cursor.accept("("):
            return self._power()
        tree = self.product()
        self._cursor.expect(")")
        return tree

    def _starts(self) -> bool:
        return self._cursor.is_at("name", "square", "cubic", *_WORDS)

    def _power(self) -> Tree:
        cursor = self._cursor
        if prefix := cursor.accept(*_PREFIXES):
            return _to_the(self._unit(), _PREFIXES[prefix.kind])
        if cursor.is_at("command") and cursor.peek().text in FRACTIONS:
            cursor.take()
            return Call("divide", (self._braced(), self._braced()))
        tree = self._unit()
        if suffix := cursor.accept(*_SUFFIXES):
            return _to_the(tree, _SUFFIXES[suffix.kind])
        if cursor.accept("^"):
            return _to_the(tree, self._exponent())
        following = cursor.peek()
        if following.text in ("2", "3") and not following.is_spaced:
            return _to_the(tree, int(cursor.take().text))
        return tree

    def _braced(self) -> Tree:
        self._cursor.expect("{")
        tree = self.product()
        self._cursor.expect("}")
        return tree

    def _exponent(self) -> int:
        brace = self._cursor.accept("{")
        sign = -1 if self._cursor.accept("-") else 1
        number = self._cursor.expect("number").text
        if brace:
            self._cursor.expect("}")
        if not number.isdecimal() or len(number) > 2:
            raise UnreadError("no exponent of a unit")
        return sign * int(number)

    def _unit(self) -> Tree:
        token = self._cursor.take()
        if token.kind in _WORDS:
            return _named(token) or self._counted(token)
        if token.kind != "name" or not is_unit_letter(token.text):
            raise UnreadError("no unit")
        self._are_apart |= token.is_spaced or token.is_text
        is_converted = self._is_alone and token.text in CONVERTED
        if not (self._are_apart or self._has_words or is_converted):
            raise UnreadError("a variable")
        return unit_letter(token.text, self._is_alone or self._has_words)

    def _counted(self, token: Token) -> Tree:
        r"""Words as they follow each other: "red apples"."""
        if token.kind == "function" or not (token.is_spaced or token.is_text):
            raise UnreadError("a product of variables")
        words = [token.text]
        while self._cursor.is_at("word", "letters") and self._cursor.peek().is_spaced:
            words.append(self._cursor.take().text)
        return counted(" ".join(words))


def _letters(cursor: Cursor) -> list[Token]:
    """The letters and words up to the end of the quantity."""
    row: list[Token] = []
    ahead = 0
    while (token := cursor.peek(ahead)).kind not in _ENDS or token.text in ("2", "3"):
        ahead += 1
        if token.kind in ("name", *_WORDS):
            row.append(token)
    return row


def _named(token: Token) -> Tree | None:
    return unit("inch" if token.text == "in" else token.text)


def _to_the(tree: Tree, exponent: int) -> Tree:
    return Call("power", (tree, Number(Fraction(exponent))))
