"""LaServe's own flags of `laserve serve`, beside vLLM's."""

import argparse
import math
import re
from pathlib import Path

from laserve.answers.plugins import load_plugins
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import Manifest
from laserve.core.presets import PRESETS
from laserve.errors import ConfigurationError
from laserve.launch.access_flags import add_access_flags
from laserve.serving.readiness import LOAD_PATIENCE_S

UPSTREAM_TIMEOUT_S = 60.0
HUNG_AFTER_S = 20.0
ENGINE_RESTARTS = 3
ENGINE_TIMEOUT_S = 1800.0
"""Large weights from a slow disk, and what is compiled: too short, it would end each restart."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add them, in groups that `laserve serve --help=GROUP` opens by one word, as vLLM's."""
    _add_score_flags(parser)
    _add_selection_flags(parser)
    _add_checkpoint_flags(parser)
    _add_engine_flags(parser)
    add_access_flags(parser)


def _add_score_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        title="Score",
        description=f"LaServe's scoring parameters, where the checkpoint has no {MANIFEST_NAME}.",
    )
    group.add_argument(
        "--laserve-preset", choices=sorted(PRESETS), help="constants of a published checkpoint"
    )
    group.add_argument("--z-c", metavar="TOKEN", help="the score token, by its text or its id")
    group.add_argument("--c-ref", type=float, help="mean log p(z_c) of the reference model, nats")
    group.add_argument("--beta-v", type=float, help="scale of the score, per nat (default 0.1)")
    group.add_argument(
        "--score-row",
        type=Path,
        metavar="DIR",
        help="z_c's row of the output layer, to be laid over the model (laserve-train probe)",
    )


def _add_selection_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        title="Selection", description="LaServe's selection among samples."
    )
    group.add_argument(
        "--answer-plugin",
        action="append",
        default=[],
        metavar="NAME=PACKAGE.MODULE:FUNCTION",
        help="offer requests the answer `plugin:NAME`; FUNCTION takes a text and returns the "
        "answer in it, or None. May be given several times",
    )
    group.add_argument(
        "--upstream-url",
        help="base URL, ending in /v1, of an OpenAI-compatible server that abstained requests are "
        "forwarded to; its key is read from LASERVE_UPSTREAM_API_KEY",
    )
    group.add_argument("--upstream-model", help="the model to ask there")
    group.add_argument(
        "--upstream-timeout-s",
        type=float,
        default=UPSTREAM_TIMEOUT_S,
        help="seconds to wait for its answer (default %(default)s)",
    )


def _add_checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        title="Checkpoints",
        description="LaServe's hot load, off unless a root or a watched folder is given.",
    )
    group.add_argument(
        "--checkpoint-root",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder below which checkpoints may be loaded from; may be given several times",
    )
    group.add_argument(
        "--watch-checkpoints",
        type=Path,
        metavar="DIR",
        help="load the newest complete checkpoint among the subfolders of DIR whenever it changes",
    )
    group.add_argument(
        "--checkpoint-staging",
        type=Path,
        metavar="DIR",
        help="where copies of the active, the last and the next checkpoint are kept (default: the "
        "folder for temporary files)",
    )
    group.add_argument(
        "--load-patience",
        type=float,
        default=LOAD_PATIENCE_S,
        metavar="SECONDS",
        help="longest time that a load in place may hold requests up; then it gives up, or, where "
        "it is forced, ends what still runs (default %(default)s)",
    )
    group.add_argument(
        "--checkpoint-public-key",
        type=Path,
        metavar="FILE",
        help="Ed25519 public key in PEM: serve and load checkpoints only that are signed with its "
        "private half (laserve sign)",
    )


def _add_engine_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(title="Watch", description="LaServe's watch over the engine.")
    group.add_argument(
        "--hung-after-s",
        type=float,
        default=HUNG_AFTER_S,
        help="seconds without a step after which the server is not ready; more than the longest "
        "step takes (default %(default)s)",
    )
    group.add_argument(
        "--engine-restarts",
        type=int,
        default=ENGINE_RESTARTS,
        help="how often in an hour an engine that died is started again, before the server ends "
        "with status 1 (default %(default)s)",
    )
    group.add_argument(
        "--engine-timeout-s",
        type=float,
        default=ENGINE_TIMEOUT_S,
        help="seconds that an engine beside the first one, or in its place, may take to be started "
        "and proven, and one that runs to load a checkpoint in place; then it is ended "
        "(default %(default)s)",
    )


def check_engine_flags(args: argparse.Namespace) -> None:
    """Raise ConfigurationError for flags that cannot work."""
    if not 0 < args.hung_after_s < math.inf:
        raise ConfigurationError(f"--hung-after-s {args.hung_after_s} is not above 0")
    if not 0 < args.engine_timeout_s < math.inf:
        raise ConfigurationError(f"--engine-timeout-s {args.engine_timeout_s} is not above 0")
    if args.engine_restarts < 0:
        raise ConfigurationError(f"--engine-restarts {args.engine_restarts} is below 0")


def engine_restarts(args: argparse.Namespace) -> int:
    """How often in an hour. Never where one API server or engine of several has lost its own: the
    others would not know of the new one."""
    is_one = (args.api_server_count or 1) == 1 and args.data_parallel_size == 1
    restarts: int = args.engine_restarts if is_one else 0
    return restarts


def loads_checkpoints(args: argparse.Namespace) -> bool:
    """Whether the server was started to load other checkpoints."""
    return bool(args.checkpoint_root or args.watch_checkpoints)


def check_checkpoint_flags(args: argparse.Namespace, manifest: Manifest | None) -> None:
    """Raise ConfigurationError for flags that cannot work with this server."""
    if not loads_checkpoints(args):
        return
    if not 0 < args.load_patience < math.inf:
        raise ConfigurationError(f"--load-patience {args.load_patience} is not above 0")
    for folder in [*args.checkpoint_root, *filter(None, [args.watch_checkpoints])]:
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is no folder: name one to load checkpoints from")
    if manifest is None or not Path(args.model).is_dir():
        raise ConfigurationError(
            "--checkpoint-root and --watch-checkpoints need a local checkpoint with a "
            f"{MANIFEST_NAME} to start from: others are compared with it"
        )
    if (args.api_server_count or 1) > 1 or args.data_parallel_size > 1:
        raise ConfigurationError(
            "--checkpoint-root and --watch-checkpoints work with one API server and one data "
            "parallel rank: start a server for each, and a load balancer before them"
        )


def check_selection_flags(args: argparse.Namespace) -> None:
    """Raise ConfigurationError for flags that cannot work."""
    load_plugins(args.answer_plugin)
    if (args.upstream_url is None) != (args.upstream_model is None):
        raise ConfigurationError("--upstream-url and --upstream-model go together: give both")
    if args.upstream_url is not None and not re.match(r"https?://[^/]", args.upstream_url):
        raise ConfigurationError(
            f"--upstream-url {args.upstream_url!r} is no http(s) URL, such as http://host:8000/v1"
        )
    if not 0 < args.upstream_timeout_s < math.inf:
        raise ConfigurationError(f"--upstream-timeout-s {args.upstream_timeout_s} is not above 0")
