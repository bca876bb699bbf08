"""The stop rules of its_hub 1.2.0 (self-consistency: each sample one vote).

Beta: all N samples start at once; the rest is cancelled when the posterior probability that the
leading answer beats the next one is 0.95. That is the service's own `likely_to_win` on counts.

Adaptive: samples come in rounds that double them, 2, 4, 8, ... in all, the last one cut at N; the
end is after a round in which three quarters of all votes agree.
"""

from collections.abc import Sequence

from laserve.selection.options import SelectionMethod, SelectionOptions
from laserve.selection.outcome import StopCause
from laserve.selection.stopping import StopRule, likely_to_win
from laserve.selection.voting import Group
from tests.bench.selection.contestants import Contestant

BETA_THRESHOLD = 0.95
AGREEMENT = 0.75
FIRST_ROUND = 2


def beta(n: int, parallel: int | None = None) -> Contestant:
    """Its BetaSelfConsistency with its default threshold. `parallel` other than None, all at once,
    is not its own: it shows what the rule alone would save."""
    return Contestant("its_hub Beta", _votes(n, parallel), (likely_to_win(BETA_THRESHOLD),))


def adaptive(n: int) -> Contestant:
    """Its AdaptiveSelfConsistency with its default threshold."""
    return Contestant(
        "its_hub Adaptive", _votes(n), (agreed(AGREEMENT, n),), starts_after=round_start
    )


def round_start(index: int) -> int:
    """How many samples the rounds before that of sample `index` have."""
    return 0 if index < FIRST_ROUND else 1 << (index.bit_length() - 1)


def agreed(share: float, n: int) -> StopRule:
    """Stop after a round in which the leader has this share of the votes."""

    def rule(groups: Sequence[Group], to_come: int) -> StopCause | None:
        ended = n - to_come
        is_round = ended >= FIRST_ROUND and ended.bit_count() == 1
        if not groups or not is_round:
            return None
        agreement = groups[0].count / sum(group.count for group in groups)
        # The service has no such rule: a posterior's cause comes nearest.
        return StopCause.POSTERIOR if agreement >= share else None

    return rule


def _votes(n: int, parallel: int | None = None) -> SelectionOptions:
    return SelectionOptions(
        method=SelectionMethod.MAJORITY, n_max=n, n_parallel=parallel, adaptive=False
    )
