"""`laserve sign FOLDER --key FILE`: signs a checkpoint, for servers that take signed ones only."""

import argparse
from pathlib import Path

from laserve.checkpoint.signature import read_private_key
from laserve.checkpoint.signing import sign


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a checkpoint, complete")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="Ed25519 private key in PEM"
    )


def run(args: argparse.Namespace) -> int:
    """Sign it. Returns the exit code; raises ConfigurationError."""
    print(f"wrote {sign(args.folder, read_private_key(args.key))}")
    return 0
