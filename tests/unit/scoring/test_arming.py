"""Which requests are scored in flight, and what arming makes of their sampling parameters."""

import copy
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.serial_utils import MsgpackDecoder, MsgpackEncoder

from laserve.core.types import Method
from laserve.errors import ConfigurationError
from laserve.scoring.arming import Arming
from laserve.worker.codec import ScoreCodec
from laserve.worker.config import (
    PROCESSOR_V1,
    PROCESSOR_V2,
    WorkerConfig,
    armed_extra_args,
    is_armed,
)

Z_C = 7
EOS, SECOND_EOS = 5, 21
VOCAB_SIZE = 384  # two digits
EVERYTHING_KEPT: dict[str, Any] = {
    "n": 3,
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "seed": 11,
    "min_tokens": 4,
    "logprobs": 2,
    "prompt_logprobs": 1,
    "detokenize": False,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": False,
    "include_stop_str_in_output": True,
    "output_kind": RequestOutputKind.DELTA,
    "stream_interval": 3,
    "flat_logprobs": True,
    "skip_clone": True,
    "skip_reading_prefix_cache": True,
}


def arming(*, in_flight: bool = True, row_after_penalties: bool = False) -> Arming:
    return Arming(
        codec=ScoreCodec(VOCAB_SIZE, Z_C),
        eos_token_ids=frozenset({EOS, SECOND_EOS}),
        max_model_len=1000,
        in_flight=in_flight,
        row_after_penalties=row_after_penalties,
    )


def vllm_config(**changes: Any) -> VllmConfig:
    """What arming reads of it: an engine of the V1 runner with our processor, but for changes."""
    model = SimpleNamespace(
        max_model_len=1000,
        logits_processors=changes.get("logits_processors", [PROCESSOR_V1]),
        return_sampling_mask=changes.get("return_sampling_mask", False),
    )
    routed_experts = changes.get("enable_return_routed_experts", False)
    stand_in = SimpleNamespace(
        model_config=model,
        use_v2_model_runner=changes.get("use_v2_model_runner", False),
        aux_output_config=SimpleNamespace(enable_return_routed_experts=routed_experts),
    )
    return cast(VllmConfig, stand_in)


def for_engine(**changes: Any) -> Arming:
    return Arming.for_engine(
        vllm_config(**changes), ScoreCodec(VOCAB_SIZE, Z_C), frozenset({EOS, SECOND_EOS})
    )


@pytest.mark.parametrize("row_after_penalties", [False, True])
@pytest.mark.parametrize(
    ("params", "method"),
    [
        ({}, Method.IN_FLIGHT),
        (EVERYTHING_KEPT, Method.IN_FLIGHT),
        ({"temperature": 0.0, "max_tokens": None}, Method.IN_FLIGHT),
        ({"stop_token_ids": [EOS, 9]}, Method.IN_FLIGHT),
        ({"structured_outputs": StructuredOutputsParams(regex="a+")}, Method.IN_FLIGHT),
        ({"extra_args": {"session": "x"}}, Method.IN_FLIGHT),
        ({"thinking_token_budget": -1}, Method.IN_FLIGHT),  # vLLM: unlimited
        ({"logit_bias": {3: 1.0}}, Method.POST_HOC),
        ({"allowed_token_ids": [3, EOS]}, Method.POST_HOC),
        ({"bad_words": ["x"]}, Method.POST_HOC),
        ({"stop": ["x"]}, Method.POST_HOC),
        ({"thinking_token_budget": 0}, Method.POST_HOC),
        ({"trace_decode_token_ids": [3]}, Method.POST_HOC),
        ({"extra_args": {"kv_transfer_params": {"do_remote_decode": True}}}, Method.POST_HOC),
        ({"ignore_eos": True}, None),
        ({"ignore_eos": True, "stop": ["x"]}, None),
    ],
)
def test_what_a_request_asks_for_decides_how_it_is_scored(
    params: dict[str, Any], method: Method | None, row_after_penalties: bool
) -> None:
    rules = arming(row_after_penalties=row_after_penalties)
    assert rules.method(SamplingParams(**params)) == method


@pytest.mark.parametrize(
    "params",
    [{"presence_penalty": -0.1}, {"frequency_penalty": 0.1}, {"repetition_penalty": 1.1}],
)
def test_penalties_need_a_second_request_where_the_processor_sees_them(
    params: dict[str, Any],
) -> None:
    sampling = SamplingParams(**params)
    assert arming(row_after_penalties=False).method(sampling) == Method.IN_FLIGHT
    assert arming(row_after_penalties=True).method(sampling) == Method.POST_HOC


def test_an_engine_without_the_processor_scores_by_second_requests() -> None:
    assert arming(in_flight=False).method(SamplingParams()) == Method.POST_HOC
    assert arming(in_flight=False).method(SamplingParams(ignore_eos=True)) is None


@pytest.mark.parametrize(
    ("changes", "in_flight"),
    [
        ({}, True),
        ({"use_v2_model_runner": True, "logits_processors": [PROCESSOR_V2]}, True),
        ({"logits_processors": None}, False),
        ({"logits_processors": ["their.package:Processor"]}, False),
        ({"enable_return_routed_experts": True}, False),
        ({"return_sampling_mask": True}, False),
    ],
)
def test_scores_come_in_flight_only_from_an_engine_that_runs_our_processor(
    changes: dict[str, Any], in_flight: bool
) -> None:
    made = for_engine(**changes)
    assert made.in_flight == in_flight
    assert made.row_after_penalties == changes.get("use_v2_model_runner", False)
    assert made.max_model_len == 1000


def test_an_armed_request_goes_on_after_its_eos_for_the_message_and_stops_at_z_c() -> None:
    armed = arming().armed(SamplingParams(max_tokens=10, stop_token_ids=[9, EOS, 11, SECOND_EOS]))
    assert armed.ignore_eos
    assert armed.stop_token_ids == [9, 11, Z_C]
    assert armed.max_tokens == 10 + arming().codec.digits
    assert is_armed(armed)


def test_an_armed_request_without_a_limit_has_none() -> None:
    assert arming().armed(SamplingParams(max_tokens=None)).max_tokens is None


def test_a_stop_token_that_is_z_c_stays_one() -> None:
    assert arming().armed(SamplingParams(stop_token_ids=[Z_C])).stop_token_ids == [Z_C]


def test_vllm_bans_eos_and_z_c_until_min_tokens() -> None:
    """As `InputProcessor` completes the parameters, from the model's generation config. With z_c
    among them a row of which `min_tokens` takes the EOS ids reads as out of range, never wrong."""
    config = {"eos_token_id": [EOS, SECOND_EOS]}
    armed = arming().armed(SamplingParams(min_tokens=4, stop_token_ids=[9]))
    armed.update_from_generation_config(config, EOS)
    assert armed.all_stop_token_ids == {EOS, SECOND_EOS, 9, Z_C}
    # None of the EOS ids stops the request.
    assert armed.eos_token_id is None
    assert armed.stop_token_ids == [9, Z_C]


def test_all_else_is_kept() -> None:
    plain = SamplingParams(**EVERYTHING_KEPT, max_tokens=10, extra_args={"session": "x"})
    armed = arming().armed(plain)
    changed = {
        name
        for name in SamplingParams.__struct_fields__
        if getattr(armed, name) != getattr(plain, name)
    }
    assert changed == {
        "ignore_eos",
        "stop_token_ids",
        "max_tokens",
        "extra_args",
        "_all_stop_token_ids",
    }
    assert armed.extra_args == {"session": "x", **armed_extra_args(SamplingParams())}
    assert armed.sampling_type == plain.sampling_type


def test_the_parameters_that_were_given_are_never_changed() -> None:
    plain = SamplingParams(
        max_tokens=10, min_tokens=2, stop_token_ids=[EOS, 9], extra_args={"session": "x"}
    )
    before = copy.deepcopy(plain)
    armed = arming().armed(plain)
    armed.update_from_generation_config({"eos_token_id": [EOS, SECOND_EOS]}, EOS)
    assert plain == before
    # vLLM goes on to complete its own parameters in place, sets included.
    assert plain.all_stop_token_ids == {EOS, 9}


@pytest.mark.parametrize(
    "params",
    [
        {**EVERYTHING_KEPT, "max_tokens": 10},
        {"max_tokens": None, "stop_token_ids": [EOS]},
        {"max_tokens": 4, "min_tokens": 4, "temperature": 0.0},
    ],
)
def test_armed_parameters_pass_vllms_checks_and_its_transport(params: dict[str, Any]) -> None:
    armed = arming().armed(SamplingParams(**params))
    model_config: Any = SimpleNamespace(
        max_logprobs=20, get_vocab_size=lambda: VOCAB_SIZE, is_diffusion=False, max_model_len=1000
    )
    armed.verify(model_config, None, None, None)
    received = MsgpackDecoder(SamplingParams).decode(MsgpackEncoder().encode(armed))
    assert received == armed
    assert is_armed(received)
    # `n` samples are requests of their own, made from clones.
    assert is_armed(armed.clone())
    assert is_armed(msgspec.structs.replace(armed, n=1))


@pytest.mark.parametrize("value", [1, True, 0.5, "true", "", ["laserve"]])
def test_a_client_that_sends_our_key_arms_nothing(value: Any) -> None:
    body = {"prompt": "x", "vllm_xargs": {"laserve": value}}
    params = CompletionRequest.model_validate(body).to_sampling_params(max_tokens=4)
    assert params.extra_args is not None
    assert "laserve" in params.extra_args
    assert not is_armed(params)
    assert is_armed(arming().armed(params))


def test_the_workers_configuration_travels_in_additional_config() -> None:
    config = WorkerConfig(z_c=Z_C, eos_token_ids=frozenset({SECOND_EOS, EOS}))
    additional = {"theirs": 1, **config.to_additional_config()}
    assert additional == {"theirs": 1, "laserve": {"z_c": 7, "eos_token_ids": [5, 21]}}
    received = msgspec.json.decode(msgspec.json.encode(additional))
    assert WorkerConfig.of(cast(VllmConfig, SimpleNamespace(additional_config=received))) == config


@pytest.mark.parametrize("additional", [{}, {"theirs": 1}, object()])
def test_a_worker_that_laserve_did_not_start_says_so(additional: Any) -> None:
    with pytest.raises(ConfigurationError, match="laserve serve"):
        WorkerConfig.of(cast(VllmConfig, SimpleNamespace(additional_config=additional)))
