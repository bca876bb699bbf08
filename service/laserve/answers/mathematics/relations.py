r"""Equations, inequalities, and what is said to be in a set.

- A name and its value are the value: `x=4`, `4=x`, `f(2)=4`, `2x=8` are 4, `x<4` is the interval
  below 4, `x \in S` is S, `f(x)=2x` and `a_x=2x` are 2x, `x \approx 1.4` is 1.4.
- Of other equations the difference of the sides counts, but for a factor: `y=2x` is `2y-4x=0`.
- Without a variable, the sides themselves do: `2+2=4` is `4=1+3`, and not `2+2=5`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from laserve.answers.mathematics.arithmetic import (
    OutOfReachError,
    Value,
    is_positive,
    number_key,
)
from laserve.answers.mathematics.expressions import constant, multiples, real_values, root_of
from laserve.answers.mathematics.real_sets import (
    ABOVE_ALL,
    BELOW_ALL,
    RealSet,
    bound,
    complement,
    intersection,
    interval,
    real_set_key,
)
from laserve.answers.mathematics.tree import (
    INFINITY,
    Call,
    Matrix,
    Relation,
    Sequence,
    Symbol,
    Tree,
    children,
    difference,
    free,
    is_unknown,
    spelled,
)

Key = Callable[[Tree], str]
Signs = tuple[str, ...]
Sides = tuple[Tree, ...]

_TURNED = {"<": ">", "<=": ">="}
_STRUCTURES = ("cup", "cap", "setminus", "ratio", "clock", "range")
_BELOW_ALL = Call("negative", (INFINITY,))
_ANGLES = {"theta": "1", "phi": "2"}
"""Of polar coordinates they are the last ones."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a relation says."""

    key: str
    """The key of the value of what it is about; its own, where that is nothing single."""
    name: str = ""
    """What it is about."""
    numbers: RealSet | None = None
    """Of an inequality: the numbers for which it holds."""


def statement(relation: Relation, key: Key) -> Statement:
    """What a relation says. `key` is that of any tree."""
    signs, sides = _exact_part(relation)
    if not signs:
        return Statement(key(sides[0]))
    if congruence := _congruence(signs, sides, key):
        return Statement(congruence)
    if assigned := _assignment(signs, sides, key):
        name, value = assigned
        if _is_in_order(name):
            return Statement(key(value), spelled(name))
        return Statement(f"{spelled(name)}={key(value)}")
    try:
        return _compared(signs, tuple(map(_as_variable, sides)), key)
    except OutOfReachError:
        return Statement(_as_written(signs, sides, key))


def named_value(relation: Relation, key: Key) -> Tree | None:
    """The value, where the relation is a name and its value, whatever the order of names."""
    assigned = _assignment(*_exact_part(relation), key)
    return assigned[1] if assigned else None


def is_residue(tree: Tree) -> bool:
    """Whether a tree is a class of numbers, 2 mod 5, as opposed to what 17 mod 5 comes to."""
    match tree:
        case Call("mod", parts):
            try:
                rest, modulus = map(constant, parts)
            except OutOfReachError:
                return False
            match rest, modulus:
                case Fraction(), Fraction():
                    return rest < modulus
    return False


def _congruence(signs: Signs, sides: Sides, key: Key) -> str | None:
    """`x \\equiv 10 \\pmod 7` is that of 3, `x = 3 mod 7`, and of a name alone `3 \\pmod 7`."""
    match signs, sides:
        case ("equiv" | "=", "pmod"), (one, other, modulus):
            named = "" if _is_name(one) else key(one)
        case ("pmod",), (other, modulus):
            named = ""
        case ("=",), (one, Call("mod", (other, modulus)) as side) if _is_name(one) and is_residue(
            side
        ):
            named = ""
        case _:
            return None
    try:
        rest = constant(Call("mod", (other, modulus)))
    except OutOfReachError:
        rest = None
    residue = key(other) if rest is None else number_key(rest)
    return f"{named};congruent {residue};{key(modulus)}"


def _exact_part(relation: Relation) -> tuple[Signs, Sides]:
    """Without approximations of what is said exactly: 1/3 of `1/3 \\approx 0.33`."""
    signs, sides = relation.signs, relation.sides
    if "~" not in signs:
        return signs, sides
    place = signs.index("~")
    if place == 0 and _is_name(sides[0]):
        return ("=", *signs[1:]), sides
    return signs[:place], sides[: place + 1]


def _assignment(signs: Signs, sides: Sides, key: Key) -> tuple[Tree, Tree] | None:
    """A name and its value, where the relation is that."""
    if signs == ("in",) and _is_name(sides[0]):
        return sides[0], sides[1]
    if set(signs) != {"="}:
        return None
    for name, values in ((sides[0], sides[1:]), (sides[-1], sides[:-1])):
        are_values = _is_name(name) and all(_is_value(value, name) for value in values)
        if are_values and len(set(map(key, values))) == 1:
            return name, values[0]
    return None


def _is_name(tree: Tree) -> bool:
    """Whether a tree is but the name of something: x, f(2), AB, |AB|, S:T, (x, y)."""
    match tree:
        case Symbol():
            return not tree.is_unit
        case Call("abs", (inner,)):
            return _is_name(inner) and _has_capital(inner)
        case Call("multiply" | "divide" | "ratio", parts):
            return all(_is_name(part) and _has_capital(part) for part in parts)
        case Sequence("(", items, ")"):
            return all(map(_is_variable, items))
    return is_unknown(tree)


def _is_in_order(name: Tree) -> bool:
    """Whether the names in a name stand as anyone would list them: (x, y), A/B. In any other order
    they say what their values alone do not."""
    match name:
        case Call("divide" | "ratio", names) | Sequence("(", names):
            return _are_in_order(names)
    return True


def _are_in_order(names: Sides) -> bool:
    spellings = [spelled(name).replace("\\", "") for name in names]
    ranks = [(_ANGLES.get(name, ""), name) for name in spellings]
    return ranks == sorted(ranks)


def _has_capital(tree: Tree) -> bool:
    """Whether a name is no variable of its own: A, \\vec v, words."""
    return not isinstance(tree, Symbol) or not tree.name.split("_")[0].strip("\\").islower()


def _is_value(value: Tree, name: Tree) -> bool:
    if isinstance(value, Matrix | Sequence):
        return True
    if isinstance(value, Call) and value.function in _STRUCTURES:
        return True
    variables, arguments = free(value), _arguments(name)
    if not variables:
        return True
    is_of_them = not arguments or bool(arguments & variables)
    return _is_defined(name) and is_of_them and not free(name) & variables - arguments


def _is_defined(name: Tree) -> bool:
    """Whether a name is that of a function: f(x), a_n."""
    if isinstance(name, Symbol):
        return name.name.rpartition("_")[2].isalpha() and "_" in name.name
    items = children(name)
    return is_unknown(name) and _are_in_order(items) and all(map(_is_variable, items))


def _is_variable(tree: Tree) -> bool:
    return isinstance(tree, Symbol)


def _arguments(name: Tree) -> frozenset[str]:
    return free(name) - {name.function} if isinstance(name, Call) else frozenset()


def _as_variable(side: Tree) -> Tree:
    """A name of several parts as one variable."""
    if isinstance(side, Symbol | Sequence) or not _is_name(side):
        return side
    return Symbol(f"<{spelled(side)}>")


def _compared(signs: Signs, sides: Sides, key: Key) -> Statement:
    kinds = set(signs)
    if kinds <= {"<", "<=", ">", ">="}:
        return _inequalities(signs, sides, key)
    if kinds in ({"="}, {"!="}) and len(sides) == 2:
        return _equation(signs[0], sides, key)
    return Statement(_as_written(signs, sides, key))


def _equation(sign: str, sides: Sides, key: Key) -> Statement:
    if solution := _solution(*sides):
        name, root, _ = solution
        if sign == "=":
            return Statement(number_key(root), name)
        numbers = complement(interval(bound(root), True, bound(root), True))
        return Statement(real_set_key(numbers), name, numbers)
    found = multiples(real_values(difference(*sides)))
    # Without a variable the difference says nothing, nor where it is always zero.
    if found is None or not free(difference(*sides)):
        return Statement(f"{sign}{';'.join(sorted(map(key, sides)))}")
    return Statement(f"{sign}0:{'|'.join(found)}")


def _inequalities(signs: Signs, sides: Sides, key: Key) -> Statement:
    pairs = list(zip(signs, sides[:-1], sides[1:], strict=True))
    lines = [line for pair in pairs if (line := _half_line(*pair))]
    names = {name for name, _ in lines}
    if len(lines) == len(pairs) and len(names) == 1:
        numbers = reduce(intersection, (numbers for _, numbers in lines))
        return Statement(real_set_key(numbers), names.pop(), numbers)
    return Statement("&".join(sorted(_greater(*pair, key) for pair in pairs)))


def _half_line(sign: str, one: Tree, other: Tree) -> tuple[str, RealSet] | None:
    """The only variable of an inequality that is linear in it, and the numbers that it may be."""
    names = free(difference(one, other))
    small, large = (one, other) if sign == "<" else (other, one)
    if sign in ("<", ">") and (small == _BELOW_ALL or large == INFINITY) and len(names) == 1:
        # Of every number.
        return next(iter(names)), interval(BELOW_ALL, False, ABOVE_ALL, False)
    solution = _solution(one, other)
    if solution is None:
        return None
    name, root, grows = solution
    if grows == sign.startswith(">"):
        return name, interval(bound(root), sign.endswith("="), ABOVE_ALL, False)
    return name, interval(BELOW_ALL, False, bound(root), sign.endswith("="))


def _solution(one: Tree, other: Tree) -> tuple[str, Value, bool] | None:
    """The only variable of a relation that is linear in it, where both sides are the same, and
    whether the first side is the greater one above that."""
    names = free(difference(one, other))
    if len(names) != 1:
        return None
    (name,) = names
    found = root_of(difference(one, other), name)
    return None if found is None else (name, *found)


def _greater(sign: str, one: Tree, other: Tree, key: Key) -> str:
    if sign in _TURNED:
        sign, one, other = _TURNED[sign], other, one
    values = real_values(difference(one, other))
    found = multiples(values)
    if found is None or not free(difference(one, other)):
        return f"{sign}{key(one)};{key(other)}"
    first = next(value for value in values if value)
    return f"{sign}0:{'+' if is_positive(first) else '-'}{'|'.join(found)}"


def _as_written(signs: Signs, sides: Sides, key: Key) -> str:
    keys = list(map(key, sides))
    if len(set(signs)) == 1 and signs[0] in ("=", "!="):
        return f"{signs[0]}{';'.join(sorted(keys))}"
    if len(signs) == 1 and signs[0] in _TURNED:
        return f"{_TURNED[signs[0]]}{keys[1]};{keys[0]}"
    return ";".join(sign + key for sign, key in zip(("", *signs), keys, strict=True))
