"""Which ways to select are compared."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum

from laserve.selection.options import SelectionMethod, SelectionOptions
from tests.bench.selection import deepconf, its_hub
from tests.bench.selection.contestants import (
    Contestant,
    PlayedSample,
    as_drawn,
    fixed,
    laserve,
    with_score,
)
from tests.bench.selection.recording import RecordedSample

SIZES = (1, 2, 4, 8, 16, 32)
"""N, or the most samples that are drawn."""
COMPARED = 16
"""N of the comparison."""
LARGER = 2 * COMPARED
IN_FLIGHT = (1, 2, 4)
MIN_CONFIDENCES = (0.5, 0.9, 0.95)
GOAL = 0.9
"""The `min_confidence` that the goal is judged by."""
POSTERIOR = 0.95


class Kind(Enum):
    """What a way to select goes by."""

    SCORED = "the score, for a fixed number of samples"
    UNSCORED = "anything but the score"
    EARLY = "the score, until it is sure"


def majority(n: int) -> Contestant:
    """N samples, one vote each."""
    return fixed("majority", SelectionMethod.MAJORITY, n)


def weighted(n: int) -> Contestant:
    """N samples, votes weighed by score."""
    return fixed("weighted majority", SelectionMethod.WEIGHTED_MAJORITY, n)


def best_of_n(n: int) -> Contestant:
    """N samples, the best by score."""
    return fixed("best of N by score", SelectionMethod.BEST_OF_N, n)


def _by_logprob(recorded: Sequence[RecordedSample]) -> list[PlayedSample]:
    return [with_score(sample, sample.output.mean_logprob) for sample in as_drawn(recorded)]


def best_by_logprob(n: int) -> Contestant:
    """N samples, the best by what any engine knows of them."""
    contestant = fixed("best of N by mean log-prob", SelectionMethod.BEST_OF_N, n)
    return replace(contestant, is_scored=False, play=_by_logprob)


def unassailable(n: int = COMPARED, parallel: int = 4) -> Contestant:
    """What a request gets that asks for nothing else."""
    return laserve(
        "adaptive weighted majority: unassailable",
        SelectionOptions(n_max=n, n_parallel=parallel),
    )


def likely(n: int = COMPARED, parallel: int = 4) -> Contestant:
    """Ends where the leader will probably stay the leader."""
    return laserve(
        f"adaptive weighted majority: posterior {POSTERIOR}",
        SelectionOptions(n_max=n, n_parallel=parallel, posterior=POSTERIOR),
    )


def confident(n: int = COMPARED, parallel: int = 4, minimum: float = GOAL) -> Contestant:
    """Ends where the leader is as probably correct as was asked for."""
    return laserve(
        f"adaptive weighted majority: min_confidence {minimum}",
        SelectionOptions(n_max=n, n_parallel=parallel, min_confidence=minimum),
    )


def voting_on(answer: str, contestant: Contestant) -> Contestant:
    """The contestant with another kind of answer."""
    options = contestant.options.model_copy(update={"answer": answer})
    return replace(contestant, options=options)


BASELINE = weighted(COMPARED)
"""What the others are measured by."""

TABLE = (
    *map(majority, SIZES),
    *map(weighted, SIZES),
    *map(best_of_n, SIZES),
    *(unassailable(parallel=parallel) for parallel in IN_FLIGHT),
    *(likely(parallel=parallel) for parallel in IN_FLIGHT),
    *(
        confident(parallel=parallel, minimum=minimum)
        for minimum in MIN_CONFIDENCES
        for parallel in IN_FLIGHT
    ),
    *(confident(LARGER, parallel=parallel) for parallel in (1, 4)),
    its_hub.beta(COMPARED),
    its_hub.beta(COMPARED, parallel=1),
    its_hub.adaptive(COMPARED),
    *(deepconf.offline(share, COMPARED) for share in (0.5, 0.1)),
    *(deepconf.online(share, COMPARED) for share in (0.9, 0.1)),
    best_by_logprob(COMPARED),
)
"""Votes are on the whole text, as in the checkpoint's report."""

NUMBER_TABLE = tuple(
    voting_on("last_number", contestant)
    for contestant in (
        majority(COMPARED),
        weighted(COMPARED),
        *(unassailable(parallel=parallel) for parallel in (1, 4)),
        *(likely(parallel=parallel) for parallel in (1, 4)),
        *(confident(parallel=parallel) for parallel in (1, 4)),
        its_hub.beta(COMPARED),
        its_hub.beta(COMPARED, parallel=1),
        its_hub.adaptive(COMPARED),
        deepconf.offline(0.5, COMPARED),
        deepconf.online(0.9, COMPARED),
    )
)
"""Votes are on the result alone, which many texts share."""

CURVES: dict[Kind, dict[str, Callable[[int], Contestant]]] = {
    Kind.SCORED: {
        "weighted majority": weighted,
        "best of N by score": best_of_n,
    },
    Kind.UNSCORED: {
        "majority": majority,
        "its_hub Beta, 1 in flight": lambda n: its_hub.beta(n, parallel=1),
        "its_hub Adaptive": its_hub.adaptive,
        "DeepConf offline, top 50%": lambda n: deepconf.offline(0.5, n),
        "DeepConf online, top 90%": lambda n: deepconf.online(0.9, n),
    },
    Kind.EARLY: {
        f"min_confidence {GOAL}, 4 in flight": confident,
        f"min_confidence {GOAL}, 1 in flight": lambda n: confident(n, parallel=1),
    },
}
"""Those that are drawn, by label."""

HONEST = tuple(
    voting_on(answer, contestant)
    for answer in ("text", "last_number")
    for contestant in (
        BASELINE,
        *(confident(minimum=minimum) for minimum in MIN_CONFIDENCES),
        confident(parallel=1),
    )
)
"""Those whose confidence is held against the truth."""

CHECKED = (confident(parallel=1), confident(parallel=4), unassailable(parallel=4))
"""Those whose selections the engine makes as well."""
