"""Replacing a running engine's weights: afterwards it answers like the new checkpoint."""

import json
import math
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.errors import CheckpointRejected, ConfigurationError
from laserve.hot_load.layout import Layout
from laserve.launch.serve import CPU_WORKER
from laserve.worker.reload import ReloadExtension, check_reloadable
from tests.integration.conftest import MAX_MODEL_LEN, plain_engine
from tests.integration.generating import generate
from tests.tiny_model import TinyModel, build_tiny_model

EXTENSION = f"{ReloadExtension.__module__}.{ReloadExtension.__qualname__}"
TOLERANCE = 1e-3  # nats
CHUNK = 64
PROMPTS = ([10, 20, 30, 40, 50], [token % 251 for token in range(3 * CHUNK + 5)])

Tensors = dict[str, torch.Tensor]
ROWS = {
    "qkv_proj": "model.layers.1.self_attn.k_proj.weight",
    "gate_up_proj": "model.layers.0.mlp.up_proj.weight",
    "down_proj": "model.layers.1.mlp.down_proj.weight",
    "embed_tokens": "model.embed_tokens.weight",
}
"""The layer that a tensor is in once it is loaded."""


@dataclass
class Reloading:
    """An engine that can be given one of two checkpoints, and Hugging Face's view of them."""

    engine: AsyncLLM
    old: Path
    new: Path
    models: dict[Path, PreTrainedModel]

    async def load(self, path: Path, method: str = "reload_checkpoint") -> None:
        await self.engine.pause_generation(mode="wait", clear_cache=True)
        try:
            await self.engine.collective_rpc(method, kwargs={"weights_path": str(path)})
        finally:
            await self.engine.resume_generation()

    async def error(self, path: Path) -> float:
        """Largest difference from Hugging Face's log-probabilities of the checkpoint, nats."""
        return float(torch.stack([await self._error(path, prompt) for prompt in PROMPTS]).max())

    async def _error(self, path: Path, prompt: list[int]) -> torch.Tensor:
        params: dict[str, Any] = {"temperature": 0.0, "max_tokens": 20, "ignore_eos": True}
        sample = (await generate(self.engine, prompt, logprobs=5, **params)).samples[0]
        with torch.no_grad():
            logits = self.models[path](torch.tensor([prompt + sample.token_ids])).logits[0]
        expected = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 : -1]
        assert sample.logprobs is not None
        differences = [
            row[token] - logprob
            for row, found in zip(expected, sample.logprobs, strict=True)
            for token, logprob in found.items()
        ]
        return torch.stack(differences).abs().max()


def tie(path: Path) -> None:
    """Make the output layer the embeddings too, as small checkpoints do."""
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))

    def change(tensors: Tensors) -> None:
        tensors["model.embed_tokens.weight"] = tensors.pop("lm_head.weight")

    change_tensors(path, change)


def change_tensors(path: Path, change: Callable[[Tensors], None]) -> None:
    """Rewrite a checkpoint's file of weights."""
    tensors = load_file(path / "model.safetensors")
    change(tensors)
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})


def changed_copy(path: Path, to: Path, change: Callable[[Tensors], None]) -> Path:
    """A copy of a checkpoint with other weights."""
    shutil.copytree(path, to)
    change_tensors(to, change)
    return to


@pytest.fixture(scope="module", params=["tied", "untied"])
async def reloading(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Reloading]:
    """Started on the old checkpoint, with chunked prefill."""
    old, new = (tmp_path_factory.mktemp("checkpoint") for _ in range(2))
    for seed, path in enumerate((old, new)):
        # A vocabulary that vLLM pads: such layers are filled by another way.
        build_tiny_model(path, seed=seed, vocab_size=350)
        if request.param == "tied":
            tie(path)
    models = {path: AutoModelForCausalLM.from_pretrained(path).eval() for path in (old, new)}
    async with plain_engine(
        old,
        worker_cls=CPU_WORKER,
        worker_extension_cls=EXTENSION,
        max_num_batched_tokens=CHUNK,
        max_num_seqs=8,
    ) as engine:
        yield Reloading(engine, old, new, models)


async def test_engine_answers_like_the_checkpoint_that_was_reloaded(reloading: Reloading) -> None:
    assert await reloading.error(reloading.old) < TOLERANCE
    for path in (reloading.new, reloading.old, reloading.new):
        await reloading.load(path)
        assert await reloading.error(path) < TOLERANCE


@pytest.mark.parametrize("reloading", ["tied"], indirect=True)
async def test_vllm_alone_keeps_the_old_tied_output_layer(reloading: Reloading) -> None:
    """The reason for our reload. Should this fail, vLLM has mended it, and ours can shrink."""
    await reloading.load(reloading.old)
    await reloading.load(reloading.new, method="reload_weights")
    assert await reloading.error(reloading.new) > 1.0


async def test_every_parameter_is_held_against_the_files(
    reloading: Reloading, tmp_path: Path
) -> None:
    await reloading.load(reloading.old)
    layout, weights = await Layout.learn(reloading.engine, reloading.old)
    assert weights.uncovered == 0
    # Embeddings, norms and biases as they are; what the CPU backend packs by its products.
    assert weights.equal > 0
    assert weights.computed > 0
    assert await layout.compare(reloading.engine, reloading.old) == weights
    with pytest.raises(CheckpointRejected, match="weights in the engine are not those of the f"):
        await layout.compare(reloading.engine, reloading.new)
    for name, tensor in ROWS.items():

        def swap(tensors: Tensors, tensor: str = tensor) -> None:
            tensors[tensor][[1, 2]] = tensors[tensor][[2, 1]]

        other = changed_copy(reloading.old, tmp_path / name, swap)
        with pytest.raises(CheckpointRejected, match=f"not those of the files: '.*{name}.weight'"):
            await layout.compare(reloading.engine, other)


@pytest.mark.parametrize("reloading", ["tied"], indirect=True)
async def test_an_output_layer_that_vllm_left_as_it_was_is_not_the_files(
    reloading: Reloading,
) -> None:
    await reloading.load(reloading.old)
    layout, _ = await Layout.learn(reloading.engine, reloading.old)
    await reloading.load(reloading.new, method="reload_weights")
    with pytest.raises(CheckpointRejected, match="those of the files: 'lm_head.weight'"):
        await layout.compare(reloading.engine, reloading.new)
    await reloading.load(reloading.new)
    await layout.compare(reloading.engine, reloading.new)


@pytest.mark.parametrize("kind", ["missing folder", "wrong shape"])
async def test_former_checkpoint_can_be_reloaded_after_a_failed_reload(
    reloading: Reloading, kind: str, tmp_path: Path
) -> None:
    def shorten(tensors: Tensors) -> None:
        name = "model.layers.1.self_attn.v_proj.weight"
        tensors[name] = tensors[name][:-8].contiguous()

    broken = tmp_path / "broken"
    if kind == "wrong shape":
        changed_copy(reloading.new, broken, shorten)
    await reloading.load(reloading.old)
    for _ in range(2):
        with pytest.raises(Exception, match="collective_rpc method failed"):
            await reloading.load(broken)
    await reloading.load(reloading.old)
    assert await reloading.error(reloading.old) < TOLERANCE


async def test_weights_that_are_not_finite_leave_nothing_behind(
    reloading: Reloading, tmp_path: Path
) -> None:
    def spoil(tensors: Tensors) -> None:
        tensors["model.layers.0.self_attn.v_proj.weight"].fill_(torch.nan)

    await reloading.load(changed_copy(reloading.new, tmp_path / "spoilt", spoil))
    assert math.isnan(await reloading.error(reloading.new))
    await reloading.load(reloading.old)
    assert await reloading.error(reloading.old) < TOLERANCE


def test_quantised_weights_are_refused_on_a_cpu(tiny: TinyModel, tmp_path: Path) -> None:
    def engine_config(path: Path) -> Any:
        return AsyncEngineArgs(model=str(path), max_model_len=MAX_MODEL_LEN).create_engine_config()

    check_reloadable(engine_config(tiny.path))
    path = Path(shutil.copytree(tiny.path, tmp_path / "quantised"))
    config = json.loads((path / "config.json").read_text())
    quantization = {"quant_method": "compressed-tensors", "config_groups": {}}
    (path / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    with pytest.raises(ConfigurationError, match="second engine"):
        check_reloadable(engine_config(path))
