"""The row alone: a folder of some kilobytes, to be laid over the model that it was fitted for."""

import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import safe_open
from safetensors.torch import save_file

from laserve.core.checkpoint_files import ROW_NAME, ROW_TENSOR, hash_files
from laserve.core.manifest import read_manifest, write_manifest

BASE_SUFFIXES = frozenset({".safetensors", ".json", ".jinja", ".model", ".tiktoken"})
"""Of the files that a model computes with."""


def write_row_folder(folder: Path, checkpoint: Path, base: Path, names: Collection[str]) -> None:
    """Write the row of z_c out of `checkpoint`, from the tensors `names`, with its manifest; what
    was in `folder` is replaced.

    `base` is the model that it is laid over, and is named by the hashes of its files.
    """
    manifest = read_manifest(checkpoint)
    assert manifest is not None
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        written = Path(scratch) / folder.name
        written.mkdir()
        for path in checkpoint.glob("*.safetensors"):
            with safe_open(path, framework="pt") as file:
                for name in set(file.keys()).intersection(names):
                    row_D = file.get_slice(name)[manifest.z_c]
                    save_file({ROW_TENSOR: row_D.contiguous()}, written / ROW_NAME)
        (written / ROW_NAME).chmod(0o644)
        hashes = hash_files(base)
        base_files = {n: h for n, h in hashes.items() if Path(n).suffix in BASE_SUFFIXES}
        alone = {"files": hash_files(written), "base_files": base_files}
        write_manifest(written, manifest.model_copy(update=alone))
        if folder.exists():
            shutil.rmtree(folder)
        written.rename(folder)
