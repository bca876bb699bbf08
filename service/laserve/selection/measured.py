"""What a checkpoint's judged samples show of a policy, and what they do not."""

from laserve.core.judged import CalibrationSampling
from laserve.errors import RequestError
from laserve.selection.learn_then_test import units_needed
from laserve.selection.options import SelectionMethod, SelectionOptions, Weights


def check_measured(options: SelectionOptions, sampling: CalibrationSampling) -> None:
    """Raise RequestError for an option whose effect the samples do not show."""
    by_calibration = "the calibration, which was fitted on the samples that max_risk is bounded by"
    lengths = "how long samples take, which the checkpoint's judged samples do not tell"
    weighs = options.method == SelectionMethod.WEIGHTED_MAJORITY
    single_text = options.n_max == 1 and options.answer == "text"
    refused = {
        "min_confidence": options.min_confidence is not None
        and f"it rests on {by_calibration}: leave one of them out",
        "weights": weighs
        and options.weights == Weights.CONFIDENCE
        and f"confidences rest on {by_calibration}: take weights 'score'",
        "max_total_tokens": options.max_total_tokens is not None
        and f"it depends on {lengths}: leave it out",
        "timeout_s": options.timeout_s is not None and f"it depends on {lengths}: leave it out",
        "n_max": options.n_max > sampling.samples
        and f"{options.n_max} samples are asked for, and the checkpoint has {sampling.samples} "
        "judged samples of each problem: ask for no more, or evaluate it with more",
        "answer": options.answer != sampling.answer
        and not single_text
        and f"the checkpoint's judged samples are grouped by the answer {sampling.answer!r}: take "
        "that, or n_max 1 with 'text', where nothing is grouped",
        "equality": options.equality != "string"
        and options.n_max > 1
        and "the checkpoint's judged samples are grouped by the equality 'string': take that",
    }
    for name, problem in refused.items():
        if problem:
            raise RequestError(f"{name} with max_risk: {problem}", f"selection.{name}")


def unbounded(max_risk: float, delta: float, answered: int, problems: int) -> str:
    """Why no bound was found, where so many of the problems have an answer."""
    needed = units_needed(max_risk, delta)
    if answered < needed:
        return (
            f"max_risk {max_risk:g} with delta {delta:g} takes {needed} answered problems to show, "
            f"and {answered} of the {problems} that the checkpoint's judged samples are of "
            "have an answer: ask for less, or evaluate it with more problems"
        )
    return (
        f"of the checkpoint's judged samples ({problems} problems) not even those with the highest "
        f"scores show a risk of {max_risk:g} or less with delta {delta:g}: ask for a larger "
        "max_risk, or evaluate it with more problems"
    )
