"""Unions of intervals of real numbers: one way of writing each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from laserve.answers.mathematics.arithmetic import CONTEXT, Value, inexact, number_key, real


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from one bound to another. `lower` and `upper` are what the bounds sort by."""

    lower: Any
    lower_key: str
    has_lower: bool
    upper: Any
    upper_key: str
    has_upper: bool

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        if self.lower_key == self.upper_key:
            return not (self.has_lower and self.has_upper)
        return bool(self.lower > self.upper)


RealSet = tuple[Interval, ...]
"""Intervals that do not touch, from below to above."""

Bound = tuple[Any, str]
"""What a bound sorts by, and its key."""

BELOW_ALL: Bound = (-CONTEXT.inf, "-infinity")
ABOVE_ALL: Bound = (CONTEXT.inf, "infinity")


def bound(value: Value) -> Bound:
    """A bound at a number. Raises OutOfReachError where it is not real."""
    real(value)
    return inexact(value).real, number_key(value)


def interval(lower: Bound, has_lower: bool, upper: Bound, has_upper: bool) -> RealSet:
    """The numbers between two bounds."""
    found = Interval(*lower, has_lower, *upper, has_upper)
    return () if found.is_empty else (found,)


def union(*sets: RealSet) -> RealSet:
    """What is in any of the sets."""
    parts = sorted(
        (part for intervals in sets for part in intervals),
        key=lambda part: (part.lower, not part.has_lower),
    )
    merged: list[Interval] = []
    for part in parts:
        if merged and _touches(merged[-1], part):
            merged[-1] = _joined(merged[-1], part)
        else:
            merged.append(part)
    return tuple(merged)


def intersection(one: RealSet, other: RealSet) -> RealSet:
    """What is in both."""
    return union(*(_common(a, b) for a in one for b in other))


def complement(intervals: RealSet) -> RealSet:
    """The real numbers that are not in the set."""
    gaps: list[RealSet] = []
    lower, has_lower = BELOW_ALL, False
    for part in intervals:
        gaps.append(interval(lower, has_lower, (part.lower, part.lower_key), not part.has_lower))
        lower, has_lower = (part.upper, part.upper_key), not part.has_upper
    gaps.append(interval(lower, has_lower, ABOVE_ALL, False))
    return tuple(part for gap in gaps for part in gap)


def interval_key(opening: str, lower: str, upper: str, closing: str) -> str:
    """The key of an interval, which is a pair's too."""
    return f"{opening}{lower};{upper}{closing}"


def set_key(keys: Iterable[str]) -> str:
    """The key of a set, or a list, of these elements."""
    return f"{{{';'.join(sorted(keys))}}}"


def real_set_key(intervals: RealSet) -> str:
    """The key of a set: of one interval `interval_key`, of points alone `set_key`."""
    points = [part.lower_key for part in intervals if part.lower_key == part.upper_key]
    parts = [
        interval_key(
            "[" if part.has_lower else "(",
            part.lower_key,
            part.upper_key,
            "]" if part.has_upper else ")",
        )
        for part in intervals
        if part.lower_key != part.upper_key
    ]
    if points or not parts:
        parts.append(set_key(points))
    return "u".join(parts)


def _touches(one: Interval, other: Interval) -> bool:
    if one.upper_key == other.lower_key:
        return one.has_upper or other.has_lower
    return bool(one.upper > other.lower)


def _joined(one: Interval, other: Interval) -> Interval:
    last = one
    if one.upper_key == other.upper_key:
        last = one if one.has_upper else other
    elif other.upper > one.upper:
        last = other
    return Interval(
        one.lower, one.lower_key, one.has_lower, last.upper, last.upper_key, last.has_upper
    )


def _common(one: Interval, other: Interval) -> RealSet:
    lower = max(one, other, key=lambda part: (part.lower, not part.has_lower))
    upper = min(one, other, key=lambda part: (part.upper, part.has_upper))
    return interval(
        (lower.lower, lower.lower_key),
        lower.has_lower,
        (upper.upper, upper.upper_key),
        upper.has_upper,
    )
