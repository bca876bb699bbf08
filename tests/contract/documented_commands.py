"""Whether a command of the documentation can be run: its program, target, flags, files exist."""

import argparse
import ast
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import laserve_client.cli
from laserve import measure_ref, select_file, sign
from laserve_training.__main__ import argument_parser as training_parser
from laserve_training.config import load_config
from tests.documents import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
OURS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"checkpoints", "runs"}
"""Folders of the repository, without those that commands make."""


class UnknownError(Exception):
    """Something that a command names does not exist."""


def check(words: Sequence[str], served: Collection[str]) -> None:
    """Raise UnknownError where the command cannot be run. `served`: paths of the server's routes.

    Words in capitals stand for something of the reader's.
    """
    program, *rest = words
    if program not in _CHECKS and program != "curl":
        raise UnknownError(f"no program {program!r}")
    for word in words:
        _check_path(word.partition("::")[0])
    if program == "curl":
        _check_urls(rest, served)
    else:
        _CHECKS[program](rest)


def _check_path(word: str) -> None:
    """Of a word that begins with one of our folders."""
    path = word.removeprefix("./").partition("[")[0]
    folder, slash, _ = path.partition("/")
    if slash and folder in OURS and not any(ROOT.glob(path)):
        raise UnknownError(f"no file {word!r}")


def _check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    for word in words:
        variable, equals, value = word.partition("=")
        if not equals:
            if word not in targets:
                raise UnknownError(f"make has no target {word!r}")
        elif not re.search(rf"^{variable} [?:]?=", MAKEFILE, re.MULTILINE):
            raise UnknownError(f"the Makefile has no variable {variable!r}")
        elif variable == "SERVE_FLAGS":
            _check_flags(serve_parser(), value.split())
        elif variable == "BENCH_FLAGS":
            _check_module("tests.bench", value.split())
        elif variable == "PYTEST_FLAGS":
            for path in value.split():
                _check_path(path.partition("::")[0])


def _check_laserve(words: list[str]) -> None:
    command, *rest = words
    if command in ("ask", "rerank", "checkpoints"):
        _check_client(words)
        return
    if command == "serve":
        parsers = [serve_parser()]
    elif command == "select":
        parsers = [_parser_with(select_file.add_arguments), serve_parser()]
    elif command == "measure-ref":
        parsers = [_parser_with(measure_ref.add_arguments)]
    elif command == "sign":
        parsers = [_parser_with(sign.add_arguments)]
    else:
        raise UnknownError(f"laserve has no command {command!r}")
    known = {flag for parser in parsers for flag in parser._option_string_actions}
    _check_known(rest, known)


def _check_client(words: list[str]) -> None:
    _check_flags(laserve_client.cli._parser("laserve"), words)


def _check_training(words: list[str]) -> None:
    parser = training_parser()
    _check_flags(parser, words)
    if "--config" not in words:
        return
    file = words[words.index("--config") + 1]
    if "/" in file:
        overrides = [word for word in words if re.match(r"[a-z][\w.]*=", word)]
        load_config(ROOT / file, overrides)


def _check_python(words: list[str]) -> None:
    first, *rest = words
    if first == "-m":
        module, *rest = rest
        _check_module(module, rest)
    elif not (ROOT / first).is_file():
        raise UnknownError(f"no file {first!r}")


def _check_module(module: str, words: list[str]) -> None:
    """Its flags are read off its source: an import would take seconds."""
    spec = find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = find_spec(f"{module}.__main__")
    if spec is None or spec.origin is None:
        raise UnknownError(f"no module {module!r}")
    if module.partition(".")[0] in ("tests", "tools"):
        _check_known(words, _flags_in(Path(spec.origin)))


def _flags_in(source: Path) -> set[str]:
    strings = (
        node.value
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant)
    )
    return {text for text in strings if isinstance(text, str) and text.startswith("--")}


def _check_pip(words: list[str]) -> None:
    if words[0] != "install":
        raise UnknownError(f"pip {words[0]}")
    for word in words[1:]:
        if re.match(r"-|requirements/", word):
            continue
        folder, _, extras = word.removesuffix("]").partition("[")
        file = ROOT / folder / "pyproject.toml"
        if not file.is_file():
            raise UnknownError(f"{folder!r} is no package of ours")
        offered = tomllib.loads(file.read_text())["project"].get("optional-dependencies", {})
        if missing := set(filter(None, extras.split(","))) - offered.keys():
            raise UnknownError(f"{folder!r} has no extra {missing}")


def _check_npm(words: list[str]) -> None:
    """`npm ci --prefix FOLDER`, `npm run SCRIPT --prefix FOLDER`, `npm install FOLDER`."""
    command, *rest = words
    if command not in ("ci", "run", "install"):
        raise UnknownError(f"npm {command}")
    file = ROOT / rest[-1] / "package.json"
    if not file.is_file():
        raise UnknownError(f"{rest[-1]!r} is no package of ours")
    if command == "run" and rest[0] not in json.loads(file.read_text())["scripts"]:
        raise UnknownError(f"{rest[-1]!r} has no script {rest[0]!r}")


def _check_docker(words: list[str]) -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    profiles = re.findall(r"profiles: \[(\w+)\]", (ROOT / "deploy/compose.yaml").read_text())
    for flag, known in (("--target", stages), ("--profile", profiles)):
        if flag in words and words[words.index(flag) + 1] not in known:
            raise UnknownError(f"docker {flag} {words[words.index(flag) + 1]}")


def _check_vllm(words: list[str]) -> None:
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    command, *rest = words
    if command != "serve":
        raise UnknownError(f"vllm {command}")
    subparsers = FlexibleArgumentParser().add_subparsers()
    _check_known(rest, ServeSubcommand().subparser_init(subparsers)._option_string_actions)


def _check_accelerate(words: list[str]) -> None:
    if words[0] != "launch":
        raise UnknownError(f"accelerate {words[0]}")
    _check_training(words[words.index("laserve_training") + 1 :])


def _check_script(words: list[str]) -> None:
    if words:
        raise UnknownError(f".ci/run takes no arguments: {words}")


_CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": _check_make,
    "laserve": _check_laserve,
    "laserve-client": _check_client,
    "laserve-train": _check_training,
    "python": _check_python,
    "pip": _check_pip,
    "docker": _check_docker,
    "npm": _check_npm,
    "accelerate": _check_accelerate,
    "vllm": _check_vllm,
    ".ci/run": _check_script,
}


def _check_urls(words: list[str], served: Collection[str]) -> None:
    for word in words:
        if not re.match(r"(http://)?(localhost|127\.0\.0\.1)\b", word):
            continue
        url = urlsplit(word if "://" in word else f"http://{word}")
        if not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), url.path) for path in served):
            raise UnknownError(f"no route {url.path!r}")


def _check_flags(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Flags and commands of an argparse parser, and of the parsers of its commands."""
    commands = next(_subparsers(parser), None)
    if commands is None:
        _check_known(words, parser._option_string_actions)
        return
    if not words:  # the command as such
        return
    command, *rest = words
    if command not in commands.choices:
        raise UnknownError(f"{parser.prog} has no command {command!r}")
    _check_flags(commands.choices[command], rest)


def _subparsers(
    parser: argparse.ArgumentParser,
) -> Iterator["argparse._SubParsersAction[argparse.ArgumentParser]"]:
    return (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _check_known(words: Sequence[str], flags: Collection[str]) -> None:
    for word in words:
        # vLLM takes parts of a JSON object as --flag.key.
        flag = re.split(r"[=.]", word)[0]
        if flag.startswith("--") and flag not in flags:
            raise UnknownError(f"no flag {flag!r}")


def _parser_with(add: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser


@cache
def serve_parser() -> argparse.ArgumentParser:
    """That of `laserve serve`: every flag of `vllm serve`, and ours."""
    from vllm.entrypoints.cli.serve import ServeSubcommand

    from laserve.launch.serve import argument_parser

    return next(_subparsers(argument_parser(ServeSubcommand()))).choices["serve"]
