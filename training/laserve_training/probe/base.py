"""The model that a probe is made for: its files, its output layer, the token that carries the
score."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from transformers import AddedToken, PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.checkpoint_files import DESCRIPTION
from laserve.errors import ConfigurationError
from laserve.reference.encode import find_eos_tokens
from laserve.reference.hub import cannot_be_loaded, is_local_only
from laserve.reference.load import load_model
from laserve_training.models import training_tokenizer
from laserve_training.probe.links import link_or_copy
from laserve_training.probe.output_layer import OutputLayer
from laserve_training.probe.score_token import ScoreToken, choose_token


@dataclass(frozen=True, slots=True)
class Base:
    """A model whose tokenizer has a token for the score, and whose output layer a row for it."""

    folder: Path
    model: PreTrainedModel
    """In float32."""
    tokenizer: PreTrainedTokenizerBase
    layer: OutputLayer
    token: ScoreToken
    eos_token_ids: frozenset[int]
    stored_dtype: torch.dtype
    """Of the output layer in the files."""
    untouched: Path | None
    """The model's own folder, where a row alone can be laid over it; None where it has no such row.
    """


def prepare_base(model: str, named: str | None, start: Path) -> Base:
    """The base for `model`, a folder or hub id, with the token that is `named` or one that is free.

    Where the tokenizer must get a token, the folder `start` is made: the same files, with another
    tokenizer, and with weights of one row more where there is none for it. Raises
    ConfigurationError where the model's output layer is of no use for it.
    """
    own = folder = _folder_of(model)
    loaded, tokenizer = load_model(str(folder), "float32"), training_tokenizer(str(folder))
    layer = OutputLayer.of(loaded)
    eos = find_eos_tokens(loaded, tokenizer).every
    rows = len(layer.weight_VD)
    token = choose_token(tokenizer, rows, eos, named)
    if token.is_added:
        if not start.exists():
            _write_start(start, folder, tokenizer, token, resize=token.is_beyond(rows))
        folder = start
        loaded, tokenizer = load_model(str(start), "float32"), training_tokenizer(str(start))
        layer = OutputLayer.of(loaded)
    elif token.is_beyond(rows):
        raise ConfigurationError(
            f"z_c={token.token_id} ({token.text!r}) has no row in the output layer, which has "
            f"{rows}: name another token"
        )
    return Base(
        folder,
        loaded,
        tokenizer,
        layer,
        token,
        eos,
        layer.stored_dtype(folder),
        untouched=None if token.is_beyond(rows) else own,
    )


def _folder_of(model: str) -> Path:
    if Path(model).is_dir():
        return Path(model)
    try:
        return Path(snapshot_download(model, local_files_only=is_local_only(model)))
    except (LocalEntryNotFoundError, HfHubHTTPError, ValueError) as error:
        raise cannot_be_loaded(model, error) from error


def _write_start(
    start: Path,
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    token: ScoreToken,
    *,
    resize: bool,
) -> None:
    """Complete, or not at all."""
    tokenizer.add_tokens([AddedToken(token.text, special=True, normalized=False)])
    if tokenizer.convert_tokens_to_ids(token.text) != token.token_id:
        raise ConfigurationError(
            f"the tokenizer of {folder} numbers its tokens with gaps, so that none can be added "
            "for the score: name a special token without a use, --z-c TOKEN"
        )
    start.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=start.parent, prefix=f".{start.name}-") as scratch:
        written = Path(scratch) / start.name
        tokenizer.save_pretrained(written)
        if resize:
            model = load_model(str(folder), "auto")
            model.resize_token_embeddings(token.token_id + 1, mean_resizing=False)
            model.save_pretrained(written)
        for file in written.iterdir():
            file.chmod(0o644)  # safetensors makes files that only their owner can read
        for path in sorted(folder.iterdir()):
            is_weights = path.suffix == ".safetensors" or ".index" in path.suffixes
            is_left_out = path.name.startswith(".") or path.name in DESCRIPTION or path.is_dir()
            if not (is_left_out or (resize and is_weights) or (written / path.name).exists()):
                link_or_copy(path, written / path.name)
        written.rename(start)
