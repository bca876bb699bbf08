"""A bound on the risk holds for samples that are drawn as those that it comes from."""

from typing import Any

import pytest
from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams

from laserve.core.judged import CalibrationSampling
from laserve.selecting.sampling import check_sampled_alike

SAMPLING = CalibrationSampling(samples=8, unscored=0, temperature=1.0, max_tokens=24, answer="text")
CUT_SHORT = SAMPLING.model_copy(update={"unscored": 3})


@pytest.mark.parametrize("max_tokens", [24, 100, None])
def test_what_is_sampled_alike_is_taken(max_tokens: int | None) -> None:
    """None of its samples met the limit: a higher one changes nothing."""
    check_sampled_alike(SamplingParams(seed=3, max_tokens=max_tokens, logprobs=2), SAMPLING)
    check_sampled_alike(SamplingParams(max_tokens=24), CUT_SHORT)


@pytest.mark.parametrize(
    ("change", "sampling"),
    [
        ({"temperature": 0.7}, SAMPLING),
        ({"temperature": 0.0}, SAMPLING),
        ({"max_tokens": 23}, SAMPLING),
        ({"max_tokens": 25}, CUT_SHORT),
        ({"top_p": 0.9}, SAMPLING),
        ({"top_k": 1}, SAMPLING),
        ({"repetition_penalty": 1.1}, SAMPLING),
        ({"stop": ["4"]}, SAMPLING),
        ({"logit_bias": {7: 1.0}}, SAMPLING),
    ],
)
def test_what_is_not_is_refused_by_name(
    change: dict[str, Any], sampling: CalibrationSampling
) -> None:
    (name,) = change
    with pytest.raises(VLLMValidationError, match=f"^{name} is") as refusal:
        check_sampled_alike(SamplingParams(**{"max_tokens": 24, **change}), sampling)
    assert refusal.value.parameter == name
