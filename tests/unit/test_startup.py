"""A companion of torch that does not import is hidden in every process; one that does is kept."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from laserve import startup

BROKEN = {
    "torchvision": "raise RuntimeError('operator torchvision::nms does not exist')",
    "torchaudio": "raise OSError('Could not load this library')",
    "torchcodec": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
}

# Run as a file, so that a spawned process runs it again, under another name.
PROGRAM = """
import importlib.util, json, multiprocessing, os, subprocess, sys
from laserve.startup import COMPANIONS, hide_broken_companions

PLAIN = (
    "import importlib.util, json, sys;"
    "print(json.dumps([importlib.util.find_spec(name) is not None for name in sys.argv[1:]]))"
)

def found():
    return [importlib.util.find_spec(name) is not None for name in COMPANIONS]

if __name__ == "__main__":
    broken = hide_broken_companions()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spawned = pool.apply(found)
    plain = json.loads(subprocess.check_output([sys.executable, "-c", PLAIN, *COMPANIONS]))
    again = hide_broken_companions()
    print(json.dumps(dict(broken=broken, here=found(), spawned=spawned, plain=plain, again=again)))
"""


def environment(*paths: Path, **variables: str) -> dict[str, str]:
    """This process's, with `paths` first on Python's path and nothing hidden."""
    path = [*map(str, paths), *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {k: v for k, v in os.environ.items() if k != startup.HIDDEN_VARIABLE}
    return {**inherited, "PYTHONPATH": os.pathsep.join(path), **variables}


def run(folder: Path, companions: dict[str, str]) -> Any:
    """What PROGRAM tells where the companions of torch are these: name -> their code."""
    for name, code in companions.items():
        (folder / "installed" / name).mkdir(parents=True)
        (folder / "installed" / name / "__init__.py").write_text(code)
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return json.loads(
        subprocess.check_output([sys.executable, program], env=environment(folder / "installed"))
    )


def test_broken_companions_are_hidden_here_and_in_every_child(tmp_path: Path) -> None:
    told = run(tmp_path, BROKEN)
    assert told["broken"] == {
        "torchvision": "RuntimeError: operator torchvision::nms does not exist",
        "torchaudio": "OSError: Could not load this library",
        "torchcodec": "exit status -11",
    }
    for process in ("here", "spawned", "plain"):
        assert told[process] == [False, False, False], process


def test_hiding_twice_finds_nothing_more_to_hide(tmp_path: Path) -> None:
    assert run(tmp_path, BROKEN)["again"] == {}


def test_companions_that_import_are_left_alone(tmp_path: Path) -> None:
    told = run(tmp_path, dict.fromkeys(BROKEN, ""))
    assert told["broken"] == {}
    for process in ("here", "spawned", "plain"):
        assert told[process] == [True, True, True], process


def test_another_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.other_ran = True")
    told = subprocess.check_output(
        [sys.executable, "-c", "import sys; print(sys.modules['torchvision'], sys.other_ran)"],
        env=environment(
            Path(startup.__file__).parent, tmp_path, **{startup.HIDDEN_VARIABLE: "torchvision"}
        ),
        text=True,
    )
    assert told == "None True\n"
