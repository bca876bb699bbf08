"""The command line: `laserve serve` and `laserve measure-ref`.

Each command imports what it needs when it is called: vLLM and Transformers take seconds to load.
"""

import argparse
import sys

from laserve.errors import LaServeError
from laserve.startup import hide_broken_companions

USAGE = """usage: laserve COMMAND ...

commands:
  serve MODEL [options]                    serve a model with self-reward scores; takes every
                                           flag of `vllm serve`
  measure-ref MODEL --data FILE [options]  measure c_ref and write the checkpoint's laserve.json

`laserve COMMAND --help` tells more.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 for a mistake in how it was called."""
    command, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        if command in ("serve", "measure-ref"):
            for name, reason in hide_broken_companions().items():
                print(f"laserve: {name} does not work and is left out: {reason}", file=sys.stderr)
        if command == "serve":
            from laserve.engine.launch import serve

            serve(rest)
            return 0
        if command == "measure-ref":
            from laserve import measure_ref

            parser = argparse.ArgumentParser(
                prog="laserve measure-ref", description=measure_ref.__doc__
            )
            measure_ref.add_arguments(parser)
            return measure_ref.run(parser.parse_args(rest))
    except LaServeError as error:
        print(f"laserve {command}: {error}", file=sys.stderr)
        return 2
    if command in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    print(f"laserve: no command {command!r}\n{USAGE}", end="", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
