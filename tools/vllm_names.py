"""Records which of the vLLM names that LaServe uses a vLLM release has.

    pip download --no-deps vllm==0.33.0 && python tools/vllm_names.py vllm-0.33.0-*.whl

writes tests/contract/vllm_names/0.33.0.json, which tests/contract/test_vllm_names.py compares with
the imports in service/laserve. The wheels themselves are too large to be fetched by every test run.
"""

import ast
import json
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "tests" / "contract" / "vllm_names"


def imported_names(package: Path = ROOT / "service" / "laserve") -> set[tuple[str, str]]:
    """(module, name) of each `from vllm... import name` in our package."""
    return {
        (node.module, alias.name)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vllm"
        for alias in node.names
    }


def defined_names(wheel: zipfile.ZipFile, module: str) -> set[str] | None:
    """Names that a module of the wheel binds or exports at any level; None where it is missing."""
    base = module.replace(".", "/")
    found = {f"{base}.py", f"{base}/__init__.py"} & set(wheel.namelist())
    if not found:
        return None
    source = wheel.read(found.pop()).decode()
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # vllm/__init__.py exports lazily, by a table of names
    prefix = f"{base}/"
    return names | {
        name[len(prefix) :].split("/")[0].removesuffix(".py")
        for name in wheel.namelist()
        if name.startswith(prefix)
    }


def main(wheels: list[str]) -> None:
    """Write one record per wheel."""
    RECORDS.mkdir(exist_ok=True)
    for path in wheels:
        version = Path(path).name.split("-")[1]
        with zipfile.ZipFile(path) as wheel:
            record = {
                f"{module}:{name}": name in (defined_names(wheel, module) or ())
                for module, name in sorted(imported_names())
            }
        (RECORDS / f"{version}.json").write_text(json.dumps(record, indent=0) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
