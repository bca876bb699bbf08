r"""Reads an answer as mathematics: all of it, or not at all.

answer    item [, item]...
item      side [= side]...           any relation
side      set [: set]                a ratio
set       sum [\cup sum]...
sum       product [+ product]...
product   power [* power]...         or nothing between them; units behind a number
power     atom [^ exponent] [!] [%] [°]
"""

from collections.abc import Iterable
from fractions import Fraction

from laserve.answers.mathematics.atoms import Atoms
from laserve.answers.mathematics.products import beside, check_order, divided, times
from laserve.answers.mathematics.quantities import read_units
from laserve.answers.mathematics.ranges import as_range, without_inner_ranges
from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import (
    Call,
    Number,
    Relation,
    Sequence,
    Symbol,
    Tree,
    UnreadError,
    children,
    walk,
)
from laserve.answers.mathematics.units import is_counted

MAX_NODES = 500
MAX_DEPTH = 200
"""Of a tree: an answer of more is no one's."""
MAX_SIGNS = 3

_SIGNS = ("+", "-", "+-", "-+")
_RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "~", "equiv", "pmod", "in", "notin", "subset")
_JUNCTIONS = ("land", "wedge", "lor", "vee")
_TWO_SIDED = {"over": "divide", "choose": "binomial"}
"""Commands of TeX that divide all of what stands around them, up to the braces."""
_FACTORS = ("name", "letters", "constant", "function", "number", "begin", "lfloor", "lceil")
_SCALES = ("celsius", "fahrenheit")
_BRACKETS = ("(", "{", "\\{", "[")
_WORDS = ("word", "letters", "name", "number")
_LETTERS = tuple(map(Call, ("pi", "e", "i")))


def parse(tokens: Iterable[Token]) -> Tree:
    """The answer of these tokens. Raises UnreadError where any of them cannot be read."""
    parser = Parser(tokens)
    parser.accept("=", "~")
    items = parser.items()
    if parser.place < len(parser.tokens):
        raise UnreadError(f"{parser.peek().text!r} cannot be read")
    tree = items[0] if len(items) == 1 else Sequence(parser.junction, items, parser.junction)
    _check_size(tree)
    check_order(tree)
    return without_inner_ranges(tree)


class Parser(Atoms):
    """The operators, and what stands between them (`Atoms`)."""

    def items(self) -> tuple[Tree, ...]:
        """What stands between commas, semicolons, "and", "or"."""
        items = [self._item()]
        words, signs = set(), set()
        is_logic = False
        while sign := self.accept(",", ";", "and", "or", "&"):
            word = self.accept("and", "or") or sign
            words |= {word.kind} & {"and", "or"}
            signs |= {sign.kind} & {",", ";"}
            is_logic |= sign.text in _JUNCTIONS
            if sign.kind == "," and _is_decimals(self.peek()):
                raise UnreadError("a decimal comma")
            items.append(self._item())
        if is_logic and not all(isinstance(item, Relation) for item in items):
            raise UnreadError("a formula of logic is no list")
        if len(words) > 1 or len(signs) > 1:
            raise UnreadError("a list of lists")
        self.junction = "".join(words)
        return tuple(items)

    def expression(self) -> Tree:
        """A sum."""
        tree = self._product()
        while not self._is_difference_of_sets(tree) and (sign := self.accept(*_SIGNS)):
            tree = Call("add", (tree, _signed([sign.kind], self._product())))
        return tree

    def argument_row(self) -> Tree:
        r"""What a function without brackets is applied to: `2x` in `\sin 2x + 1`."""
        tree = self._power()
        while self.is_at("name", "letters", "constant") or self.is_fraction():
            tree = Call("multiply", (tree, self._power()))
        if self.is_at("/") and self.peek(1).kind != "function":
            raise UnreadError("an argument without an end")
        return tree

    def _item(self) -> Tree:
        sides = [self._side()]
        signs = []
        while sign := self._relation():
            signs.append(sign)
            sides.append(self._side())
        return Relation(tuple(signs), tuple(sides)) if signs else sides[0]

    def _relation(self) -> str | None:
        if self._is_word_in() and self.peek(1).kind in _BRACKETS:
            self.take()
            return "in"
        if self.is_at("command") and self.peek().text == "not":
            self.take()
            return {"=": "!=", "in": "notin"}[self.expect("=", "in").kind]
        found = self.accept(*_RELATIONS)
        return found.kind if found else None

    def _side(self) -> Tree:
        if found := self._words() or self._clock():
            return found
        begun = self.place
        parts = [self._set()]
        while self.accept(":"):
            parts.append(self._set())
        if len(parts) > 1:
            return Call("ratio", tuple(parts))
        return as_range(self.tokens[begun : self.place], parts[0])

    def _words(self) -> Tree | None:
        """Words in front of a sign, "Area = ": the name of something."""
        ahead = 0
        while self.peek(ahead).kind in _WORDS:
            ahead += 1
        row = [self.peek(place) for place in range(ahead)]
        is_name = any(token.kind == "word" for token in row)
        if not is_name or self.peek(ahead).kind not in ("=", "~"):
            return None
        self.place += ahead
        return Symbol(f'"{" ".join(token.text for token in row).casefold()}"')

    def _clock(self) -> Tree | None:
        """A time such as 7:05: no ratio has its second part in two digits, below 60, by chance."""
        row = [self.peek(ahead) for ahead in range(6)]
        parts = row[0::2][: 3 if row[3].kind == ":" else 2]
        if (
            row[1].kind != ":"
            or row[2 * len(parts) - 1].kind == ":"
            or not all(part.kind == "number" and part.text.isdecimal() for part in parts)
            or any(len(part.text) != 2 or int(part.text) > 59 for part in parts[1:])
            or int(parts[0].text) > 24
        ):
            return None
        self.place += 2 * len(parts) - 1
        return Call("clock", tuple(part.literal for part in parts if part.literal))

    def _set(self) -> Tree:
        tree = self.expression()
        while True:
            if sign := self.accept("cup", "cap"):
                tree = Call(sign.kind, (tree, self.expression()))
            elif self._is_difference_of_sets(tree) or self.is_at("setminus"):
                self.take()
                tree = Call("setminus", (tree, _as_set(self.expression())))
            elif self.is_at("command") and self.peek().text in _TWO_SIDED:
                tree = Call(_TWO_SIDED[self.take().text], (tree, self.expression()))
            elif self._is_letter_cup(tree):
                self.take()
                tree = Call("cup", (tree, self.expression()))
            else:
                return tree

    def _product(self) -> Tree:
        signs = self._signs()
        tree, has_units = self._factors()
        while has_units and self.is_at("number"):
            # 5 ft 6 in
            part, has_units = self._factors()
            if not has_units:
                raise UnreadError("a number without a unit behind one with a unit")
            tree = Call("add", (tree, part))
        match tree:
            case Call("multiply", (Call("celsius" | "fahrenheit" as scale, (degrees,)), kelvin)):
                # -40 °C is a temperature, not the negative of one.
                return Call("multiply", (Call(scale, (_signed(signs, degrees),)), kelvin))
            case Call("mod", (rest, modulus)):
                return Call("mod", (_signed(signs, rest), modulus))
        return _signed(signs, tree)

    def _signs(self) -> list[str]:
        signs: list[str] = []
        while sign := self.accept(*_SIGNS):
            # In front of something, as opposed to between two: +-2.
            is_both = sign.kind == "-" and not sign.is_spaced and signs == ["+"]
            signs = ["+-"] if is_both else [*signs, sign.kind]
        if len(signs) > MAX_SIGNS:
            raise UnreadError("too many signs")
        return signs

    def _factors(self) -> tuple[Tree, bool]:
        """A product without signs in front, and whether it ends with units."""
        tree = self._power()
        while True:
            if units := self._units_of(tree):
                return Call("multiply", (tree, units)), True
            if sign := self.accept("*"):
                tree = times(tree, sign, self._signed_power())
            elif self._accept_cross():
                tree = Call("multiply", (tree, self._signed_power()))
            elif self.accept("/"):
                tree = divided(tree, self._denominator())
            elif self.accept("mod"):
                tree = Call("mod", (tree, self._signed_power()))
            elif self._starts_factor(tree):
                are_bare = self.before().kind != ")" and not self.is_at("(", "[", "\\{")
                tree = beside(tree, self._power(), are_bare)
            else:
                return tree, False

    def _signed_power(self) -> Tree:
        return _signed(self._signs(), self._power())

    def _denominator(self) -> Tree:
        """What stands behind a "/". In 1/xy nobody knows what that is; 3/4x is 3/4 of x."""
        tree = self._signed_power()
        is_named = any(isinstance(node, Symbol) or node in _LETTERS for node in walk(tree))
        if is_named and self._starts_factor(tree):
            raise UnreadError("a denominator without an end")
        return tree

    def _units_of(self, tree: Tree) -> Tree | None:
        if any(isinstance(node, Symbol | Sequence) for node in walk(tree)):
            return None
        units = read_units(self, is_of_literal=isinstance(tree, Number))
        match tree:
            case Call("multiply", (Number(), Number())) if is_counted(units):
                raise UnreadError("a size, as of a matrix")
        return units

    def _accept_cross(self) -> bool:
        """Whether an x stands for times: 1.2 x 10^-6."""
        cross, following = self.peek(), self.peek(1)
        is_cross = (
            cross.text in ("x", "X")
            and cross.is_spaced
            and self.before().kind in ("number", ")", "}")
            and following.kind == "number"
            and following.is_spaced
        )
        self.place += is_cross
        return is_cross

    def _is_word_in(self) -> bool:
        return self.is_at("letters") and self.peek().text == "in"

    def _is_difference_of_sets(self, left: Tree) -> bool:
        r"""Whether a minus takes a set away, `\mathbb{R}-\{0\}`."""
        is_of_set = isinstance(left, Symbol) and left.name.startswith("\\mathbb")
        braces = ("\\{", "{") if is_of_set else ("\\{",)
        return self.is_at("-") and self.peek(1).kind in braces

    def _is_letter_cup(self, left: Tree) -> bool:
        """Whether a U stands between two sets."""
        return isinstance(left, Sequence) and self.is_at("name") and self.peek().text == "U"

    def _starts_factor(self, left: Tree) -> bool:
        """Whether a factor follows without a sign. Raises UnreadError for one that is none."""
        token, before = self.peek(), self.before().kind
        if self._is_word_in() or self._is_letter_cup(left):
            return False
        if token.kind == "number" and before not in (")", "}", "!"):
            raise UnreadError("two numbers with nothing between them")
        if token.kind == "number" and before == ")" and isinstance(left, Symbol):
            raise UnreadError("a label, as in (A) 5")
        if token.kind == "letters" and token.is_spaced and before in ("number", "letters"):
            raise UnreadError("words")
        match token.kind:
            case "[":
                return not self.closes_french_interval()
            case "|":
                return not self.is_in_bars
            case "command":
                return self.is_command_of_number()
        return token.kind in (*_FACTORS, *_BRACKETS)

    def _power(self) -> Tree:
        tree = self.atom()
        while True:
            if self.accept("!"):
                double = self.accept("!")
                tree = Call("double_factorial" if double else "factorial", (tree,))
            elif self.accept("%"):
                tree = Call("percent", (tree,))
            elif self.accept("degree") or self._accept_circle() or self.is_at(*_SCALES):
                tree = self._degrees(tree)
            elif self.accept("^"):
                if isinstance(tree, Symbol) and self._is_order():
                    raise UnreadError("a derivative")
                tree = Call("power", (tree, self._exponent()))
            elif self.accept("_"):
                tree = self.in_base(tree)
            else:
                return tree

    def _accept_circle(self) -> bool:
        r"""`^\circ`, in braces or not."""
        for row in ("^o", "^{o}"):
            tokens = [self.peek(ahead) for ahead in range(len(row))]
            if row == "".join("o" if _is_circle(token) else token.kind for token in tokens):
                self.place += len(row)
                return True
        return False

    def _is_order(self) -> bool:
        """Whether a number in brackets stands in the exponent, f^{(2)}."""
        kinds = [self.peek(ahead).kind for ahead in range(5)]
        return kinds == ["{", "(", "number", ")", "}"]

    def _degrees(self, tree: Tree) -> Tree:
        for scale in _SCALES:
            if self.is_at(scale) or self.peek().text == scale[0].upper():
                self.take()
                kelvin = Symbol("K", is_unit=True)
                return Call("multiply", (Call(scale, (tree,)), kelvin))
        for sign, part in (("'", 60), ("''", 3600)):
            if self.is_at("number") and self.peek(1).kind == sign:
                minutes = Call("divide", (self.atom(), Number(Fraction(part))))
                tree = Call("add", (tree, minutes))
                self.take()
        return Call("degree", (tree,))

    def _exponent(self) -> Tree:
        """Up to the end of a tower, 2^3^4, which is worked out from above."""
        tower = []
        while True:
            tower.append((self._signs(), self.atom()))
            if not self.accept("^"):
                break
        signs, atom = tower.pop()
        tree = _signed(signs, atom)
        for signs, atom in reversed(tower):
            tree = _signed(signs, Call("power", (atom, tree)))
        return tree


def _is_decimals(token: Token) -> bool:
    """Whether a number behind a comma cannot stand for itself: 1,05 is no list of 1 and 5."""
    is_number = token.kind == "number" and not token.is_spaced
    return is_number and token.text.startswith("0") and token.text[1:].isdecimal()


def _signed(signs: list[str], tree: Tree) -> Tree:
    for sign in reversed(signs):
        if sign != "+":
            tree = Call("negative" if sign == "-" else sign, (tree,))
    return tree


def _as_set(tree: Tree) -> Tree:
    """{2} behind "without" is no number, whatever its braces are."""
    return Sequence("{", (tree,), "}") if isinstance(tree, Number) else tree


def _is_circle(token: Token) -> bool:
    return token.kind == "degree" or (token.kind == "command" and token.text == "circ")


def _check_size(tree: Tree) -> None:
    nodes = 0
    below = [(tree, 1)]
    while below:
        node, depth = below.pop()
        nodes += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise UnreadError("too large")
        below += [(child, depth + 1) for child in children(node)]
