"""Who imports whom, as pyproject.toml has it ([tool.importlinter]), and how far one has to read."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import grimp

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "laserve": "service",
    "laserve_training": "training",
    "laserve_client": "clients/python",
}

LONGEST_CHAIN = 12
LONGEST_FILE = 400
MEDIAN_FILE = 100


def test_the_contracts_of_imports_are_kept() -> None:
    # In a process of its own: it turns off the loggers that are there.
    script = str(Path(sys.executable).with_name("lint-imports"))
    command = [script, "--no-cache", "--no-logo"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_chain_of_imports_is_long() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    chains: dict[str, list[str]] = {}
    # Raises CycleError for imports that go round in a circle.
    for module in TopologicalSorter(imports).static_order():
        below = max((chains[other] for other in imports[module]), key=len, default=[])
        chains[module] = [module, *below]
    longest = max(chains.values(), key=len)
    assert len(longest) <= LONGEST_CHAIN, "\n".join(longest)


def test_files_are_short() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for name, folder in PACKAGES.items()
        for path in (ROOT / folder / name).rglob("*.py")
    }
    assert {path: number for path, number in lines.items() if number > LONGEST_FILE} == {}
    assert median(lines.values()) <= MEDIAN_FILE
