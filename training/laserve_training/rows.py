"""Problems as the service's measuring code reads them."""

from collections.abc import Iterable

from laserve.reference.rows import Message, Row
from laserve_training.problem import Problem


def as_rows(problems: Iterable[Problem], *, with_completions: bool = False) -> dict[str, Row]:
    """Each problem by where it stands, with its demonstration if that is asked for."""
    return {
        problem.where: Row(
            messages=tuple(Message.model_validate(message) for message in problem.messages),
            completion=problem.completion if with_completions else None,
        )
        for problem in problems
    }
