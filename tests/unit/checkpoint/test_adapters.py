"""A LoRA adapter is taken where it fits on the served weights and vLLM computes it right."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint
from laserve.checkpoint.verify import verify
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import Manifest, read_manifest, write_manifest
from laserve.errors import CheckpointRejected
from tests.tiny_checkpoints.change import edit_json, rehash, update
from tests.tiny_lora import build_tiny_lora

Stager = Callable[[Path], StagedCheckpoint]
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
Q_PROJ = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.fixture
def adapter(good: Path, tmp_path: Path) -> Path:
    """An adapter of rank 4 with a manifest."""
    folder = tmp_path / "adapter"
    build_tiny_lora(good, folder)
    manifest = read_manifest(good)
    assert manifest is not None
    write_manifest(folder, Manifest(**(dict(manifest) | {"checkpoint": "tiny-lora", "files": {}})))
    rehash(folder)
    return folder


def test_an_adapter_that_fits_is_verified(
    adapter: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    staged = stage(adapter)
    assert staged.is_adapter
    assert staged.name == "tiny-lora"
    verify(staged, served)


def _setting(**values: object) -> Callable[[Path], object]:
    return lambda folder: update(folder / CONFIG, **values)


def _tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS)

    return apply


def _rename(old: str, new: str) -> Callable[[Path], object]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if old in name]:
            tensors[name.replace(old, new)] = tensors.pop(name)

    return _tensors(change)


def _set_tensor(name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Any:
    return _tensors(lambda tensors: tensors.update({name: torch.zeros(shape, dtype=dtype)}))


@pytest.mark.parametrize(
    "spoil",
    [
        _setting(use_rslora=True),
        _setting(lora_dropout=0.1, inference_mode=True, layers_to_transform=None, auto_mapping={}),
        _setting(init_lora_weights="gaussian"),
        _setting(target_modules="all-linear"),
        _setting(modules_to_save=None, alora_invocation_tokens=None, rank_pattern={}),
        _setting(r=2, rank_pattern={"q_proj": 4}, alpha_pattern={"q_proj": 8}),
        lambda folder: (folder / "README.md").write_text("# Adapter\n"),
    ],
)
def test_settings_that_vllm_knows_are_verified(
    spoil: Callable[[Path], object], adapter: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    spoil(adapter)
    rehash(adapter)
    verify(stage(adapter), served)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_setting(peft_type="IA3"), "peft_type is 'IA3': only LORA"),
        (_setting(r=16), r"r is 16: .* 1 to 8 \(--max-lora-rank"),
        (_setting(r=0), "r is 0: .* 1 to 8"),
        (_setting(r=[4]), r"r is \[4\]: .* 1 to 8"),
        (_setting(r=True), "r is True: .* 1 to 8"),
        (_setting(rank_pattern={"q_proj": 9}), "rank_pattern must be 1 to 8"),
        (_setting(rank_pattern={"(a+)+$": 4}), "rank_pattern is .*names of modules"),
        (_setting(r=2), r"of rank 4 and 4, its configuration says \[2\]"),
        (_setting(lora_alpha=None), "lora_alpha is None"),
        (_setting(lora_alpha=float("nan")), "lora_alpha is 'NaN'"),
        (_setting(use_dora=True), "use_dora is True"),
        (_setting(lora_bias=True), "lora_bias is True"),
        (_setting(bias="all"), "bias is 'all'"),
        (_setting(init_lora_weights="pissa"), "init_lora_weights is 'pissa'"),
        (_setting(init_lora_weights=["x"]), "init_lora_weights is"),
        (_setting(modules_to_save=["embed_tokens", "lm_head"]), "modules_to_save is"),
        (_setting(target_parameters=["experts.down_proj"]), "target_parameters is"),
        (_setting(target_modules=["q_proj", "w_pack"]), "target_modules .* not have: 'w_pack'"),
        (_setting(target_modules=None), "target_modules is None"),
        (
            lambda folder: (folder / CONFIG).write_text("{"),
            "'adapter_config.json' is no valid JSON",
        ),
        (lambda folder: (folder / WEIGHTS).unlink(), "adapter_model.safetensors.*is missing"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "'adapter_model.safetensors' has 0"),
        (
            lambda folder: save_file({"x": torch.ones(1)}, folder / "new_embeddings.safetensors"),
            "there are 'new_embeddings.safetensors'",
        ),
        (_tensors(lambda tensors: tensors.clear()), "holds no tensor"),
        (
            _tensors(lambda tensors: tensors.pop(f"{Q_PROJ}.lora_A.weight")),
            "q_proj' has lora_B and not the other matrix",
        ),
        (_rename("q_proj", "w_pack"), "no linear module 'model.layers.0.self_attn.w_pack'"),
        (_rename("layers.1", "layers.7"), "no linear module 'model.layers.7.self_attn.q_proj'"),
        (_rename("base_model.model.model", "model"), "is no lora_A or lora_B"),
        (_set_tensor("base_model.model.lm_head.weight", 384, 64), "is no lora_A or lora_B"),
        (
            _set_tensor("base_model.model.model.embed_tokens.lora_embedding_A", 4, 384),
            "is no lora_A or lora_B",
        ),
        (_set_tensor(f"{Q_PROJ}.lora_A.weight", 4, 32), r"adapter for \[64, 32\], .* \[64, 64\]"),
        (_set_tensor(f"{Q_PROJ}.lora_B.weight", 64, 2), "of rank 4 and 2"),
        (_set_tensor(f"{Q_PROJ}.lora_B.weight", 64), "and no matrix"),
        (
            _set_tensor(f"{Q_PROJ}.lora_A.weight", 4, 64, dtype=torch.int64),
            r"is I64 \[4, 64\], and no matrix",
        ),
        (
            lambda folder: edit_json(
                folder / MANIFEST_NAME, lambda manifest: manifest.update(golden_probes=[])
            ),
            "golden_probes is empty",
        ),
        (
            lambda folder: update(folder / MANIFEST_NAME, chat_template_sha256="0" * 64),
            "chat_template_sha256",
        ),
        (
            lambda folder: update(folder / MANIFEST_NAME, z_c=258, z_c_token="<|im_start|>"),
            "z_c is 258",
        ),
        (lambda folder: update(folder / MANIFEST_NAME, eos_token_ids=[256]), "eos_token_ids is"),
    ],
)
def test_an_adapter_that_does_not_fit_is_rejected_with_the_reason(
    spoil: Callable[[Path], object],
    reason: str,
    adapter: Path,
    served: ServedCheckpoint,
    stage: Stager,
) -> None:
    spoil(adapter)
    rehash(adapter)
    with pytest.raises(CheckpointRejected, match=re.compile(reason, re.DOTALL)):
        verify(stage(adapter), served)


def test_a_server_without_lora_takes_no_adapter(
    adapter: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    with pytest.raises(CheckpointRejected, match="started without --enable-lora"):
        verify(stage(adapter), replace(served, max_lora_rank=None))


def test_an_adapter_is_hashed_like_any_checkpoint(adapter: Path, stage: Stager) -> None:
    content = bytearray((adapter / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (adapter / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointRejected, match="'adapter_model.safetensors' has not the sha256"):
        stage(adapter)
