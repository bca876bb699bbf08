"""The formula r_s = beta_v * (log p - c_ref), the calibrations, and what an answer carries."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from laserve.core.calibration import IsotonicCalibration, PlattCalibration
from laserve.core.score import ScoreParameters, is_target_reachable
from laserve.core.types import Method, SelfReward, Status
from laserve.errors import ConfigurationError

LOGPROBS = st.floats(min_value=-1e4, max_value=0.0)


def parameters(**changes: object) -> ScoreParameters:
    values: dict[str, object] = {
        "z_c": 151652,
        "eos_token_ids": frozenset({151643}),
        "c_ref": -23.0,
        "beta_v": 0.1,
        "threshold": 0.5,
        "checkpoint": "qwen",
    }
    return ScoreParameters(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("c_ref", "beta_v", "logprob", "score"),
    [
        # Worked by hand from the paper's equation: beta_v * (log p - c_ref).
        (-23.0, 0.1, -23.0, 0.0),  # as the reference model: 0.1 * 0
        (-23.0, 0.1, -13.0, 1.0),  # 1/beta_v = 10 nats above it: 0.1 * 10
        (-23.0, 0.1, -18.0, 0.5),  # the threshold: 0.1 * 5
        (-23.0, 0.1, 0.0, 2.3),  # the upper bound -beta_v * c_ref
        (-25.0, 0.1, -40.0, -1.5),  # 0.1 * -15
        (-14.2, 0.25, -11.0, 0.8),  # 0.25 * 3.2
    ],
)
def test_score_is_the_papers_equation(
    c_ref: float, beta_v: float, logprob: float, score: float
) -> None:
    # One rounding of a subtraction and one of a product: a few ulp.
    assert parameters(c_ref=c_ref, beta_v=beta_v).score(logprob) == pytest.approx(score, rel=1e-14)


@given(LOGPROBS, LOGPROBS)
def test_score_never_falls_with_the_log_probability(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert parameters().score(low) <= parameters().score(high)


@given(LOGPROBS)
def test_score_is_bounded_above_by_minus_beta_v_c_ref(logprob: float) -> None:
    assert parameters().score(logprob) <= -0.1 * -23.0


def test_reward_carries_score_logprob_method_and_checkpoint() -> None:
    reward = parameters().reward(-13.0, Method.POST_HOC)
    assert reward == SelfReward(
        score=1.0,
        logprob=-13.0,
        confidence=None,
        status=Status.SCORED,
        method=Method.POST_HOC,
        checkpoint="qwen",
    )


@pytest.mark.parametrize("logprob", [-math.inf, math.inf, math.nan])
def test_reward_of_a_non_finite_log_probability_has_no_number(logprob: float) -> None:
    reward = parameters().reward(logprob, Method.IN_FLIGHT)
    assert reward.status is Status.NON_FINITE
    assert (reward.score, reward.logprob, reward.confidence) == (None, None, None)
    assert reward.method is Method.IN_FLIGHT


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.SCORED])
def test_unscored_has_a_status_and_no_number(status: Status) -> None:
    reward = parameters().unscored(status)
    assert reward.model_dump(mode="json") == {
        "score": None,
        "logprob": None,
        "confidence": None,
        "status": status.value,
        "method": None,
        "checkpoint": "qwen",
        "checkpoint_version": None,
        "weights": None,
    }


def test_the_verdict_names_the_version_and_the_weights_of_its_checkpoint() -> None:
    known = parameters(version=3, weights="0123456789ab")
    for reward in (known.reward(-1.0, Method.IN_FLIGHT), known.unscored(Status.TRUNCATED)):
        assert (reward.checkpoint_version, reward.weights) == (3, "0123456789ab")


@pytest.mark.parametrize(
    "fields",
    [
        {"score": None, "logprob": None, "status": Status.SCORED},
        {"score": 0.5, "logprob": -18.0, "status": Status.TRUNCATED},
        {"score": 0.5, "logprob": None, "status": Status.SCORED},
        {"score": math.nan, "logprob": -18.0, "status": Status.SCORED},
        {"score": None, "logprob": None, "status": Status.ABORTED, "confidence": 0.5},
        {"score": 0.5, "logprob": -18.0, "status": Status.SCORED, "confidence": 1.5},
        {"score": 0.5, "logprob": -18.0, "status": Status.SCORED, "votes": 3},
    ],
)
def test_self_reward_refuses_a_made_up_number(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SelfReward.model_validate({"method": Method.IN_FLIGHT, "checkpoint": "qwen"} | fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z_c": -1}, "negative"),
        ({"eos_token_ids": frozenset({-2})}, "negative"),
        ({"eos_token_ids": frozenset()}, "eos_token_ids is empty"),
        ({"eos_token_ids": frozenset({151652})}, "one of the EOS tokens"),
        ({"c_ref": math.nan}, "c_ref=nan"),
        ({"c_ref": -math.inf}, "c_ref=-inf"),
        ({"c_ref": 1.0}, "at most 0"),
        ({"beta_v": 0.0}, "beta_v=0.0"),
        ({"beta_v": -0.1}, "beta_v=-0.1"),
        ({"beta_v": math.inf}, "beta_v=inf"),
        ({"threshold": math.nan}, "threshold=nan"),
        ({"checkpoint": ""}, "checkpoint is empty"),
    ],
)
def test_parameters_that_cannot_be_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parameters(**change)


@pytest.mark.parametrize(
    ("c_ref", "beta_v", "reachable"),
    [
        (-23.0, 0.1, True),  # log p = -13
        (-10.0, 0.1, False),  # log p = 0 would be certainty
        (-9.0, 0.1, False),  # log p = 1
        (-9.0, 0.2, True),  # log p = -4
    ],
)
def test_target_is_reachable_where_it_needs_a_probability_below_one(
    c_ref: float, beta_v: float, reachable: bool
) -> None:
    assert is_target_reachable(c_ref, beta_v) is reachable


ISOTONIC = IsotonicCalibration(
    scores=(-0.5, 0.0, 1.0), probabilities=(0.1, 0.2, 0.9), ece=0.01, fitted_on="held out"
)
PLATT = PlattCalibration(a=4.0, b=-2.0, ece=0.02, fitted_on="held out")


@pytest.mark.parametrize(
    ("score", "confidence"),
    [(-9.0, 0.1), (-0.5, 0.1), (-0.25, 0.15), (0.0, 0.2), (0.5, 0.55), (1.0, 0.9), (7.0, 0.9)],
)
def test_isotonic_confidence_is_linear_between_knots_and_flat_outside(
    score: float, confidence: float
) -> None:
    assert ISOTONIC.confidence(score) == pytest.approx(confidence, rel=1e-14)


@pytest.mark.parametrize(
    ("score", "confidence"),
    [
        (0.5, 0.5),  # sigmoid(0)
        (0.5 + math.log(3.0) / 4.0, 0.75),  # sigmoid(ln 3) = 3/4
        (0.5 - math.log(3.0) / 4.0, 0.25),
        (1e6, 1.0),
        (-1e6, 0.0),
    ],
)
def test_platt_confidence_is_the_sigmoid(score: float, confidence: float) -> None:
    assert PLATT.confidence(score) == pytest.approx(confidence, rel=1e-14)


@pytest.mark.parametrize("calibration", [ISOTONIC, PLATT])
@given(scores=st.lists(st.floats(min_value=-100, max_value=100), min_size=2))
def test_confidence_is_a_probability_that_never_falls(
    calibration: IsotonicCalibration | PlattCalibration, scores: list[float]
) -> None:
    confidences = [calibration.confidence(score) for score in sorted(scores)]
    assert all(0.0 <= confidence <= 1.0 for confidence in confidences)
    # The interpolation and the sigmoid round: equal to within an ulp of 1.
    assert all(high - low >= -(2**-52) for low, high in pairwise(confidences))


@pytest.mark.parametrize(
    ("scores", "probabilities", "message"),
    [
        ((0.0, 1.0), (0.5,), "same length"),
        ((1.0, 1.0), (0.1, 0.2), "rise strictly"),
        ((0.0, 1.0), (0.3, 0.2), "must not fall"),
        ((0.0,), (1.5,), "less than or equal to 1"),
        ((), (), "at least 1"),
    ],
)
def test_isotonic_knots_that_cannot_be_are_refused(
    scores: tuple[float, ...], probabilities: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        IsotonicCalibration(scores=scores, probabilities=probabilities, ece=0.0, fitted_on="x")


def test_a_calibrated_checkpoint_states_its_confidence() -> None:
    reward = parameters(calibration=PLATT).reward(-18.0, Method.IN_FLIGHT)
    assert reward.confidence == pytest.approx(0.5, rel=1e-14)
