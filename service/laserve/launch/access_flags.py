"""Flags of who may use the server, and how much of it."""

import argparse
import math
import os
from pathlib import Path

from laserve.access.key_file import read_key_file
from laserve.errors import ConfigurationError

ADMIN_KEY_VARIABLE = "LASERVE_ADMIN_KEY"

MAX_QUEUED_SEQUENCES = 4096
"""Sequences that are generated or wait for that, before more are answered with a 503. Four times
the largest request; behind so many nobody's patience lasts. vLLM itself lets them queue without
end."""

HEADER_TIMEOUT_S = 20.0
BODY_TIMEOUT_S = 60.0
"""As long as nginx waits between two reads; here for all of a body."""


def add_access_flags(parser: argparse.ArgumentParser) -> None:
    """Add them, and take vLLM's `--api-key` as often as it is given."""
    # A group has the handler that its parser has when it is made.
    before, parser.conflict_handler = parser.conflict_handler, "resolve"
    group = parser.add_argument_group(
        title="Access", description="Who may use LaServe, and how much of it."
    )
    parser.conflict_handler = before
    group.add_argument(
        "--api-key",
        action="extend",
        nargs="+",
        metavar="KEY",
        help="asked for on every route but /health; several may be given, or an --api-key-file",
    )
    group.add_argument(
        "--api-key-file",
        type=Path,
        metavar="FILE",
        help="API keys by id, with their limits, in TOML; changes are taken up while serving",
    )
    group.add_argument(
        "--admin-key",
        default=os.environ.get(ADMIN_KEY_VARIABLE),
        help="asked for (x-laserve-admin-key) by what changes the checkpoint or the engine; "
        f"default: {ADMIN_KEY_VARIABLE}, else whoever may use the server may",
    )
    group.add_argument(
        "--max-request-bytes",
        type=int,
        help="largest request body; default: 1 MiB and 64 bytes for each token of the context",
    )
    group.add_argument(
        "--header-timeout-s",
        type=float,
        default=HEADER_TIMEOUT_S,
        help="how long the head of a request may take to arrive (default %(default)g)",
    )
    group.add_argument(
        "--body-timeout-s",
        type=float,
        default=BODY_TIMEOUT_S,
        help="how long the body of a request may take to arrive (default %(default)g)",
    )


def settle_access_flags(args: argparse.Namespace) -> None:
    """Bound what a server queues, where vLLM's flag does not say otherwise. Raises
    ConfigurationError for flags that cannot work."""
    if args.max_num_queued_reqs is None:
        args.max_num_queued_reqs = MAX_QUEUED_SEQUENCES
    for name in ("header_timeout_s", "body_timeout_s"):
        if not 0 < getattr(args, name) < math.inf:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigurationError(f"{flag} {getattr(args, name)} is not above 0")
    if args.api_key_file is not None:
        read_key_file(args.api_key_file)
