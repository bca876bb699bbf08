"""A model that was not trained for a score gets one: command, checkpoint, row alone, engine."""

import json
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import Manifest, read_manifest
from laserve.core.types import Status
from laserve.errors import ConfigurationError
from laserve.launch.score_row import find_score_row
from laserve.offline import Completed, open_engine
from laserve.reference.encode import encode_prompt
from laserve.reference.load import load_model, load_tokenizer
from laserve_training.evaluation.report import read_report
from laserve_training.evaluation.store import DrawnProblem
from laserve_training.probe.score_token import ADDED_TOKEN
from laserve_training.problem import Problem
from tests.budget import Kind, spend
from tests.integration.training.small_run import run_command
from tests.tiny_model import TinyModel
from tests.tiny_tied import build_tiny_tied_model

AGREEMENT = 1e-3
"""Of log-probabilities; the engine's transport rounds to 0.0005 nats."""
SERVED = ["--dtype", "float32", "--max-model-len", "160", "--enforce-eager"]
CEILING = -12.0
ROUNDING = 1e-4
"""Of log-probabilities of text: z_c's own share of the softmax is below e^-12."""
PROMPT = 12
"""Tokens."""


def is_long(problem: Problem, completion: str) -> bool:
    """A verdict that a model can know when it ends: it saw how long its answer was."""
    return len(completion) > 12


class Reading:
    """log p(z_c) by a Hugging Face forward pass of a checkpoint."""

    def __init__(self, folder: Path, z_c: int) -> None:
        self._model, self._z_c = load_model(str(folder), "float32").eval(), z_c

    def __call__(self, ids: list[int]) -> float:
        with torch.inference_mode():
            logits = self._model(torch.tensor([ids])).logits[0, -1]
        return float(logits.double().log_softmax(-1)[self._z_c])


@dataclass(frozen=True)
class Probed:
    """The base and the run's folder."""

    base: TinyModel
    output: Path

    @property
    def manifest(self) -> Manifest:
        manifest = read_manifest(self.output / "checkpoint")
        assert manifest is not None
        return manifest


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Probed:
    """Embeddings and output layer are one matrix, and rows of it have no token."""
    folder = tmp_path_factory.mktemp("probed")
    base = build_tiny_tied_model(folder / "base")
    model = load_model(str(base.path), "float32")
    with torch.inference_mode():  # as rows without a token are in a trained model: improbable
        model.get_output_embeddings().weight[260] = model.get_output_embeddings().weight[base.z_c]
    model.save_pretrained(base.path)
    data = folder / "questions.jsonl"
    rows = [{"prompt": f"{a}+{b}?", "answer": a + b} for a in range(10) for b in range(10)]
    data.write_text("\n".join(map(json.dumps, rows)))
    run_command(
        "probe",
        folder / "run",
        str(base.path),
        f"--data={data}",
        f"--output={folder / 'run'}",
        "--samples=6",
        "--texts=40",
        "verifier=tests.integration.training.test_probe:is_long",
        "evaluate.max_tokens=60",
        f"evaluate.engine_flags={json.dumps(SERVED)}",
    )
    return Probed(base, folder / "run")


def test_the_row_is_all_that_differs_and_its_score_tells_right_from_wrong(probed: Probed) -> None:
    manifest, checkpoint = probed.manifest, probed.output / "checkpoint"
    assert (manifest.z_c, manifest.z_c_token) == (260, ADDED_TOKEN)
    assert manifest.files == hash_files(checkpoint)
    assert (manifest.c_ref.mean, manifest.c_ref.kind) == (-40.0, "fitted")
    assert len(manifest.golden_probes) == 8
    old = load_model(str(probed.base.path), "auto").state_dict()
    for name, tensor in load_model(str(checkpoint), "auto").state_dict().items():
        rows = torch.arange(len(tensor)) != 260 if len(tensor) == 384 else slice(None)
        assert torch.equal(tensor[rows], old[name][rows])
    report = read_report(probed.output / "evaluation" / "report.json")
    assert report.figures.auroc.value > 0.8
    assert {"mean_logprob", "untrained_score", "deepconf_tail"} <= report.confidences.keys()
    assert manifest.calibration is not None


def test_z_c_is_held_down_in_text(probed: Probed) -> None:
    training = probed.manifest.training
    assert training is not None
    fit = training["fit"]
    assert isinstance(fit, dict)
    found = fit["logprob_in_held_out_texts"]
    assert isinstance(found, dict)
    assert float(str(found["places"])) > 1000
    assert float(str(found["0.5"])) < float(str(found["largest"])) < CEILING


async def completed(*argv: str) -> list[Completed]:
    """Samples of several prompts, at several temperatures."""
    spend(Kind.ENGINE)
    samples: list[Completed] = []
    async with open_engine([*argv, *SERVED]) as engine:
        for number, temperature in enumerate((0.0, 0.7, 1.0, 1.5)):
            prompt = range(10 * number, 10 * number + PROMPT)
            n = 1 if temperature == 0.0 else 8
            samples += await engine.complete(
                prompt, n=n, max_tokens=80, temperature=temperature, seed=5, logprobs=4
            )
    return samples


async def test_text_is_the_bases_own_and_scores_are_those_of_an_offline_reading(
    probed: Probed,
) -> None:
    base, manifest = str(probed.base.path), probed.manifest
    plain = await completed(base, f"--z-c={probed.base.z_c}", "--c-ref=-18")
    laid = await completed(base, "--score-row", str(probed.output / "row"))
    for by_base, by_row in zip(plain, laid, strict=True):
        assert by_base.token_ids == by_row.token_ids
        assert by_base.logprobs is not None
        assert by_row.logprobs is not None
        for expected, found in zip(by_base.logprobs, by_row.logprobs, strict=True):
            assert found == pytest.approx(expected, abs=ROUNDING)
    reading = Reading(probed.output / "checkpoint", manifest.z_c)
    scored = [sample for sample in laid if sample.reward.status == Status.SCORED]
    assert len(scored) > 10
    numbers = [0] + [1] * 8 + [2] * 8 + [3] * 8
    for sample, number in zip(laid, numbers, strict=True):
        if sample.reward.status == Status.SCORED:
            prompt = list(range(10 * number, 10 * number + PROMPT))
            logprob = reading([*prompt, *sample.token_ids])
            assert sample.reward.logprob == pytest.approx(logprob, abs=AGREEMENT)
            score = manifest.beta_v * (logprob - manifest.c_ref.mean)
            assert sample.reward.score == pytest.approx(score, abs=AGREEMENT)


def test_the_evaluation_is_of_the_checkpoint_as_it_is_served(probed: Probed) -> None:
    reading = Reading(probed.output / "checkpoint", probed.manifest.z_c)
    lines = (probed.output / "evaluation" / "samples.jsonl").read_text().splitlines()
    tokenizer = load_tokenizer(str(probed.output / "checkpoint"))
    for line in lines[:4]:
        drawn = DrawnProblem.model_validate_json(line)
        conversation = [{"role": "user", "content": drawn.question}]
        prompt = encode_prompt(drawn.problem, conversation, tokenizer)
        for sample in drawn.samples:
            if sample.reward.logprob is not None:
                expected = reading([*prompt, *sample.token_ids])
                assert sample.reward.logprob == pytest.approx(expected, abs=AGREEMENT)


def test_a_row_of_another_model_is_refused(probed: Probed, tmp_path: Path) -> None:
    other = build_tiny_tied_model(tmp_path / "other", seed=1)
    arguments = Namespace(
        score_row=probed.output / "row",
        model=str(other.path),
        revision=None,
        checkpoint_root=[],
        watch_checkpoints=None,
        checkpoint_public_key=None,
        worker_extension_cls="",
    )
    with pytest.raises(ConfigurationError, match="model.safetensors is not that of"):
        find_score_row(arguments)
    arguments.model = str(probed.base.path)
    row = find_score_row(arguments)
    assert row is not None
    assert row.manifest.calibration == probed.manifest.calibration
