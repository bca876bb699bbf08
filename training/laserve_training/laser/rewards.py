"""The verifier as TRL's first reward function."""

from collections.abc import Collection, Sequence
from typing import Any

from laserve_training.problem import Problem, Verifier


class VerifierReward:
    """r_v of each solution: 1.0 correct, 0.0 incorrect or truncated. Implements TRL's `RewardFunc`.

    The data set's column `problem` says which of `problems` a row is.
    """

    __name__ = "verifier"
    """Under which TRL logs it."""

    def __init__(
        self, problems: Sequence[Problem], verifier: Verifier, eos_token_ids: Collection[int]
    ) -> None:
        self._problems = problems
        self._verifier = verifier
        self._eos_token_ids = frozenset(eos_token_ids)

    def __call__(
        self,
        *,
        completions: Sequence[Sequence[dict[str, Any]]],
        completion_ids: Sequence[Sequence[int]],
        problem: Sequence[int],
        **_: Any,
    ) -> list[float]:
        """One verdict for each completion, a conversation of one message."""
        return [
            float(
                ids[-1] in self._eos_token_ids
                and self._verifier(self._problems[index], completion[0]["content"])
            )
            for completion, ids, index in zip(completions, completion_ids, problem, strict=True)
        ]
