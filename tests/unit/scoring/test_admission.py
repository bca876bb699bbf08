"""What would harm the engine is refused before it gets there."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from vllm.config import VllmConfig
from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams, StructuredOutputsParams

from laserve.scoring.admission import check_admissible


def config(*, v2: bool = False, speculative: bool = False) -> VllmConfig:
    """What the check reads of vLLM's configuration."""
    speculative_config = object() if speculative else None
    fake = SimpleNamespace(use_v2_model_runner=v2, speculative_config=speculative_config)
    return cast(VllmConfig, fake)


MANY = list(range(2000))


@pytest.mark.parametrize(
    ("settings", "params", "named"),
    [
        ({}, {"top_k": 2**70}, "64 bits"),
        ({}, {"stop": ["\ud800"]}, "Unicode"),
        ({}, {"extra_args": {"laserve": True}}, "reserved"),
        ({}, {"extra_args": {"kv_transfer_params": "x"}}, "kv_transfer_params"),
        ({}, {"structured_outputs": StructuredOutputsParams(regex="a" * 9000)}, "9000"),
        ({}, {"structured_outputs": StructuredOutputsParams(choice=["a" * 9000])}, "choice"),
        ({"speculative": True}, {"logprob_token_ids": [1]}, "logprob_token_ids"),
        ({"v2": True}, {"stop_token_ids": MANY[:113], "min_tokens": 1}, "stop_token_ids"),
        ({"v2": True}, {"logit_bias": dict.fromkeys(MANY, 1.0)}, "logit_bias"),
        ({"v2": True}, {"allowed_token_ids": MANY}, "allowed_token_ids"),
    ],
)
def test_a_harmful_request_is_refused_by_name(
    settings: dict[str, bool], params: dict[str, Any], named: str
) -> None:
    with pytest.raises(VLLMValidationError, match=named):
        check_admissible(config(**settings), SamplingParams(**params), ("id", 0, None))


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({}, {}),
        ({}, {"allowed_token_ids": MANY, "logit_bias": dict.fromkeys(MANY, 1.0)}),
        ({"v2": True}, {"stop_token_ids": MANY}),
        ({"v2": True, "speculative": True}, {"logprob_token_ids": [1]}),
        ({}, {"structured_outputs": StructuredOutputsParams(json={"type": "object"})}),
        ({}, {"extra_args": {"mine": 1, "kv_transfer_params": {}}}),
    ],
)
def test_a_harmless_request_passes(settings: dict[str, bool], params: dict[str, Any]) -> None:
    check_admissible(config(**settings), SamplingParams(**params), ("id", 0, None))


@pytest.mark.parametrize("identifiers", [("\ud800", 0, None), ("id", 2**70, None)])
def test_what_travels_beside_the_parameters_is_checked_too(
    identifiers: tuple[object, ...],
) -> None:
    with pytest.raises(VLLMValidationError):
        check_admissible(config(), SamplingParams(), identifiers)
