"""What a score is worth: figures of P problems with N samples each.

A score is undefined (NaN) where a sample was truncated, and such a sample is left out of every
figure of the score; pass@k counts it as incorrect. Where a figure is undefined it is NaN.
`weights_RP` says how many times each problem counts in each of R resamples, see `bootstrap`.
"""

from dataclasses import dataclass

import numpy as np

from laserve.core.score import DEFAULT_THRESHOLD
from laserve_training.evaluation.bootstrap import Bootstrap, Interval, Number, ratio
from laserve_training.evaluation.samples import Bools, Floats, SampleTable

BINS = 15
"""Bins of equal width on [0, 1], as in arXiv 1706.04599."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The samples whose probability lies in one bin."""

    low: float
    high: float
    count: int
    probability: Number
    """Mean of the probabilities; NaN for an empty bin."""
    accuracy: Number
    """Share of correct samples; NaN for an empty bin."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far a probability of being correct can be believed."""

    ece: Interval
    """Its bootstrap interval lies too high where it is small: resampling adds noise to the bins."""
    brier: Interval
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one evaluation."""

    problems: int
    samples: int
    """To a problem."""
    scored: int
    """Samples of all problems that have a score."""
    threshold: float
    """A score above it predicts 'correct'."""
    pass_at_1: Interval
    pass_at_k: dict[int, Interval]
    """By k, the powers of two up to `samples`."""
    f1: Interval
    """Self-verification F1 of the paper."""
    accuracy_on_correct: Interval
    accuracy_on_incorrect: Interval
    auroc: Interval
    """Over all samples."""
    auroc_within: Interval
    """Within a problem: the mean over `problems_within` problems."""
    problems_within: int
    """Problems that have correct and incorrect samples with a score."""
    raw: Reliability
    """Of the score clipped to [0, 1], taken for a probability."""
    calibrated: Reliability | None
    """Of the calibrated confidence; None without a calibration."""


def measure(
    table: SampleTable,
    bootstrap: Bootstrap,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    calibrated_PN: Floats | None = None,
) -> Figures:
    """Every figure of a table. `calibrated_PN` are calibrated confidences in [0, 1], NaN where
    there is no score."""
    correct_PN, scores_PN = table.correct_PN, table.scores_PN
    problems, samples = correct_PN.shape
    within_P = problem_aurocs(correct_PN, scores_PN)
    return Figures(
        problems=problems,
        samples=samples,
        scored=int(table.scored_PN.sum()),
        threshold=threshold,
        pass_at_1=bootstrap.mean(pass_at_k(correct_PN, 1)),
        pass_at_k={
            k: bootstrap.mean(pass_at_k(correct_PN, k)) for k in powers_of_two(samples) if k > 1
        },
        f1=bootstrap.interval(lambda w: f1(correct_PN, scores_PN, w, threshold)),
        accuracy_on_correct=bootstrap.interval(
            lambda w: verdict_accuracy(correct_PN, scores_PN, w, threshold, of_correct=True)
        ),
        accuracy_on_incorrect=bootstrap.interval(
            lambda w: verdict_accuracy(correct_PN, scores_PN, w, threshold, of_correct=False)
        ),
        auroc=bootstrap.interval(lambda w: auroc(correct_PN, scores_PN, w)),
        auroc_within=bootstrap.mean(within_P),
        problems_within=int((~np.isnan(within_P)).sum()),
        raw=reliability(correct_PN, np.clip(scores_PN, 0.0, 1.0), bootstrap),
        calibrated=(
            None if calibrated_PN is None else reliability(correct_PN, calibrated_PN, bootstrap)
        ),
    )


def reliability(correct_PN: Bools, probabilities_PN: Floats, bootstrap: Bootstrap) -> Reliability:
    """ECE, Brier score and bins of probabilities in [0, 1]; NaN entries are left out."""
    return Reliability(
        ece=bootstrap.interval(lambda w: ece(correct_PN, probabilities_PN, w)),
        brier=bootstrap.interval(lambda w: brier(correct_PN, probabilities_PN, w)),
        bins=reliability_bins(correct_PN, probabilities_PN),
    )


def powers_of_two(limit: int) -> list[int]:
    """1, 2, 4, ... up to `limit`."""
    return [2**i for i in range(limit.bit_length())]


def pass_at_k(correct_PN: Bools, k: int) -> Floats:
    """(P,) probability that one of k samples is correct: 1 - C(n - c, k) / C(n, k) for c correct of
    n samples, unbiased (arXiv 2107.03374). NaN where k > n."""
    problems, n = correct_PN.shape
    if k > n:
        return np.full(problems, np.nan)
    incorrect_P = n - correct_PN.sum(axis=1)
    # C(n - c, k) / C(n, k), factor by factor: the binomials themselves overflow.
    steps = np.arange(k)
    factors_PK = np.clip(incorrect_P[:, None] - steps, 0, None) / (n - steps)
    failing_P: Floats = factors_PK.prod(axis=1)
    return 1.0 - failing_P


def verdict_accuracy(
    correct_PN: Bools, scores_PN: Floats, weights_RP: Floats, threshold: float, *, of_correct: bool
) -> Floats:
    """(R,) share of the correct (or incorrect) samples that the score calls so; a score above
    `threshold` says 'correct'."""
    of_class_PN = (correct_PN == of_correct) & ~np.isnan(scores_PN)
    right_PN = of_class_PN & ((scores_PN > threshold) == of_correct)
    return ratio(weights_RP @ right_PN.sum(axis=1), weights_RP @ of_class_PN.sum(axis=1))


def f1(
    correct_PN: Bools,
    scores_PN: Floats,
    weights_RP: Floats,
    threshold: float = DEFAULT_THRESHOLD,
) -> Floats:
    """(R,) harmonic mean of the accuracy on correct and on incorrect samples: the self-verification
    F1 of arXiv 2510.14943. Truncated samples are left out; the authors' script scores them too.

    0 where both accuracies are 0; NaN where there is no sample of one kind.
    """
    correct_R = verdict_accuracy(correct_PN, scores_PN, weights_RP, threshold, of_correct=True)
    incorrect_R = verdict_accuracy(correct_PN, scores_PN, weights_RP, threshold, of_correct=False)
    sum_R = correct_R + incorrect_R
    return np.where(sum_R == 0.0, 0.0, ratio(2 * correct_R * incorrect_R, sum_R))


def auroc(correct_PN: Bools, confidences_PN: Floats, weights_RP: Floats) -> Floats:
    """(R,) probability that a correct sample has a higher confidence than an incorrect one, of
    whatever problems; a tie counts half. NaN confidences are left out.

    scikit-learn's roc_auc_score for R sets of sample weights at once: a call of it for each of
    thousands of resamples takes minutes.
    """
    known_PN = ~np.isnan(confidences_PN)
    if not known_PN.any():
        return np.full(len(weights_RP), np.nan)
    order_M = np.argsort(confidences_PN[known_PN])
    sorted_M = confidences_PN[known_PN][order_M]
    correct_M = correct_PN[known_PN][order_M]
    weights_RM = weights_RP[:, np.nonzero(known_PN)[0][order_M]]
    # Samples of the same confidence form one of G groups.
    starts_G = np.flatnonzero(np.r_[True, sorted_M[1:] != sorted_M[:-1]])
    correct_RG = np.add.reduceat(weights_RM * correct_M, starts_G, axis=1)
    incorrect_RG = np.add.reduceat(weights_RM * ~correct_M, starts_G, axis=1)
    below_RG = incorrect_RG.cumsum(axis=1) - incorrect_RG / 2
    return ratio(
        (correct_RG * below_RG).sum(axis=1), correct_RG.sum(axis=1) * incorrect_RG.sum(axis=1)
    )


def problem_aurocs(correct_PN: Bools, confidences_PN: Floats) -> Floats:
    """(P,) AUROC among the samples of each problem; NaN where they are all of one kind. Their mean
    is the AUROC within a problem: the difficulty of problems does not enter it."""
    known_PN = ~np.isnan(confidences_PN)
    pairs_PNN = (correct_PN & known_PN)[:, :, None] & (~correct_PN & known_PN)[:, None, :]
    one_PNN, other_PNN = confidences_PN[:, :, None], confidences_PN[:, None, :]
    wins_P = (pairs_PNN & (one_PNN > other_PNN)).sum(axis=(1, 2))
    ties_P = (pairs_PNN & (one_PNN == other_PNN)).sum(axis=(1, 2))
    return ratio(wins_P + ties_P / 2, pairs_PNN.sum(axis=(1, 2)))


def ece(correct_PN: Bools, probabilities_PN: Floats, weights_RP: Floats) -> Floats:
    """(R,) expected calibration error: mean over samples of |accuracy - mean probability| of the
    sample's bin; 15 bins of equal width (arXiv 1706.04599)."""
    counts_PB, probabilities_PB, correct_PB = _bin_sums(correct_PN, probabilities_PN)
    gaps_RB = np.abs(weights_RP @ correct_PB - weights_RP @ probabilities_PB)
    return ratio(gaps_RB.sum(axis=1), (weights_RP @ counts_PB).sum(axis=1))


def reliability_bins(correct_PN: Bools, probabilities_PN: Floats) -> tuple[Bin, ...]:
    """The bins of `ece`, the empty ones too."""
    counts_B, probabilities_B, correct_B = (
        sums_PB.sum(axis=0) for sums_PB in _bin_sums(correct_PN, probabilities_PN)
    )
    means_B, accuracies_B = ratio(probabilities_B, counts_B), ratio(correct_B, counts_B)
    return tuple(
        Bin(
            low=i / BINS,
            high=(i + 1) / BINS,
            count=int(counts_B[i]),
            probability=float(means_B[i]),
            accuracy=float(accuracies_B[i]),
        )
        for i in range(BINS)
    )


def brier(correct_PN: Bools, probabilities_PN: Floats, weights_RP: Floats) -> Floats:
    """(R,) mean over samples of (probability - correct)^2."""
    known_PN = ~np.isnan(probabilities_PN)
    errors_PN = np.where(known_PN, (probabilities_PN - correct_PN) ** 2, 0.0)
    return ratio(weights_RP @ errors_PN.sum(axis=1), weights_RP @ known_PN.sum(axis=1))


def _bin_sums(correct_PN: Bools, probabilities_PN: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each problem and bin (P, B): samples, sum of probabilities, correct samples."""
    known_PN = ~np.isnan(probabilities_PN)
    values_PN = np.where(known_PN, probabilities_PN, 0.0)
    bins_PN = np.minimum((values_PN * BINS).astype(int), BINS - 1)  # 1.0 belongs to the last bin
    member_PNB = (bins_PN[:, :, None] == np.arange(BINS)) & known_PN[:, :, None]
    return (
        member_PNB.sum(axis=1).astype(np.float64),
        (member_PNB * values_PN[:, :, None]).sum(axis=1),
        (member_PNB & correct_PN[:, :, None]).sum(axis=1).astype(np.float64),
    )
