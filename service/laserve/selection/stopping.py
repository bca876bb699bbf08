"""When to stop drawing samples: each rule looks at the ranked groups and says why, or None."""

from collections.abc import Callable, Sequence

from scipy.special import betainc

from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import StopCause
from laserve.selection.voting import Group

StopRule = Callable[[Sequence[Group], int], StopCause | None]
"""From the groups, the leader first, and the number of samples still to come, the running ones
included."""


def stop_rules(options: SelectionOptions) -> tuple[StopRule, ...]:
    """The rules that a request asks for."""
    rules: list[StopRule] = []
    if options.adaptive and options.is_vote:
        rules.append(is_unassailable)
    if options.min_confidence is not None:
        rules.append(confident(options.min_confidence))
    if options.posterior is not None:
        rules.append(likely_to_win(options.posterior))
    return tuple(rules)


def is_unassailable(groups: Sequence[Group], to_come: int) -> StopCause | None:
    """A vote weighs 1 at most. An even end would be a tie, which may go either way."""
    return StopCause.UNASSAILABLE if groups and _lead(groups) > to_come else None


def confident(minimum: float) -> StopRule:
    """Stop when the leader's confidence is `minimum` or more."""

    def rule(groups: Sequence[Group], to_come: int) -> StopCause | None:
        confidence = groups[0].confidence if groups else None
        reached = confidence is not None and confidence >= minimum
        return StopCause.MIN_CONFIDENCE if reached else None

    return rule


def likely_to_win(probability: float) -> StopRule:
    """Stop when P(leader beats runner-up) is `probability` or more: the Beta criterion of
    Adaptive-Consistency (arXiv 2305.11860, section 3), with weights in the place of counts."""

    def rule(groups: Sequence[Group], to_come: int) -> StopCause | None:
        if not groups:
            return None
        leader, runner_up = groups[0].weight, groups[1].weight if len(groups) > 1 else 0.0
        # P(p > 1/2) for p ~ Beta(leader + 1, runner_up + 1).
        posterior = betainc(runner_up + 1.0, leader + 1.0, 0.5)
        return StopCause.POSTERIOR if posterior >= probability else None

    return rule


def _lead(groups: Sequence[Group]) -> float:
    return groups[0].weight - (groups[1].weight if len(groups) > 1 else 0.0)
