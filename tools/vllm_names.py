"""Records what a vLLM release has of the names that LaServe uses.

    pip download --no-deps vllm==0.33.0 && python tools/vllm_names.py vllm-0.33.0-*.whl

writes tests/contract/vllm_names/0.33.0.json: which of the names that service/laserve imports the
release has, and what it says of those that `laserve.vllm_seam.names` lists. The tests in
tests/contract compare it with the code; the wheels are too large to be fetched by every test run.
"""

import ast
import json
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from laserve.vllm_seam.names import FOLLOWED, RELIED_UPON

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "tests" / "contract" / "vllm_names"

ROUTE_METHODS = {"post", "put", "patch", "delete", "websocket", "api_route", "add_api_route"}
"""What declares a route on FastAPI's routers, `get` and `head` left out."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Found = tuple[str, ast.stmt]
"""The module that a name comes from, and the statement that binds it there."""


class Record(TypedDict):
    """A file in `RECORDS`; null stands for what the release does not have."""

    imported: dict[str, bool]
    relied_upon: dict[str, dict[str, str | None]]
    followed: dict[str, dict[str, str | None]]
    writing_routes: list[str]


def imported_names(package: Path = ROOT / "service" / "laserve") -> set[tuple[str, str]]:
    """(module, name) of each `from vllm... import name` in our package."""
    return {
        (node.module, alias.name)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vllm"
        for alias in node.names
    }


class Release:
    """The Python sources of a vLLM release."""

    def __init__(self, root: zipfile.Path | Path) -> None:
        self._root = root  # holds the folder `vllm`
        self._trees: dict[str, ast.Module | None] = {}

    @classmethod
    def installed(cls) -> "Release":
        """The one that this Python imports."""
        spec = find_spec("vllm")
        assert spec is not None
        assert spec.origin is not None
        return cls(Path(spec.origin).parent.parent)

    def has(self, module: str, name: str) -> bool:
        """Whether a module binds or exports a name, at any level."""
        if self._tree(module) is None:
            return False
        if self._tree(f"{module}.{name}") is not None:
            return True
        for node in ast.walk(self._tree(module) or ast.Module([], [])):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names = {node.name}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names = {node.id}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = {node.value}  # vllm/__init__.py exports lazily, by a table of names
            else:
                continue
            if name in names:
                return True
        return False

    def tells(self, place: str, name: str) -> str | None:
        """What the source says of ``name`` in ``place``, a module or a `module:Class`, in the form
        of `RELIED_UPON`; None where it is not there."""
        module, _, owner = place.partition(":")
        if not owner:
            found = self._find(module, name)
            return None if found is None else _statement(found[1])
        for depth, node in enumerate(self._with_bases(module, owner)):
            told = _member(node, name)
            if told is not None:
                return f"{node.name}: {told}" if depth else told
        return None

    def body(self, place: str, name: str) -> str | None:
        """A digest of what a function does, without its decorators, docstring and comments."""
        module, _, owner = place.partition(":")
        if owner:
            candidates = [
                member
                for node in self._with_bases(module, owner)
                for member in node.body
                if isinstance(member, Function) and member.name == name
            ]
        else:
            found = self._find(module, name)
            candidates = [found[1]] if found and isinstance(found[1], Function) else []
        if not candidates:
            return None
        lines = candidates[0].body[1 if ast.get_docstring(candidates[0]) else 0 :]
        return sha256(ast.unparse(ast.Module(lines, [])).encode()).hexdigest()[:12]

    def writing_routes(self) -> set[str]:
        """Paths of vLLM's HTTP server that take more than a GET, and of its websockets."""
        return {
            node.args[0].value
            for file in _sources(self._root / "vllm" / "entrypoints")
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ROUTE_METHODS
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
            and node.args[0].value.startswith("/")
        }

    def _tree(self, module: str) -> ast.Module | None:
        if module not in self._trees:
            base = module.replace(".", "/")
            files = [self._root / f"{base}.py", self._root / base / "__init__.py"]
            source = next((file.read_text("utf-8") for file in files if file.is_file()), None)
            self._trees[module] = None if source is None else ast.parse(source)
        return self._trees[module]

    def _find(self, module: str, name: str) -> Found | None:
        """Where a name of a module is defined, through the modules that hand it on."""
        tree = self._tree(module)
        for node in () if tree is None else _statements(tree.body):
            if isinstance(node, ast.ClassDef | Function) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
                return module, node
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self._find(self._absolute(module, node), alias.name)
        return None

    def _with_bases(self, module: str, name: str) -> Iterator[ast.ClassDef]:
        """A class, and those of vLLM that it inherits from, in the order of their lookup."""
        defining, node = self._find(module, name) or (module, None)
        if not isinstance(node, ast.ClassDef):
            return
        yield node
        for base in node.bases:
            origin = base.value if isinstance(base, ast.Subscript) else base  # Generic[T]
            if isinstance(origin, ast.Name):
                yield from self._with_bases(defining, origin.id)

    def _absolute(self, module: str, node: ast.ImportFrom) -> str:
        """The module that a `from ... import` in ``module`` names."""
        if node.level == 0:
            return node.module or ""
        is_package = (self._root / module.replace(".", "/") / "__init__.py").is_file()
        parents = module.split(".")
        above = len(parents) - node.level + is_package
        return ".".join([*parents[:above], *filter(None, [node.module])])


def _sources(folder: zipfile.Path | Path) -> Iterator[zipfile.Path | Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module, the branches of its `if`s and `try`s included."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {ast.unparse(target) for target in targets}


def _statement(node: ast.stmt) -> str:
    if isinstance(node, Function):
        return _signature(node)
    if isinstance(node, ast.ClassDef):
        return f"class ({', '.join(map(ast.unparse, node.bases))})"
    assert isinstance(node, ast.Assign | ast.AnnAssign)
    return f"= {ast.unparse(node.value)}" if node.value else "declared"


def _signature(node: Function) -> str:
    """`async def (request, raw_request=None)`: without types, with the decorators of a class."""
    kinds = {"staticmethod", "classmethod", "property", "cached_property"}
    decorators = [ast.unparse(one) for one in node.decorator_list]
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    shown = [f"@{one}" for one in decorators if one in kinds]
    shown.append("async def" if isinstance(node, ast.AsyncFunctionDef) else "def")
    return f"{' '.join(shown)} ({ast.unparse(node.args)})"


def _member(node: ast.ClassDef, name: str) -> str | None:
    """What a class says of one of its members."""
    for statement in node.body:
        if isinstance(statement, Function) and statement.name == name:
            return _signature(statement)
        if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _targets(statement):
            return "a field"
    methods = [statement for statement in node.body if isinstance(statement, Function)]
    for method in sorted(methods, key=lambda method: method.name != "__init__"):
        for inner in ast.walk(method):
            if isinstance(inner, ast.Assign | ast.AnnAssign) and f"self.{name}" in _targets(inner):
                return f"set in {method.name}"
    return None


def record_of(release: Release) -> Record:
    """What there is to say of a release."""
    return {
        "imported": {
            f"{module}:{name}": release.has(module, name)
            for module, name in sorted(imported_names())
        },
        "relied_upon": {
            place: {name: release.tells(place, name) for name in names}
            for place, names in RELIED_UPON.items()
        },
        "followed": {
            place: {name: release.body(place, name) for name in names}
            for place, names in FOLLOWED.items()
        },
        "writing_routes": sorted(release.writing_routes()),
    }


def main(wheels: list[str]) -> None:
    """Write one record per wheel."""
    RECORDS.mkdir(exist_ok=True)
    for path in wheels:
        version = Path(path).name.split("-")[1]
        with zipfile.ZipFile(path) as wheel:
            record = record_of(Release(zipfile.Path(wheel)))
        (RECORDS / f"{version}.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
