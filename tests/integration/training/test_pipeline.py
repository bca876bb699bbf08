"""SFT, LaSeR, evaluation, serving: a run of a few steps from the command line to an answer."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from laserve.core.checkpoint_files import hash_files
from laserve.core.judged import CalibrationSampling
from laserve.core.manifest import Manifest, read_manifest
from laserve.offline import open_engine
from laserve_training.evaluation.held_out import FIGURES
from laserve_training.evaluation.report import read_report
from laserve_training.laser.rollouts import LOGPROB_KEY
from tests.e2e.server import running_server
from tests.integration.training.conftest import Trained, TrainerFactory
from tests.integration.training.small_run import log_of
from tests.tiny_model import TinyModel

AGREEMENT = 1e-3
"""Of log-probabilities; the engine's transport rounds to 0.0005 nats."""
SERVED = ("--dtype", "float32", "--max-model-len", "64", "--enforce-eager")


def read(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


class Reference:
    """log p(z_c) by a Hugging Face forward pass of a saved checkpoint."""

    def __init__(self, folder: Path, z_c: int) -> None:
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._z_c = z_c

    def __call__(self, ids: list[int]) -> float:
        with torch.no_grad():
            logits = self._model(torch.tensor([ids])).logits[0, -1]
        return float(logits.double().log_softmax(-1)[self._z_c])


def test_the_checkpoint_is_complete_and_carries_what_was_measured(trained: Trained) -> None:
    manifest = read(trained.output / "checkpoint")
    reference = Reference(trained.output / "checkpoint", manifest.z_c)
    assert manifest.files == hash_files(trained.output / "checkpoint")
    assert manifest.c_ref.count == 16
    # Both measured the same model over the same solutions.
    assert manifest.c_ref == read(trained.output / "sft").c_ref
    assert len(manifest.golden_probes) == 8
    for probe in manifest.golden_probes:
        ids = [*probe.prompt_token_ids, *probe.completion_token_ids]
        assert probe.logprob == pytest.approx(reference(ids), abs=1e-5)
    assert manifest.training is not None
    assert manifest.training["laser"]["trainer"]["max_steps"] == 8  # type: ignore[index,call-overload]
    assert manifest.calibration is not None
    assert manifest.calibration.fitted_on == "countdown calibration"
    assert manifest.evaluation is not None
    assert {"accuracy", "f1", "auroc", "auroc_within_problem"} <= manifest.evaluation.keys()
    # 12 problems with 4 samples each, of which some are cut.
    assert 20 <= len(manifest.calibration_samples) <= 48
    assert manifest.calibration_sampling == CalibrationSampling(
        samples=4,
        unscored=48 - len(manifest.calibration_samples),
        temperature=1.0,
        max_tokens=24,
        answer="text",
    )
    assert 20 <= len(manifest.reference_scores) <= 48


def test_every_step_is_logged_with_the_scores_figures(trained: Trained) -> None:
    log = log_of(trained.output)
    assert log.keys() == set(range(1, 9))
    assert all("self_reward/loss" in entry for entry in log.values())
    assert any("self_reward/auroc" in entry for entry in log.values())
    assert list((trained.output / "laser").rglob("events.out.tfevents.*"))


def test_held_out_problems_are_evaluated_while_it_trains(trained: Trained) -> None:
    lines = (trained.output / "laser" / "log.jsonl").read_text().splitlines()
    evaluations = [entry for entry in map(json.loads, lines) if "eval_loss" in entry]
    assert [entry["step"] for entry in evaluations] == [2, 4, 6, 8]
    for entry in evaluations:
        assert {f"eval_{name}" for name in FIGURES} <= entry.keys()
        assert (6 * 4 * entry["eval_accuracy"]) % 1 == pytest.approx(0.0)
        assert entry["eval_tokens_per_second"] > 0


def test_the_report_is_written_in_three_forms(trained: Trained) -> None:
    folder = trained.output / "evaluation"
    evaluation = read_report(folder / "report.json")
    assert evaluation.figures.problems == 12
    assert {"mean_logprob", "untrained_score"} <= evaluation.confidences.keys()
    assert "AUROC within a problem" in (folder / "report.md").read_text()
    assert len(list(folder.glob("*.png"))) == 8  # for light pages, and for dark ones


def test_the_service_serves_it_with_score_and_confidence(trained: Trained, tmp_path: Path) -> None:
    manifest = read(trained.output / "checkpoint")
    reference = Reference(trained.output / "checkpoint", manifest.z_c)
    tokenizer = AutoTokenizer.from_pretrained(trained.output / "checkpoint")
    with running_server(trained.output / "checkpoint", tmp_path / "server.log", *SERVED) as server:
        answer = server.client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "6,6>2"}],
            n=8,
            seed=1,
            max_tokens=24,
            extra_body={"return_token_ids": True},
        )
    prompt = tokenizer("<|user|>6,6>2<|assistant|>", add_special_tokens=False).input_ids
    scored = 0
    for choice in answer.choices:
        reward = choice.self_reward  # type: ignore[attr-defined]
        assert reward["checkpoint"] == "laserve-countdown"
        if reward["status"] == "scored":
            scored += 1
            tokens = choice.token_ids  # type: ignore[attr-defined]
            assert reward["logprob"] == pytest.approx(reference(prompt + tokens), abs=AGREEMENT)
            assert manifest.calibration is not None
            expected = manifest.calibration.confidence(reward["score"])
            assert reward["confidence"] == pytest.approx(expected, abs=1e-6)
    assert scored > 0


async def test_trainer_hugging_face_and_service_give_the_same_tokens_the_same_score(
    trained: Trained, tmp_path: Path
) -> None:
    folder = trained.output / "checkpoint"
    manifest = read(folder)
    reference = Reference(folder, manifest.z_c)
    probe = manifest.golden_probes[0]
    async with open_engine([str(folder), *SERVED]) as engine:
        completed = await engine.complete(probe.prompt_token_ids, n=16, max_tokens=24, seed=0)
        again = await engine.complete(probe.prompt_token_ids, n=16, max_tokens=24, seed=0)
    assert [sample.token_ids for sample in again] == [sample.token_ids for sample in completed]
    scored = [sample for sample in completed if sample.reward.logprob is not None]
    assert scored

    tiny = TinyModel(folder, manifest.z_c, primary_eos=-1, secondary_eos=-1, vocab_size=-1)
    trainer = TrainerFactory(tiny, tmp_path)(c_ref=manifest.c_ref.mean, beta_v=manifest.beta_v)
    for sample in scored:
        ids = torch.tensor([[*probe.prompt_token_ids, *sample.token_ids]])
        trainer._get_per_token_logps_and_entropies(
            trainer.model, ids, torch.ones_like(ids), len(sample.token_ids), compute_entropy=True
        )
        by_trainer = float(trainer._logprobs_B.detach())
        by_hugging_face = reference(ids[0].tolist())
        assert by_trainer == pytest.approx(by_hugging_face, abs=1e-5)
        assert sample.reward.logprob == pytest.approx(by_hugging_face, abs=AGREEMENT)
    rollouts = trainer.rollout_func([trainer.train_dataset[0]["prompt"]], trainer)
    assert len(rollouts[LOGPROB_KEY]) == 1
