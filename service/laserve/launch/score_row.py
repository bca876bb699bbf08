"""`--score-row DIR`: a row of the output layer with its manifest, for a model that stays as it is.

`laserve-train probe` writes such folders.
"""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download

from laserve.core.checkpoint_files import MANIFEST_NAME, ROW_NAME, hash_file, hash_files
from laserve.core.manifest import Manifest, read_manifest
from laserve.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A folder with the files of its manifest; its base is the model that is served."""

    folder: Path
    manifest: Manifest


def find_score_row(args: Namespace) -> ScoreRow | None:
    """That of `--score-row`; None without it.

    Raises ConfigurationError where it is none, or one for another model.
    """
    folder: Path | None = args.score_row
    if folder is None:
        return None
    if args.checkpoint_root or args.watch_checkpoints or args.checkpoint_public_key:
        raise ConfigurationError(
            "--score-row goes with none of --checkpoint-root, --watch-checkpoints and "
            "--checkpoint-public-key: serve whole checkpoints for these (`checkpoint` of the probe)"
        )
    if args.worker_extension_cls:
        raise ConfigurationError("--score-row needs LaServe's own --worker-extension-cls")
    manifest = read_manifest(folder) if folder.is_dir() else None
    if manifest is None or manifest.base_files is None:
        raise ConfigurationError(
            f"{folder} is no score row: it must hold {ROW_NAME} and a {MANIFEST_NAME} that names "
            "the files of its base, as laserve-train probe writes them"
        )
    if hash_files(folder) != manifest.files:
        raise ConfigurationError(f"{folder} does not hold the files that its {MANIFEST_NAME} names")
    _check_base(manifest, args.model, args.revision)
    return ScoreRow(folder.resolve(), manifest)


def _check_base(manifest: Manifest, model: str, revision: str | None) -> None:
    base = (
        Path(model) if Path(model).is_dir() else Path(snapshot_download(model, revision=revision))
    )
    for name, digest in (manifest.base_files or {}).items():
        path = base / name
        if not path.is_file() or hash_file(path) != digest:
            raise ConfigurationError(
                f"the score row was fitted for {manifest.base_model}, whose {name} is not that of "
                f"{model}: make one for this model with laserve-train probe"
            )
