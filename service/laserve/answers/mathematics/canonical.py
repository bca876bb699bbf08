"""From an answer's tree to its key."""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Row
from functools import reduce

from laserve.answers.mathematics.arithmetic import OutOfReachError
from laserve.answers.mathematics.branches import plain
from laserve.answers.mathematics.expressions import (
    POINTS,
    constant,
    expression_key,
    multiples,
    values_at,
)
from laserve.answers.mathematics.matrices import worked_out
from laserve.answers.mathematics.real_sets import (
    ABOVE_ALL,
    BELOW_ALL,
    Bound,
    RealSet,
    bound,
    complement,
    intersection,
    interval,
    interval_key,
    real_set_key,
    set_key,
    union,
)
from laserve.answers.mathematics.relations import Statement, is_residue, statement
from laserve.answers.mathematics.tree import (
    INFINITY,
    REALS,
    Call,
    Matrix,
    Relation,
    Sequence,
    Symbol,
    Tree,
    children,
    walk,
    with_children,
)

_PLUS_MINUS = ("+-", "-+")
_COMBINED: dict[str, Callable[[RealSet, RealSet], RealSet]] = {"or": union, "and": intersection}


def tree_key(tree: Tree) -> str:
    """The key of an answer, or of a part of one."""
    match tree:
        case Sequence("" | "or" | "and" | "{" as opening, items):
            return _list_key(opening, [branch for item in items for branch in _branches(item)])
    branches = list(_branches(tree))
    return _list_key("", branches) if len(branches) > 1 else _single_key(worked_out(tree))


def _branches(tree: Tree) -> Iterator[Tree]:
    r"""Both readings of an answer with \pm; all of its signs are the upper, or the lower ones."""
    if any(isinstance(node, Call) and node.function in _PLUS_MINUS for node in walk(tree)):
        for positive in _PLUS_MINUS:
            yield _with_signs(tree, positive)
    else:
        yield tree


def _with_signs(tree: Tree, positive: str) -> Tree:
    below = tuple(_with_signs(child, positive) for child in children(tree))
    if isinstance(tree, Call) and tree.function in _PLUS_MINUS:
        return below[0] if tree.function == positive else Call("negative", below)
    return with_children(tree, below)


def _single_key(tree: Tree) -> str:
    match tree:
        case Relation():
            return statement(tree, tree_key).key
        case Call("mod", parts) if is_residue(tree):
            return _single_key(Relation(("pmod",), parts))
        case Sequence(opening, items, closing):
            return _tuple_key(opening, list(map(tree_key, items)), closing)
        case Matrix(rows):
            return f"matrix({'|'.join(';'.join(map(tree_key, row)) for row in rows)})"
        case Call("cup" | "cap" | "setminus" as function, parts):
            return _numbers_key(tree) or f"{function}({';'.join(_set_keys(function, parts))})"
        case Call("range", parts):
            return f"range({';'.join(map(tree_key, parts))})"
        case Call("ratio", parts):
            return f"ratio({':'.join(_proportions(parts))})"
        case Call("clock", parts):
            return f"clock({':'.join(map(tree_key, parts))})"
    return real_set_key(_numbers(tree)) if tree == REALS else expression_key(tree)


def _list_key(opening: str, items: Row[Tree]) -> str:
    """Of a list or a set the order does not count; of a set repetitions do not either."""
    said = [
        statement(item, tree_key) if isinstance(item, Relation) else Statement(tree_key(item))
        for item in items
    ]
    if opening == "or" and (joined := _joined_key(items)):
        return joined
    names = {one.name for one in said}
    numbers = [one.numbers for one in said if one.numbers is not None]
    if opening in _COMBINED and len(names) == 1 and len(numbers) == len(said):
        return real_set_key(reduce(_COMBINED[opening], numbers))
    # "x=1, x=2" are 1 and 2; "x=1, y=2" is not "x=2, y=1".
    is_of_one = len(names - {""}) <= 1
    keys = [one.key if is_of_one or not one.name else f"{one.name}={one.key}" for one in said]
    if any(isinstance(item, Call) and item.function == "range" for item in items):
        # Of scores the order counts.
        return f"{opening}{';'.join(keys)}"
    is_choice = not is_of_one or any(
        isinstance(item, Symbol) or (isinstance(item, Relation) and not one.name)
        for item, one in zip(items, said, strict=False)
    )
    word = "or" if opening == "or" and is_choice else ""
    return word + set_key(set(keys) if opening == "{" else keys)


def _joined_key(items: Row[Tree]) -> str | None:
    """The key of all numbers in intervals that cannot be pairs."""
    if not all(map(_is_interval, items)):
        return None
    return _numbers_key(reduce(lambda one, other: Call("cup", (one, other)), items))


def _is_interval(tree: Tree) -> bool:
    match tree:
        case Sequence("(" | "[" as opening, (_, _) as bounds, closing):
            is_mixed = (opening, closing) in (("(", "]"), ("[", ")"))
            return is_mixed or any(INFINITY in walk(bound) for bound in bounds)
    return False


def _tuple_key(opening: str, keys: Row[str], closing: str) -> str:
    if len(keys) == 2:
        return interval_key(opening, keys[0], keys[1], closing)
    if len(keys) == 1:
        return f"{opening}{keys[0]}{closing}"
    # Brackets tell intervals from pairs: of three numbers they tell nothing.
    return f"({';'.join(keys)})"


def _set_keys(function: str, parts: Row[Tree]) -> Row[str]:
    keys = list(map(tree_key, parts))
    return keys if function == "setminus" else sorted(keys)


def _numbers_key(tree: Tree) -> str | None:
    try:
        return real_set_key(_numbers(tree))
    except OutOfReachError:
        return None


def _numbers(tree: Tree) -> RealSet:
    """The real numbers in a set. Raises OutOfReachError where it is no union of intervals."""
    match tree:
        case Sequence("(" | "[" as opening, (lower, upper), closing):
            return interval(_bound(lower), opening == "[", _bound(upper), closing == "]")
        case Sequence("{", items):
            points = [_bound(branch) for item in items for branch in _branches(item)]
            return union(*(interval(point, True, point, True) for point in points))
        case Call("cup", (one, other)):
            return union(_numbers(one), _numbers(other))
        case Call("cap", (one, other)):
            return intersection(_numbers(one), _numbers(other))
        case Call("setminus", (one, other)):
            return intersection(_numbers(one), complement(_numbers(other)))
    if tree == REALS:
        return interval(BELOW_ALL, False, ABOVE_ALL, False)
    raise OutOfReachError("no set of real numbers")


def _bound(tree: Tree) -> Bound:
    if tree == INFINITY:
        return ABOVE_ALL
    if tree == Call("negative", (INFINITY,)):
        return BELOW_ALL
    value = constant(tree)
    if value is None:
        raise OutOfReachError("a variable")
    return bound(value)


def _proportions(parts: Row[Tree]) -> Row[str]:
    try:
        rows = zip(*(values_at(plain(part), POINTS) for part in parts), strict=True)
        found = [multiples(row) for row in rows]
    except OutOfReachError:
        found = [None]
    if any(row is None for row in found):
        return list(map(tree_key, parts))
    return ["|".join(row or ()) for row in found]
