"""What is done where a method that ranks by scores finds none."""

from collections.abc import Sequence
from dataclasses import replace

from laserve.selection.options import SelectionMethod
from laserve.selection.voting import Group, ranked


def applied(
    method: SelectionMethod, standings: Sequence[Group]
) -> tuple[SelectionMethod | None, Sequence[Group]]:
    """The method that can be applied, and the groups, which `method` has ranked, as it ranks them.

    One vote with a score is enough for a method that ranks by scores: the others weigh nothing.
    Where none has one it is the majority. None where there is no vote.
    """
    if not standings:
        return None, standings
    scored = any(vote.score is not None for group in standings for vote in group.members)
    if scored or method == SelectionMethod.MAJORITY:
        return method, standings
    majority = SelectionMethod.MAJORITY
    return majority, ranked(replace(group, method=majority) for group in standings)
