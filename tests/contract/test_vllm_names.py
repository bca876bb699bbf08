"""What we use of vLLM is in each release that we support, as we know it."""

import ast
import importlib
import inspect
import json
import re
from functools import cached_property
from types import FunctionType
from typing import Any, cast

import pytest

from laserve.vllm_seam.names import FOLLOWED, OF_UVICORN, RELIED_UPON
from tests.routes import KNOWN
from tools.vllm_names import RECORDS, ROOT, Record, Release, imported_names, record_of

RELEASES = ("0.32.0", "0.33.0", "installed")
SERVICE = ROOT / "service" / "laserve"
FUNCTIONS = [
    (place, name, told)
    for place, names in RELIED_UPON.items()
    for name, told in names.items()
    if "def (" in told
]
KINDS: dict[str, type] = {
    "": FunctionType,
    "@staticmethod ": staticmethod,
    "@classmethod ": classmethod,
    "@property ": property,
    "@cached_property ": cached_property,
}


@pytest.fixture(scope="module", params=RELEASES)
def record(request: pytest.FixtureRequest) -> Record:
    if request.param == "installed":
        return record_of(Release.installed())
    return cast(Record, json.loads((RECORDS / f"{request.param}.json").read_text()))


def test_every_name_that_we_import_is_in_the_release(record: Record) -> None:
    used = {f"{module}:{name}" for module, name in imported_names()}
    assert used == record["imported"].keys(), "the record is old: run tools/vllm_names.py"
    missing = sorted(name for name, found in record["imported"].items() if not found)
    # The CPU worker is only given to vLLM on a CPU, where 0.32 is what there is.
    assert not [name for name in missing if ".cpu_" not in name]


def test_what_we_rely_upon_is_as_we_know_it_in_the_release(record: Record) -> None:
    assert record["relied_upon"] == RELIED_UPON


def test_the_functions_that_ours_follow_are_as_we_read_them_in_the_release(record: Record) -> None:
    assert record["followed"] == FOLLOWED


def test_every_route_of_the_release_is_known_to_score_to_generate_or_to_do_neither(
    record: Record,
) -> None:
    assert set(record["writing_routes"]) - KNOWN == set()


def test_every_name_that_we_import_is_in_the_installed_vllm() -> None:
    for module, name in imported_names():
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")


def test_what_we_rely_upon_of_uvicorn_is_as_we_know_it_in_the_installed_one() -> None:
    installed = Release.installed()  # beside vLLM
    assert {
        place: {name: installed.tells(place, name) for name in names}
        for place, names in OF_UVICORN.items()
    } == OF_UVICORN


@pytest.mark.parametrize(("place", "name", "told"), FUNCTIONS)
def test_a_function_that_we_rely_upon_can_be_called_so_in_the_installed_vllm(
    place: str, name: str, told: str
) -> None:
    match = re.fullmatch(r"(?:(\w+): )?(@\w+ )?(async )?def (\(.*\))", told)
    assert match is not None
    module, _, owner = place.partition(":")
    holder: Any = importlib.import_module(module)
    if owner:
        holder = getattr(holder, owner)
        assert defining_class(holder, name) == (match[1] or owner)
    found = inspect.getattr_static(holder, name)
    assert type(found) is KINDS[match[2] or ""]
    function: Any = (
        getattr(found, "__func__", None)
        or getattr(found, "fget", None)
        or getattr(found, "func", None)
        or found
    )
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    assert is_async == (match[3] is not None)
    assert list(inspect.signature(function).parameters) == parameters(match[4])


def test_every_private_name_of_vllm_that_we_use_is_listed() -> None:
    listed = {name for names in RELIED_UPON.values() for name in names if is_private(name)}
    found = set[str]()
    for path in SERVICE.rglob("*.py"):
        bound, used = set[str](), set[str]()
        for node in ast.walk(ast.parse(path.read_text())):
            bound |= bound_names(node)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                used.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg is not None:
                used.add(node.arg)
        # A private name that its file does not define is another's; what is listed may override.
        found |= {name for name in used if is_private(name)} - (bound - listed)
    assert found == listed


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def bound_names(node: ast.AST) -> set[str]:
    """Names that a node of our source defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return {node.attr}
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    return {node.arg} if isinstance(node, ast.arg) else set()


def defining_class(holder: type, name: str) -> str:
    return next(one.__name__ for one in holder.__mro__ if name in vars(one))


def parameters(told: str) -> list[str]:
    """The names in `(self, *, key=None)`."""
    [function] = ast.parse(f"def told{told}: ...").body
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    in_order = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [argument.arg for argument in in_order if argument is not None]
