"""The short name of weights is what two commands of a shell say."""

import subprocess
from hashlib import sha256
from pathlib import Path

from laserve.core.weights_hash import weights_hash


def test_it_is_what_sha256sum_says_twice(tmp_path: Path) -> None:
    for name in ("b.safetensors", "a-1.safetensors", "a.safetensors", "config.json"):
        (tmp_path / name).write_text(name)
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    command = "sha256sum *.safetensors | sha256sum | cut -c -12"
    told = subprocess.run(
        command, shell=True, cwd=tmp_path, env={"LC_ALL": "C"}, capture_output=True, text=True
    )
    assert weights_hash(files) == told.stdout.strip()
    assert weights_hash(files | {"config.json": "0" * 64}) == told.stdout.strip()
    assert weights_hash(files | {"a.safetensors": "0" * 64}) != told.stdout.strip()
    assert weights_hash({"config.json": "0" * 64}) is None
