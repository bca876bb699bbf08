"""A pretrained model through the same commands: a step, whole and LoRA, then the engine."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from laserve.core.manifest import read_manifest
from laserve.offline import open_engine
from tests import fork_server
from tests.budget import Kind, spend
from tools.smollm2 import convert

CONFIGS = Path(__file__).parents[3] / "training" / "configs"
ONE_STEP = (
    "score.c_ref=-17.0",
    "laser.problems=2",
    "laser.max_completion_length=64",
    "laser.trainer.max_steps=1",
    "laser.trainer.per_device_train_batch_size=4",
    "laser.trainer.gradient_accumulation_steps=1",
    "laser.trainer.num_generations=2",
    "laser.trainer.logging_steps=1",
    "laser.trainer.warmup_steps=0",
    "laser.trainer.learning_rate=1e-4",
    "laser.trainer.save_strategy=no",
    "model.dtype=float32",
)


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smollm2") / "smollm2-135m-instruct"
    convert(folder)
    return folder


def train(model: Path, output: Path, config: Path) -> None:
    overrides = [f"model.path={model}", f"output={output}", *ONE_STEP]
    log = output.parent / "laser.log"
    arguments = ["laser", "--config", str(config), *overrides]
    spend(Kind.TRAINING)
    status = fork_server.start("laserve_training", *arguments, output=log).wait()
    assert status == 0, log.read_text()[-3000:]


@pytest.mark.parametrize("config", ["smollm2-135m.toml", "smollm2-135m-lora.toml"])
async def test_a_pretrained_model_trains_and_is_served(
    smollm2: Path, tmp_path: Path, config: str
) -> None:
    train(smollm2, tmp_path / "run", CONFIGS / config)

    folder = tmp_path / "run" / "checkpoint"
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.golden_probes
    before, after = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        for path in (smollm2, folder)
    )
    changed = [
        name
        for name, tensor in before.state_dict().items()
        if not torch.equal(tensor, after.state_dict()[name])
    ]
    assert changed

    probe = manifest.golden_probes[0]
    flags = ("--dtype", "float32", "--enforce-eager", "--max-model-len", "256")
    async with open_engine([str(folder), *flags]) as engine:
        completed = await engine.complete(probe.prompt_token_ids, n=4, max_tokens=160, seed=0)
    scored = [sample for sample in completed if sample.reward.logprob is not None]
    assert scored
    for sample in scored:
        ids = torch.tensor([[*probe.prompt_token_ids, *sample.token_ids]])
        with torch.no_grad():
            logits = after(ids).logits[0, -1]
        expected = float(logits.double().log_softmax(-1)[manifest.z_c])
        assert sample.reward.logprob == pytest.approx(expected, abs=1e-3)
