"""A short name for the weights of a checkpoint: versions of one training run share theirs."""

from collections.abc import Mapping
from hashlib import sha256

LENGTH = 12
"""Hexadecimal digits: no two checkpoints of one server have the same by chance."""


def weights_hash(files: Mapping[str, str]) -> str | None:
    """Of the sha256 of each file by its name, as a manifest states them; None where it states none
    of weights.

    The same as `sha256sum *.safetensors | sha256sum | cut -c -12` in the folder, with LC_ALL=C.
    """
    lines = [
        f"{digest}  {name}\n"
        for name, digest in sorted(files.items())
        if name.endswith(".safetensors")
    ]
    return sha256("".join(lines).encode()).hexdigest()[:LENGTH] if lines else None
