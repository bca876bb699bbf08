"""What the package offers: the same in both clients, typed, and nothing else."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from pydantic import BaseModel

import laserve_client
from laserve.api.middleware.auth import ADMIN_KEY_HEADER as SERVED_HEADER
from laserve.api.served.checkpoints import CheckpointsResponse
from laserve.core.types import SelfReward as ServedSelfReward
from laserve.hot_load.checkpoints import ActiveCheckpoint as ServedActiveCheckpoint
from laserve.hot_load.jobs import ENDED, Job, Strategy
from laserve.hot_load.jobs import State as ServedState
from laserve.selection.outcome import SelectionOutcome
from laserve_client import (
    ActiveCheckpoint,
    AsyncLaServe,
    CheckpointJob,
    CheckpointList,
    LaServe,
    Selection,
    SelfReward,
)
from laserve_client._transport import ADMIN_KEY_HEADER
from laserve_client._types import LoadStrategy

CLIENT = Path(__file__).parents[3] / "clients" / "python"
PACKAGE = CLIENT / "laserve_client"
PROJECT = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]


def public_methods(kind: type) -> dict[str, inspect.Signature]:
    members = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(f) for name, f in members if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    sync, asynchronous = public_methods(LaServe), public_methods(AsyncLaServe)
    assert sync.keys() == asynchronous.keys()
    for name, signature in sync.items():
        other = asynchronous[name]
        assert [str(parameter).replace("Async", "") for parameter in other.parameters.values()] == [
            str(parameter) for parameter in signature.parameters.values()
        ], name
        method = getattr(AsyncLaServe, name)
        if name == "stream":
            assert inspect.isasyncgenfunction(method)
            assert get_args(other.return_annotation)[0] == get_args(signature.return_annotation)[0]
        else:
            assert inspect.iscoroutinefunction(method), name
            assert other.return_annotation == signature.return_annotation, name


def test_both_clients_are_made_with_the_same_parameters() -> None:
    parameters = inspect.signature(LaServe).parameters
    others = inspect.signature(AsyncLaServe).parameters
    assert list(parameters) == list(others)
    for name in parameters:
        assert parameters[name].default == others[name].default
        assert parameters[name].kind == others[name].kind


def test_all_is_what_the_package_exports() -> None:
    names = {
        name
        for name, value in vars(laserve_client).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert sorted(names) == sorted(laserve_client.__all__)


def test_every_module_but_the_command_line_is_private() -> None:
    public = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")}
    assert public == {"cli"}


def imported() -> set[str]:
    found: set[str] = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"laserve_client"}


def test_it_depends_on_httpx_and_pydantic_only() -> None:
    declared = {re.split(r"[<>=]", line)[0] for line in PROJECT["dependencies"]}
    assert declared == {"httpx", "pydantic"}
    assert imported() == declared | set(PROJECT["optional-dependencies"]["cli"])


def test_the_bar_alone_needs_rich() -> None:
    command = (
        "import sys; sys.modules['rich'] = None\n"
        "import laserve_client.cli, laserve_client._rerank_file"
    )
    subprocess.run([sys.executable, "-c", command], check=True)


# The client shares no code with the server. What both define has to agree.


@pytest.mark.parametrize(
    ("ours", "served"),
    [
        (SelfReward, ServedSelfReward),
        (Selection, SelectionOutcome),
        (CheckpointJob, Job),
        (ActiveCheckpoint, ServedActiveCheckpoint),
        (CheckpointList, CheckpointsResponse),
    ],
)
def test_the_results_have_the_servers_fields(
    ours: type[BaseModel], served: type[BaseModel]
) -> None:
    assert ours.model_fields.keys() == served.model_fields.keys()
    for name, field in ours.model_fields.items():
        for inner in models_in(field.annotation):
            (theirs,) = models_in(served.model_fields[name].annotation)
            assert inner.model_fields.keys() ^ theirs.model_fields.keys() <= {"id"}, name


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models of `X`, `X | None` and `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def test_the_strategies_and_the_ends_of_a_load_are_the_servers() -> None:
    assert set(get_args(LoadStrategy)) == {strategy.value for strategy in Strategy}
    assert ADMIN_KEY_HEADER == SERVED_HEADER
    for state in ServedState:
        job = CheckpointJob(
            id="load-1",
            path=None,
            strategy="auto",
            origin="rollback",
            state=state.value,
            created_at=datetime.now(UTC),
        )
        assert job.has_ended == (state in ENDED)
        assert job.is_rejected == (state == ServedState.REJECTED)
