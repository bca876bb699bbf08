"""Checkpoints of the tiny model with a manifest."""

from dataclasses import replace
from pathlib import Path

from laserve.core.describe import describe_checkpoint
from laserve.core.manifest import ReferenceConstant, write_manifest
from laserve.reference.load import load_model, load_tokenizer
from laserve.reference.measure import measure_reference
from laserve.reference.rows import Row
from tests.tiny_model import TinyModel, build_tiny_model

C_REF = ReferenceConstant(mean=-14.2, std=1.4, count=100)
BETA_V = 0.1
PROBES = {
    "short": Row(prompt="What is 1 + 7?", completion="It is 8."),
    "longer": Row(prompt="Name a colour, please.", completion="Blue, like the sky at noon."),
    "one token": Row(prompt="Say one letter.", completion="A"),
}


def build_checkpoint(folder: Path, *, seed: int = 0, name: str = "tiny-v1") -> TinyModel:
    """Save a tiny model with a manifest: hashes, and golden probes by Hugging Face."""
    tiny = build_tiny_model(folder, seed=seed)
    describe(folder, tiny, name)
    return tiny


def describe(folder: Path, tiny: TinyModel, name: str) -> None:
    """Write the manifest of a checkpoint that is complete but for it."""
    tokenizer = load_tokenizer(str(folder))
    measured = measure_reference(load_model(str(folder), "auto"), tokenizer, PROBES, z_c=tiny.z_c)
    write_manifest(
        folder,
        describe_checkpoint(
            folder,
            tokenizer,
            replace(measured.parameters(name, BETA_V), c_ref=C_REF.mean),
            c_ref=C_REF,
            base_model="tiny",
            completions=measured.completions,
        ),
    )
