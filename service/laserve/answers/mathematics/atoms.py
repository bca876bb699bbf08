"""What operators stand between: numbers, names, brackets, matrices."""

from abc import abstractmethod
from fractions import Fraction

from laserve.answers.mathematics.applications import Applications
from laserve.answers.mathematics.literals import in_base
from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import (
    REALS,
    Call,
    Matrix,
    Number,
    Sequence,
    Symbol,
    Tree,
    UnreadError,
)
from laserve.answers.mathematics.units import unit
from laserve.answers.mathematics.vocabulary import BINOMIALS, EMPTY, FRACTIONS

MAX_DEPTH = 40
"""Of atoms in atoms: brackets, arguments of functions."""

_CLOSING = {"(": (")", "]"), "[": ("]", ")", "["), "]": ("[", "]")}
_UNKNOWN_FUNCTIONS = "fgh"
"""Letters that are functions in front of any bracket."""


class Atoms(Applications):
    """Reads one atom."""

    is_in_bars = False
    """Whether a `|` closes."""
    junction = ""
    """The word, "and" or "or", in the list that was read last."""
    _depth = 0

    @abstractmethod
    def items(self) -> tuple[Tree, ...]:
        """A list."""

    def atom(self) -> Tree:
        """The atom here. Raises UnreadError where there is none, or one in too many others."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadError("nested too deeply")
        tree = self._atom(self.take())
        self._depth -= 1
        return tree

    def bracketed(self) -> tuple[Tree, ...]:
        """As `Applications.bracketed`."""
        items = self._items_in_brackets()
        self.expect(")")
        return items

    def closes_french_interval(self) -> bool:
        """Whether the "[" here is that of "[0, 1["."""
        return self.peek(1).kind in ("", "cup", "cap", "setminus", ",", ";", "and", "or", ")")

    def in_base(self, tree: Tree) -> Tree:
        """The number whose digits stand in front of the "_", in the base behind it."""
        match tree, self.argument():
            case Number(Fraction(denominator=1) as digits), Number(Fraction(denominator=1) as base):
                return in_base(str(digits.numerator), base.numerator)
        raise UnreadError("no number in a base")

    def _atom(self, token: Token) -> Tree:
        match token.kind:
            case "number":
                return self._number(token)
            case "name":
                return self._name(token)
            case "letters" | "word":
                return self._letters(token)
            case "constant":
                return Call(token.text)
            case "function":
                return self.function(token.text)
            case "command":
                return self._command(token.text)
            case "(" | "[" | "]":
                return self._bracket(token.kind)
            case "{" | "\\{":
                return self._braces(token.kind)
            case "|":
                return self._bars()
            case "lfloor" | "lceil":
                tree = self.expression()
                self.expect(f"r{token.kind[1:]}")
                return Call(token.kind[1:], (tree,))
            case "begin":
                return self._matrix()
        raise UnreadError(f"{token.text!r} cannot be read")

    def _number(self, token: Token) -> Tree:
        assert token.literal is not None
        numerator, slash, denominator = (self.peek(ahead) for ahead in range(3))
        if slash.kind != "/" or not all(map(_is_whole, (token, numerator, denominator))):
            return token.literal
        # 1 1/2
        self.place += 3
        if not 0 < int(numerator.text) < int(denominator.text):
            raise UnreadError("two numbers with nothing between them")
        part = Fraction(int(numerator.text), int(denominator.text))
        return Call("add", (token.literal, Number(part)))

    def _name(self, token: Token) -> Tree:
        name = token.text
        if _is_whole(self.peek()) and not self.peek().is_spaced:
            name = f"{name}_{self.take().text}"
        elif self.accept("_"):
            name = f"{name}_{self._subscript()}"
        while prime := self.accept("'", "''"):
            name += prime.kind
        if self._is_application(name):
            self.expect("(")
            return Call(f'"{name}"', self.bracketed())
        return Symbol(name, is_unit=token.is_text)

    def _is_application(self, name: str) -> bool:
        """Whether a name is that of a function of what stands in brackets behind it: f(x+1), P(A),
        P(2), but not x(x+1)."""
        ahead = 2 if self.peek(1).kind == "-" else 1
        is_of_one = self.peek(ahead).kind in ("name", "number") and self.peek(ahead + 1).kind == ")"
        return self.is_at("(") and (name[0] in _UNKNOWN_FUNCTIONS or is_of_one)

    def _subscript(self) -> str:
        """A subscript, as it is written."""
        if not self.accept("{"):
            return self.take().text
        texts = []
        depth = 1
        while depth:
            token = self.take()
            texts.append(token.text)
            depth += {"{": 1, "}": -1}.get(token.kind, 0)
        return "".join(texts[:-1])

    def _letters(self, token: Token) -> Tree:
        if token.is_text and (known := unit(token.text)):
            return known
        if token.kind == "word" or token.is_text:
            raise UnreadError(f"{token.text!r} is a word")
        # A product: what stands behind belongs to the last letter, as the square in xy^2.
        return self.first_letter(token)

    def _command(self, name: str) -> Tree:
        if name in FRACTIONS:
            return self.fraction()
        if name in BINOMIALS:
            return Call("binomial", (self.argument(), self.argument()))
        if name in EMPTY:
            return Sequence("{", (), "}")
        raise UnreadError(f"\\{name} cannot be read")

    def _items_in_brackets(self) -> tuple[Tree, ...]:
        was_in_bars, self.is_in_bars = self.is_in_bars, False
        items = self.items()
        self.is_in_bars = was_in_bars
        return items

    def _bracket(self, opening: str) -> Tree:
        items = self._items_in_brackets()
        closing = self.expect(*_CLOSING[opening]).kind
        if self.junction:
            raise UnreadError("no tuple, and no interval")
        if len(items) == 1:
            if opening + closing == "()" or isinstance(items[0], Matrix):
                return items[0]
            if opening + closing != "[]":
                raise UnreadError("brackets that do not fit")
        # ]0, 1[ is (0, 1).
        opening = "(" if opening == "]" else opening
        return Sequence(opening, items, ")" if closing == "[" else closing)

    def _braces(self, opening: str) -> Tree:
        closing = "}" if opening == "{" else "\\}"
        if opening == "\\{" and self.accept(closing):
            return Sequence("{", (), "}")
        is_of_reals = self.peek(1).kind == "in" and self.peek(2).text == REALS.name
        bar = 3 if is_of_reals else 1
        if self.is_at("name") and self.peek(bar).kind in ("|", ":"):
            # {x | x > 2}: the numbers for which that holds.
            self.place += bar + 1
            conditions = self._items_in_brackets()
            word = self.junction or "and"
            self.expect(closing)
            return conditions[0] if len(conditions) == 1 else Sequence(word, conditions, word)
        items = self._items_in_brackets()
        self.expect(closing)
        # {1} is 1, {1, 2} and \{1\} are sets.
        is_group = opening == "{" and len(items) == 1
        return items[0] if is_group else Sequence("{", items, "}")

    def _bars(self) -> Tree:
        was_in_bars, self.is_in_bars = self.is_in_bars, True
        tree = self.expression()
        self.expect("|")
        self.is_in_bars = was_in_bars
        return Call("abs", (tree,))

    def _matrix(self) -> Tree:
        rows = [[self.expression()]]
        while not self.accept("end"):
            if self.expect("&", "row").kind == "&":
                rows[-1].append(self.expression())
            elif not self.is_at("end"):
                rows.append([self.expression()])
        if len({len(row) for row in rows}) != 1:
            raise UnreadError("rows of different lengths")
        return Matrix(tuple(map(tuple, rows)))


def _is_whole(token: Token) -> bool:
    return token.kind == "number" and token.text.isdecimal()
