"""Demonstrations that share a sequence are trained as if each had its own."""

from pathlib import Path

import pytest
import torch
from trl import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training.commands.sft import packed
from tests.tiny_model import build_tiny_model

ROWS = [
    {"input_ids": ids, "labels": [-100, *ids[1:]]}
    for ids in ([70, 71, 72, 256], [80, 81, 256], [90, 91, 92, 93, 94, 256])
]


def arguments(folder: Path, width: int, strategy: str = "bfd") -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        packing=True,
        max_length=width,
        packing_strategy=strategy,
    )


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_none_attends_to_another(tmp_path: Path, attention: str) -> None:
    data = packed(ROWS, arguments(tmp_path, 8))
    assert data["seq_lengths"] == [[6], [4, 3]]
    batch = DataCollatorForLanguageModeling(pad_token_id=257, padding_free=True)(list(data))
    model = load_model(str(build_tiny_model(tmp_path / "tiny").path), "float32", attention).eval()
    labels = batch.pop("labels")
    assert labels.tolist() == [ROWS[2]["labels"] + ROWS[0]["labels"] + ROWS[1]["labels"]]
    with torch.no_grad():
        together = model(**batch, use_cache=False).logits[0]
        apart = [model(torch.tensor([ROWS[row]["input_ids"]])).logits[0] for row in (2, 0, 1)]
    assert torch.allclose(together, torch.cat(apart), atol=1e-4)


def test_what_would_be_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="max_length=5 would cut .* of 6 tokens"):
        packed(ROWS, arguments(tmp_path, 5))
    with pytest.raises(ConfigurationError, match="'wrapped' cuts"):
        packed(ROWS, arguments(tmp_path, 8, "wrapped"))
