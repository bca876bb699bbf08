"""A worker extension that goes wrong where the checkpoint asks for it."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from laserve.worker.reload import ReloadExtension
from tests.tiny_checkpoints.change import rehash

CUE_NAME = "CUE.md"
PLAIN = "plain"
"""Reload as vLLM does, without what `ReloadExtension` adds."""
DIE = "die"
"""Die in the middle of it."""
FAIL = "fail"
"""Raise an error when half of it is done."""
_WAIT = "wait for "
POLL_S = 0.02


def waiting_for(path: Path) -> str:
    """The cue to begin when a file exists; `begun` tells that it is waited for."""
    return f"{_WAIT}{path}"


def begun(path: Path) -> Path:
    """The file that is there when a worker waits for `path`."""
    return path.with_name(f"{path.name}.begun")


def give_cue(folder: Path, cue: str) -> Path:
    """Make a checkpoint ask for something; returns its folder."""
    (folder / CUE_NAME).write_text(cue)
    rehash(folder)
    return folder


class CuedReloadExtension(ReloadExtension):
    """LaServe's own, but for checkpoints with a cue."""

    def reload_checkpoint(self: Any, weights_path: str) -> None:
        path = Path(weights_path, CUE_NAME)
        cue = path.read_text() if path.exists() else ""
        if cue == PLAIN:
            self.reload_weights(weights_path=weights_path)
            return
        if cue == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        if cue.startswith(_WAIT):
            signal_file = Path(cue.removeprefix(_WAIT))
            begun(signal_file).touch()
            while not signal_file.exists():
                time.sleep(POLL_S)
        super().reload_checkpoint(weights_path)  # type: ignore[misc] # a worker, once mixed in
        if cue == FAIL:
            raise RuntimeError("it was asked to fail")
