r"""Functions, roots, and what commands are applied to: `\sin 2x`, `\log_2 8`, `\frac12`."""

from abc import abstractmethod
from fractions import Fraction

from laserve.answers.mathematics.cursor import Cursor
from laserve.answers.mathematics.functions import ANGULAR
from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import Call, Number, Sequence, Symbol, Tree, UnreadError
from laserve.answers.mathematics.vocabulary import BINOMIALS, FRACTIONS, LETTERS

_SEVERAL = ("max", "min", "gcd", "lcm")
"""Functions of several arguments."""
_TEN = Number(Fraction(10))
_MINUS_ONE = Call("negative", (Number(Fraction(1)),))


class Applications(Cursor):
    """Reads a function or a command, and what it is applied to."""

    @abstractmethod
    def atom(self) -> Tree:
        """The atom here."""

    @abstractmethod
    def bracketed(self) -> tuple[Tree, ...]:
        """The items behind a "(", up to its ")"."""

    @abstractmethod
    def argument_row(self) -> Tree:
        """A product that ends with its letters."""

    @abstractmethod
    def expression(self) -> Tree:
        """A sum."""

    def is_fraction(self) -> bool:
        r"""Whether `\frac` stands here."""
        return self.is_at("command") and self.peek().text in FRACTIONS

    def is_command_of_number(self) -> bool:
        """Whether the command here begins a factor."""
        return self.peek().text in FRACTIONS | BINOMIALS

    def argument(self) -> Tree:
        r"""What a command is applied to: a group in braces, or one digit or letter."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1:
            return self._first_digit(self.take())
        if token.kind not in ("{", "number", "name", "letters", "constant", "command"):
            raise UnreadError("a command without its argument")
        # In `\frac x2` the 2 is no index.
        return Symbol(self.take().text) if token.kind == "name" else self.atom()

    def first_letter(self, token: Token) -> Tree:
        """The first letter of a token that was taken; the rest of it comes next."""
        first, rest = token.text[0], token.text[1:]
        kind = "letters" if len(rest) > 1 else "constant" if rest in LETTERS else "name"
        self.put_back(Token(kind, rest))
        return Call(first) if first in LETTERS else Symbol(first)

    def fraction(self) -> Tree:
        r"""The two arguments of `\frac`. A derivative is none."""
        numerator, denominator = self.argument(), self.argument()
        if _is_differential(numerator) and _is_differential(denominator):
            raise UnreadError("a derivative")
        return Call("divide", (numerator, denominator))

    def function(self, name: str) -> Tree:
        """A function's exponent, base and argument."""
        if name == "sqrt":
            return self._root()
        exponent = base = None
        while self.is_at("^", "_"):
            if self.take().kind == "^":
                exponent = self._exponent()
            else:
                base = self._base()
        if name == "log" and base is None and self.is_at("number") and not self.peek().is_spaced:
            # log2(8)
            base = self.atom()
        if exponent == _MINUS_ONE and name in ANGULAR:
            name, exponent = f"a{name}", None
        tree = self._applied(name, base)
        return tree if exponent is None else Call("power", (tree, exponent))

    def _first_digit(self, token: Token) -> Tree:
        if not token.text.isdecimal():
            raise UnreadError("no digit")
        first, rest = token.text[0], token.text[1:]
        self.put_back(Token("number", rest, literal=Number(Fraction(int(rest)))))
        return Number(Fraction(int(first)))

    def _exponent(self) -> Tree:
        sign = self.accept("-")
        tree = self.argument()
        return Call("negative", (tree,)) if sign else tree

    def _base(self) -> Tree:
        # `\log_28` is the logarithm of 8, "log_10 5" that of 5.
        is_whole = self.peek(1).kind in ("number", "name", "(", "{", "letters")
        return self.atom() if self.is_at("number") and is_whole else self.argument()

    def _applied(self, name: str, base: Tree | None) -> Tree:
        arguments = self._arguments(name)
        if len(arguments) > 1 and name not in _SEVERAL:
            raise UnreadError(f"{name} of several arguments")
        if base is not None and name != "log":
            raise UnreadError(f"{name} of a base")
        match name:
            case "log":
                return Call("log", (base or _TEN, *arguments))
            case "exp":
                return Call("power", (Call("e"), *arguments))
            case "cbrt":
                return Call("root", (Number(Fraction(3)), *arguments))
        return Call(name, arguments)

    def _arguments(self, name: str) -> tuple[Tree, ...]:
        if self.accept("("):
            return self.bracketed()
        if name in _SEVERAL and self.is_at("{", "\\{"):
            # The largest of a set.
            tree = self.atom()
            return tree.items if isinstance(tree, Sequence) else (tree,)
        return (self.argument_row(),)

    def _root(self) -> Tree:
        if not self.accept("["):
            return Call("sqrt", (self._radicand(),))
        degree = self.expression()
        self.expect("]")
        return Call("root", (degree, self._radicand()))

    def _radicand(self) -> Tree:
        if self.is_at("number"):
            return self.atom()
        if not self.accept("("):
            return self.argument()
        tree, *more = self.bracketed()
        if more:
            raise UnreadError("a root of several arguments")
        return tree


def _is_differential(tree: Tree) -> bool:
    while isinstance(tree, Call) and tree.arguments:
        tree = tree.arguments[0]
    return isinstance(tree, Symbol) and tree.name in ("d", "\\partial")
