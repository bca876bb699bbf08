"""Whether the reference answers can be judged by: asked before the hours that depend on them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from laserve_training.problem import Problem, Verifier


@runtime_checkable
class ReadsReferences(Protocol):
    """A verifier that cannot judge by every reference answer."""

    def check_references(self, problems: Sequence[Problem]) -> None:
        """Raise DataError that names the problems whose reference answers are of no use."""


def check_references(verifier: Verifier, problems: Sequence[Problem]) -> None:
    """Raise DataError where the verifier cannot judge by the reference answer of a problem."""
    if isinstance(verifier, ReadsReferences):
        verifier.check_references(problems)
