"""Scoring parameters: from the manifest, a preset or flags, and each contradiction refused."""

import logging

import pytest

from laserve.core.calibration import PlattCalibration
from laserve.core.manifest import Manifest, ReferenceConstant
from laserve.core.parameters import NO_FLAGS, ScoreFlags, resolve_parameters
from laserve.core.presets import PRESETS
from laserve.core.score import ScoreParameters, is_target_reachable
from laserve.errors import ConfigurationError

MANIFEST = Manifest(
    checkpoint="demo",
    z_c=7,
    z_c_token="<z>",
    eos_token_ids=(1, 2),
    c_ref=ReferenceConstant(mean=-14.0, std=1.0, count=10),
    beta_v=0.2,
    calibration=PlattCalibration(a=4.0, b=-2.0, ece=0.02, fitted_on="held out"),
    base_model="demo",
)


@pytest.mark.parametrize(
    ("name", "z_c", "eos", "c_ref"),
    [("qwen2.5", 151652, 151643, -23.0), ("octothinker", 128002, 128001, -25.0)],
)
def test_presets_carry_the_authors_constants(name: str, z_c: int, eos: int, c_ref: float) -> None:
    parameters = resolve_parameters(None, name, NO_FLAGS, "org/model", {eos})
    assert parameters == ScoreParameters(
        z_c=z_c,
        eos_token_ids=frozenset({eos}),
        c_ref=c_ref,
        beta_v=0.1,
        threshold=0.5,
        checkpoint="org/model",
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_reach_its_target(name: str) -> None:
    assert is_target_reachable(PRESETS[name].c_ref, PRESETS[name].beta_v)


def test_a_preset_is_refused_for_a_model_without_its_eos() -> None:
    with pytest.raises(ConfigurationError, match=r"after the EOS 151643.*at \[128001\]"):
        resolve_parameters(None, "qwen2.5", NO_FLAGS, "org/llama", {128001})


def test_a_preset_scores_after_every_eos_and_warns_of_the_untrained(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        parameters = resolve_parameters(None, "qwen2.5", NO_FLAGS, "org/m", {151643, 151645})
    assert parameters.eos_token_ids == {151643, 151645}
    assert "also ends completions at [151645]" in caplog.text


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="'qwen3' does not exist.*qwen2.5, octothinker"):
        resolve_parameters(None, "qwen3", NO_FLAGS, "org/m", {1})


def test_a_manifest_gives_its_own_parameters(caplog: pytest.LogCaptureFixture) -> None:
    parameters = resolve_parameters(MANIFEST, None, NO_FLAGS, "some/path", {1, 2})
    assert parameters == MANIFEST.parameters()
    assert parameters.checkpoint == "demo"
    assert not caplog.records


@pytest.mark.parametrize("eos", [{1}, {1, 2, 3}, {3}])
def test_a_manifest_with_another_eos_set_than_the_engine_is_refused(eos: set[int]) -> None:
    with pytest.raises(ConfigurationError, match=r"states eos_token_ids \[1, 2\]") as caught:
        resolve_parameters(MANIFEST, None, NO_FLAGS, "demo", eos)
    assert str(sorted(eos)) in str(caught.value)
    assert "generation_config.json" in str(caught.value)


def test_a_manifest_and_a_preset_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="contradict each other. Leave the preset out"):
        resolve_parameters(MANIFEST, "qwen2.5", NO_FLAGS, "demo", {1, 2})


def test_a_model_without_parameters_is_told_each_way_to_get_them() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_parameters(None, None, NO_FLAGS, "org/m", {1})
    for way in (
        "laserve measure-ref org/m --data FILE",
        "--laserve-preset (qwen2.5 or octothinker)",
        "--z-c, --c-ref and --beta-v",
    ):
        assert way in str(caught.value)


def test_flags_alone_are_enough() -> None:
    parameters = resolve_parameters(None, None, ScoreFlags(7, -14.0, 0.3), "org/m", {1})
    assert (parameters.z_c, parameters.c_ref, parameters.beta_v) == (7, -14.0, 0.3)
    assert parameters.checkpoint == "org/m"


def test_beta_v_is_the_papers_where_no_flag_gives_it() -> None:
    assert resolve_parameters(None, None, ScoreFlags(7, -14.0), "org/m", {1}).beta_v == 0.1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (ScoreFlags(z_c=7), "--c-ref missing"),
        (ScoreFlags(c_ref=-14.0), "--z-c missing"),
        (ScoreFlags(beta_v=0.1), "--z-c and --c-ref missing"),
    ],
)
def test_incomplete_flags_are_refused_with_what_is_missing(flags: ScoreFlags, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        resolve_parameters(None, None, flags, "org/m", {1})


def test_flags_override_openly_and_drop_the_calibration(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        parameters = resolve_parameters(MANIFEST, None, ScoreFlags(c_ref=-15.0), "demo", {1, 2})
    assert (parameters.z_c, parameters.c_ref, parameters.beta_v) == (7, -15.0, 0.2)
    assert parameters.calibration is None
    assert "c_ref -14.0 -> -15.0" in caplog.text
    assert "calibration was fitted on other constants" in caplog.text


def test_flags_that_change_nothing_keep_the_calibration(caplog: pytest.LogCaptureFixture) -> None:
    flags = ScoreFlags(z_c=7, c_ref=-14.0, beta_v=0.2)
    assert resolve_parameters(MANIFEST, None, flags, "demo", {1, 2}) == MANIFEST.parameters()
    assert not caplog.records


def test_another_z_c_needs_its_own_c_ref() -> None:
    with pytest.raises(ConfigurationError, match="give --c-ref for the new token too"):
        resolve_parameters(MANIFEST, None, ScoreFlags(z_c=8), "demo", {1, 2})
    flags = ScoreFlags(z_c=8, c_ref=-9.0)
    assert resolve_parameters(MANIFEST, None, flags, "demo", {1, 2}).z_c == 8


def test_a_flag_of_an_impossible_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"beta_v=-1\.0"):
        resolve_parameters(MANIFEST, None, ScoreFlags(beta_v=-1.0), "demo", {1, 2})
