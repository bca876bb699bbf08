"""What must happen before transformers or vLLM are imported, in this process and in its children.

torchvision, torchaudio and torchcodec are each built for one build of torch. Beside another one
they are found but raise on import: PyPI's torchvision beside torch 2.13.0+cpu says `operator
torchvision::nms does not exist`. transformers imports torchvision wherever it finds it, vLLM takes
only an ImportError for 'not there', so one such package stops both, for a model that reads text
alone. Where they are absent, both work.

Hence a companion that does not import is hidden: `sys.modules[name] = None`, Python's own way to
say that a name cannot be imported, which `importlib.util.find_spec` honours too. vLLM starts more
processes (`multiprocessing` spawn, and plain `python -m` to inspect a model class). The environment
reaches all of them: `PYTHONPATH` gets this folder, whose `sitecustomize` hides the same names.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
"""Packages that are built for one build of torch and that text models do without."""

HIDDEN_VARIABLE = "LASERVE_HIDDEN_MODULES"
"""Environment variable with the hidden names, joined by commas; read by `sitecustomize`."""


def hide_broken_companions() -> dict[str, str]:
    """Hide each companion that is installed but cannot be imported: name -> the reason.

    To be called before transformers or vLLM are imported. Costs nothing where none is installed,
    else one probing process for each, all at once.
    """
    broken = _probe([name for name in COMPANIONS if importlib.util.find_spec(name) is not None])
    if broken:
        sys.modules.update(dict.fromkeys(broken))  # type: ignore[arg-type]  # None: see above
        os.environ[HIDDEN_VARIABLE] = ",".join(broken)
        paths = (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return broken


def _probe(names: list[str]) -> dict[str, str]:
    """The names whose import fails, each with the last line of what Python said.

    Each is tried in a process of its own: a failed import leaves torch with half-registered
    operators, and an extension built for another torch may end the process.
    """
    probes = {
        name: subprocess.Popen(
            [sys.executable, "-P", "-c", f"import {name}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    }
    broken = {}
    for name, probe in probes.items():
        _, errors = probe.communicate()
        if probe.returncode != 0:
            lines = errors.strip().splitlines() or [f"exit status {probe.returncode}"]
            broken[name] = lines[-1]
    return broken
