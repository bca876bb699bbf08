"""`laserve.json`: what is written is read again, and what is wrong is named."""

import contextlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from laserve.core.calibration import IsotonicCalibration, PlattCalibration
from laserve.core.judged import CalibrationSample, CalibrationSampling
from laserve.core.manifest import (
    MAX_MANIFEST_BYTES,
    MAX_NAME_LENGTH,
    Manifest,
    ReferenceConstant,
    read_manifest,
    write_manifest,
)
from laserve.core.probes import (
    GOLDEN_PROBES,
    MAX_PROBE_TOKENS,
    GoldenProbe,
    ProbeRow,
    choose_probes,
)
from laserve.errors import ConfigurationError, ManifestError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(min_size=1, max_size=100)
NAMES = TEXTS.filter(lambda text: text.isprintable() and text == text.strip())
SCORES = st.floats(min_value=-1e3, max_value=1e3)
ROW = ProbeRow(
    position=2, vocab_size=384, top_token_ids=(3,), top_logprobs=(-0.5,), sketch="AACAPwAAAAA="
)
IDS = st.integers(min_value=2, max_value=2**20)


def manifest(**changes: object) -> Manifest:
    values: dict[str, object] = {
        "checkpoint": "tiny",
        "z_c": 259,
        "z_c_token": "<|vision_start|>",
        "eos_token_ids": (256, 257),
        "c_ref": ReferenceConstant(mean=-14.2, std=1.4, count=100),
        "beta_v": 0.1,
        "base_model": "tiny",
        "golden_probes": (
            GoldenProbe(
                prompt_token_ids=(1, 2),
                completion_token_ids=(3, 256),
                logprob=-13.5,
                score=0.07,
                dtype="float32",
                rows=(ROW,),
            ),
        ),
        "files": {"model.safetensors": "0" * 64},
    }
    return Manifest(**(values | changes))  # type: ignore[arg-type]


CALIBRATIONS = st.none() | st.one_of(
    st.builds(
        PlattCalibration,
        a=st.floats(min_value=0, max_value=1e6),
        b=FINITE,
        ece=st.floats(min_value=0, max_value=1),
        fitted_on=TEXTS,
    ),
    st.lists(st.floats(min_value=-1e3, max_value=1e3), min_size=1, unique=True).map(
        lambda scores: IsotonicCalibration(
            scores=tuple(sorted(scores)),
            probabilities=tuple(i / len(scores) for i in range(len(scores))),
            ece=0.01,
            fitted_on="held out",
        )
    ),
)
MANIFESTS = st.builds(
    Manifest,
    checkpoint=NAMES,
    z_c=st.just(1),
    z_c_token=TEXTS,
    eos_token_ids=st.lists(IDS, min_size=1, unique=True).map(tuple),
    c_ref=st.builds(
        ReferenceConstant,
        mean=st.floats(min_value=-1e3, max_value=0),
        std=st.floats(min_value=0, max_value=1e3),
        count=st.integers(min_value=1, max_value=10**6),
    ),
    beta_v=st.floats(min_value=1e-6, max_value=1e3),
    threshold=SCORES,
    calibration=CALIBRATIONS,
    evaluation=st.none() | st.dictionaries(TEXTS, FINITE),
    base_model=NAMES,
    training=st.none() | st.dictionaries(TEXTS, st.integers() | FINITE | st.text() | st.none()),
    files=st.dictionaries(
        st.text("abc", min_size=1), st.text("0123456789abcdef", min_size=64, max_size=64)
    ),
    chat_template_sha256=st.none() | st.just("f" * 64),
    chat_template_kwargs=st.none() | st.dictionaries(TEXTS, st.booleans() | st.text()),
    calibration_samples=st.lists(
        st.builds(
            CalibrationSample,
            problem=NAMES,
            score=FINITE,
            answer_group=st.none() | st.integers(min_value=0, max_value=64),
            correct=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    calibration_sampling=st.none()
    | st.builds(
        CalibrationSampling,
        samples=st.integers(min_value=1, max_value=64),
        unscored=st.integers(min_value=0, max_value=64),
        temperature=st.floats(min_value=0.1, max_value=2.0),
        max_tokens=st.integers(min_value=1, max_value=2**20),
        answer=st.sampled_from(["text", "boxed"]),
    ),
    reference_scores=st.lists(FINITE, max_size=3).map(tuple),
)


@given(written=MANIFESTS)
def test_a_manifest_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: Manifest
) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_manifest(folder, written)
    assert read_manifest(folder) == written


def test_parameters_are_the_manifests_constants() -> None:
    calibration = PlattCalibration(a=4.0, b=-2.0, ece=0.02, fitted_on="held out")
    parameters = manifest(threshold=0.4, calibration=calibration).parameters()
    assert parameters.z_c == 259
    assert parameters.eos_token_ids == {256, 257}
    assert (parameters.c_ref, parameters.beta_v, parameters.threshold) == (-14.2, 0.1, 0.4)
    assert parameters.checkpoint == "tiny"
    assert parameters.calibration == calibration


@given(
    logprob=st.floats(min_value=-1e3, max_value=0),
    mean=st.floats(min_value=-1e3, max_value=0),
    beta_v=st.floats(min_value=1e-3, max_value=1e3),
)
def test_a_probe_with_its_own_score_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, logprob: float, mean: float, beta_v: float
) -> None:
    probe = GoldenProbe(prompt_token_ids=(1,), completion_token_ids=(256,), logprob=logprob)
    assert probe.score is None
    scored = probe.scored(mean, beta_v)
    assert scored.score == pytest.approx(beta_v * (logprob - mean))
    written = manifest(
        c_ref=ReferenceConstant(mean=mean, std=0.0, count=1),
        beta_v=beta_v,
        golden_probes=(scored, probe),
        schema_version=1,
    )
    folder = tmp_path_factory.mktemp("checkpoint")
    write_manifest(folder, written)
    assert read_manifest(folder) == written


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"beta_v": 0.1001}, "beta_v=0.1001"),
        ({"c_ref": ReferenceConstant(mean=-14.2001, std=1.4, count=100)}, "c_ref=-14.2001"),
    ],
)
def test_constants_that_contradict_a_probes_score_are_refused(
    changes: dict[str, object], named: str
) -> None:
    [probe] = manifest().golden_probes
    with pytest.raises(ValidationError, match=f"golden_probes.0.score is 0.0.*{named}"):
        manifest(golden_probes=(probe.scored(-14.2, 0.1),), **changes)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_a_probes_score_may_be_rounded(scale: float) -> None:
    [probe] = manifest().golden_probes
    exact = probe.scored(-14.2, 0.1 * scale).score
    assert exact is not None
    for error, accepted in ((0.9e-6, True), (-0.9e-6, True), (1.1e-6, False), (-1.1e-6, False)):
        # Absolute up to a score of 1, relative above: this one is 0.07, or 70.
        rounded = exact + error * max(1.0, abs(exact))
        probes = (probe.model_copy(update={"score": rounded}),)
        with contextlib.nullcontext() if accepted else pytest.raises(ValidationError):
            manifest(beta_v=0.1 * scale, golden_probes=probes)


def test_a_manifest_of_schema_1_has_none_of_schema_2(tmp_path: Path) -> None:
    [probe] = manifest().golden_probes
    weak = probe.model_copy(update={"rows": (), "dtype": None, "score": None})
    write_manifest(tmp_path, manifest(schema_version=1, golden_probes=(weak,)))
    read = read_manifest(tmp_path)
    assert read is not None
    assert (read.schema_version, read.golden_probes) == (1, (weak,))
    with pytest.raises(ValidationError, match="are of schema 2"):
        manifest(schema_version=1, golden_probes=(weak,), reference_scores=(0.5,))
    with pytest.raises(ValidationError, match="rows and dtype must be stated in schema 2"):
        manifest(golden_probes=(weak,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": 5}, "golden_probes.0.rows.0.position is beyond"),
        ({"top_token_ids": (3, 4)}, "golden_probes.0.rows.0 has not one log-probability for each"),
    ],
)
def test_a_row_that_cannot_be_of_its_probe_is_refused(
    change: dict[str, object], message: str
) -> None:
    [probe] = manifest().golden_probes
    rows = (ROW.model_copy(update=change),)
    with pytest.raises(ValidationError, match=message):
        manifest(golden_probes=(probe.model_copy(update={"rows": rows}),))


@pytest.mark.parametrize(("sketch", "message"), [("?", "is not base64"), ("", "has 0 bytes")])
def test_a_sketch_that_is_none_is_refused(sketch: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ProbeRow(**(ROW.model_dump() | {"sketch": sketch}))


def test_probes_are_chosen_so_that_a_manifest_may_hold_them() -> None:
    [probe] = manifest().golden_probes
    without_rows = probe.model_copy(update={"rows": ()})
    long = probe.model_copy(update={"prompt_token_ids": (1,) * MAX_PROBE_TOKENS})
    chosen = choose_probes([without_rows, long, *[probe] * 20])
    assert chosen == (probe,) * GOLDEN_PROBES
    with pytest.raises(ValidationError, match=f"golden_probes take .* {MAX_PROBE_TOKENS} at most"):
        manifest(golden_probes=(long,))
    with pytest.raises(ValidationError, match="at most 64 items"):
        manifest(golden_probes=(probe,) * 65)


def test_read_manifest_is_none_only_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / "laserve.json").symlink_to(tmp_path / "gone")
    with pytest.raises(ManifestError, match=r"laserve\.json cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "laserve.json").mkdir()
    with pytest.raises(ManifestError, match=r"laserve\.json cannot be read: Is a directory"):
        read_manifest(tmp_path)


def _drop(key: str) -> Callable[[dict[str, object]], object]:
    return lambda content: content.pop(key)


def _set(key: str, value: object) -> Callable[[dict[str, object]], object]:
    return lambda content: content.update({key: value})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_set("zc", 1), "unknown key `zc`"),
        (_set("c_ref", {"mean": -1.0, "std": 1.0, "count": 1, "max": 0.0}), "key `c_ref.max`"),
        (_set("schema_version", 3), "`schema_version`: 3 is neither 1 nor 2"),
        (_set("schema_version", "1"), "`schema_version`: '1' is neither 1 nor 2"),
        (_set("schema_version", 1), "golden_probes.0.rows and dtype are of schema 2"),
        (_set("checkpoint", "a" * 200_000), f"`checkpoint`: .* {MAX_NAME_LENGTH} characters"),
        (_set("checkpoint", "a\nb"), "`checkpoint`: must be one line"),
        (_set("base_model", " "), "`base_model`: must be one line"),
        (_set("beta_v", 1e4), "`beta_v`: Input should be less than or equal to 1000"),
        (_set("threshold", 1e4), "`threshold`: Input should be less than or equal to 1000"),
        (_set("z_c", "259"), "`z_c`: Input should be a valid integer"),
        (_set("z_c", True), "`z_c`: Input should be a valid integer"),
        (_set("z_c", 256), "z_c=256 is one of the EOS tokens"),
        (_set("beta_v", None), "`beta_v`: Input should be a valid number"),
        (_set("beta_v", 0), "`beta_v`: Input should be greater than 0"),
        (_set("c_ref", -23.0), "`c_ref`"),
        (_set("c_ref", {"mean": 2.0, "std": 1.0, "count": 1}), "`c_ref.mean`"),
        (_set("threshold", float("nan")), "`threshold`: Input should be a finite number"),
        (_set("eos_token_ids", []), "`eos_token_ids`"),
        (_set("eos_token_ids", [256, 256]), "eos_token_ids names a token twice"),
        (_set("eos_token_ids", 256), "`eos_token_ids`"),
        (_set("calibration", {"kind": "spline"}), "`calibration`.*'isotonic', 'platt'"),
        (_set("calibration", {"kind": "platt", "a": 1.0}), "`calibration.platt.b`"),
        (_set("files", {"../other": "0" * 64}), "inside the checkpoint folder"),
        (_set("files", {"/etc/passwd": "0" * 64}), "inside the checkpoint folder"),
        (_set("files", {"model": "abc"}), "`files.model`"),
        (
            _set(
                "golden_probes",
                [{"prompt_token_ids": [1], "completion_token_ids": [2], "logprob": -1.0}],
            ),
            "must end with an EOS",
        ),
        (_drop("c_ref"), "`c_ref`: Field required"),
        (_drop("checkpoint"), "`checkpoint`: Field required"),
    ],
)
def test_a_faulty_manifest_is_refused_with_file_key_and_mend(
    tmp_path: Path, spoil: Callable[[dict[str, object]], object], message: str
) -> None:
    content = json.loads(manifest().model_dump_json())
    spoil(content)
    (tmp_path / "laserve.json").write_text(json.dumps(content))
    with pytest.raises(ManifestError, match=message) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path / "laserve.json") in str(caught.value)
    assert "laserve measure-ref MODEL --data FILE --force" in str(caught.value)
    assert isinstance(caught.value, ConfigurationError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b"[" * 100_000, "Invalid JSON"),
        ('{"checkpoint": "é"}'.encode("latin-1"), r"is not UTF-8 \(byte 16\)"),
        (b" " * (MAX_MANIFEST_BYTES + 1), "larger than 16 MiB"),
    ],
    ids=["empty", "cut off", "array", "nested", "latin-1", "huge"],
)
def test_a_file_that_is_no_manifest_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "laserve.json").write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        read_manifest(tmp_path)


def test_writing_replaces_the_manifest_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest())
    path = write_manifest(tmp_path, manifest(threshold=0.2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["laserve.json"] == [path.name]
    replaced = read_manifest(tmp_path)
    assert replaced is not None
    assert replaced.threshold == 0.2


def test_a_write_that_fails_leaves_the_old_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifest(tmp_path, manifest())

    def no_space(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ManifestError, match="cannot be written: No space left on device"):
        write_manifest(tmp_path, manifest(threshold=0.2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["laserve.json"]
    assert read_manifest(tmp_path) == manifest()


def test_another_user_may_read_a_written_manifest(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        path = write_manifest(tmp_path, manifest())
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_writing_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be written: No such file or directory"):
        write_manifest(tmp_path / "gone", manifest())


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest().beta_v = 0.2
