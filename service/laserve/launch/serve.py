"""`laserve serve`: vLLM's own server, with scoring switched on.

What scores is handed to vLLM by its own flags and extension points: the endpoint plugin, the
logits processor, the classes of scheduler and worker, and `additional_config`. The plugin gives
vLLM's serving objects our engine client, and the classes override private members of vLLM's:
`vllm_seam` names them.
"""

import argparse
import logging
import os
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from psutil import virtual_memory
from pydantic import ValidationError
from vllm import AsyncEngineArgs
from vllm.config import VllmConfig
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.logger import configure_logging_from_args
from vllm.platforms import current_platform
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.usage.usage_lib import UsageContext
from vllm.utils.argparse_utils import FlexibleArgumentParser

from laserve.checkpoint.meaning import rendered_with
from laserve.checkpoint.signature import read_public_key
from laserve.checkpoint.signing import check_signed
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import Manifest, read_manifest
from laserve.core.parameters import ScoreFlags, resolve_parameters
from laserve.core.score import ScoreParameters
from laserve.core.tokens import check_scoring_token, find_token, is_beyond
from laserve.errors import ConfigurationError
from laserve.launch.access_flags import settle_access_flags
from laserve.launch.checks import check_engine, engine_eos_token_ids
from laserve.launch.flags import (
    add_flags,
    check_checkpoint_flags,
    check_engine_flags,
    check_selection_flags,
)
from laserve.launch.score_row import find_score_row
from laserve.scoring.arming import supports_in_flight
from laserve.vllm_seam import server
from laserve.worker.config import RELOAD_EXTENSION, WorkerConfig, processor_path
from laserve.worker.lifeline import PLUGIN_NAME, hold_coordinator

logger = logging.getLogger(__name__)

SCHEDULER = "laserve.worker.scheduler.LaServeScheduler"
ASYNC_SCHEDULER = "laserve.worker.scheduler.LaServeAsyncScheduler"
CPU_WORKER = "laserve.worker.cpu_worker.SeededCPUWorker"

MAX_SAMPLES = "128"
"""Largest n of a request. vLLM's own limit is 16384, and one request of that size holds up all
others for minutes; VLLM_MAX_N_SEQUENCES sets another."""

CPU_KV_CACHE_BYTES = 4 << 30
"""Largest KV cache on a CPU unless --kv-cache-memory-bytes or another of vLLM's ways says more."""

FEW_CORES = 4
"""Up to as many the engine computes on all of them: on 2 cores that gave 1.2 to 1.5 times the
throughput of one core and one for the server."""

SHUTDOWN_TIMEOUT_S = 25
"""How long the running requests may take after SIGTERM; an orchestrator kills after 30 s."""

_OUR_GROUPS = ("vllm.endpoint_plugins", "vllm.general_plugins")

_LOADED_BY_DEFAULT = (
    "vllm.general_plugins",
    "vllm.io_processor_plugins",
    "vllm.platform_plugins",
    "vllm.stat_logger_plugins",
)


def serve(argv: list[str]) -> None:
    """Run the server until it is stopped. ``argv``: what follows `laserve serve`.

    Raises ConfigurationError where the model cannot be scored as asked.
    """
    os.environ.setdefault("VLLM_MAX_N_SEQUENCES", MAX_SAMPLES)
    _allow_plugin()
    args = parse_serve_flags(argv)
    configure_logging_from_args(args)
    _log_like_vllm()
    settle_access_flags(args)
    check_selection_flags(args)
    check_engine_flags(args)
    switch_scoring_on(args)
    hold_coordinator()
    server.run(args)


def _log_like_vllm() -> None:
    """Our messages in vLLM's log, in its format and from its level on."""
    ours, theirs = logging.getLogger("laserve"), logging.getLogger("vllm")
    ours.handlers, ours.propagate = theirs.handlers, False
    ours.setLevel(theirs.level)


def parse_serve_flags(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of `laserve serve` out of `argv`, which follows that name; checked by vLLM.

    Raises ConfigurationError where they name no model: vLLM would fetch one of its own.
    """
    # The engine's processes inherit no half of this one's state.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    command = ServeSubcommand()
    args = argument_parser(command).parse_args(["serve", *argv])
    args.model = args.model_tag or args.model
    if args.model is None:
        raise ConfigurationError(
            "no model is given: name a checkpoint's folder or a model of a hub, as in "
            "`laserve serve demo/laserve-countdown`"
        )
    command.validate(args)
    return args


def switch_scoring_on(args: argparse.Namespace) -> None:
    """Check that the model can be scored, and add to vLLM's ``args`` what scoring needs.

    Raises ConfigurationError.
    """
    config = _engine_config(args)
    check_engine(config)
    args.laserve_row = row = find_score_row(args)
    manifest = row.manifest if row is not None else _find_manifest(args.model, args.revision)
    args.laserve_parameters = parameters = _parameters(args, config, manifest)
    args.laserve_manifest = manifest
    args.laserve_template_flag = dict(args.default_chat_template_kwargs or {})
    args.default_chat_template_kwargs = rendered_with(manifest, args.laserve_template_flag)
    args.laserve_folder = Path(args.model) if Path(args.model).is_dir() else None
    check_checkpoint_flags(args, manifest)
    args.laserve_public_key = _public_key(args)
    if not args.worker_extension_cls:
        args.worker_extension_cls = RELOAD_EXTENSION
    worker_config = WorkerConfig(parameters.z_c, parameters.eos_token_ids)
    args.additional_config = {
        **(args.additional_config or {}),
        **worker_config.to_additional_config(),
    }
    if reason := _no_in_flight(args, config):
        logger.warning("scores are read by a second request each (post_hoc): %s", reason)
    else:
        args.logits_processors = [processor_path(config)]
    if current_platform.is_cpu():
        _suit_the_cpu(args)
    if args.scheduler_cls is None:
        is_async = config.scheduler_config.async_scheduling
        args.scheduler_cls = ASYNC_SCHEDULER if is_async else SCHEDULER
    if args.structured_outputs_config.backend == "auto":
        # With `auto` the first request chooses the backend for the engine's whole life, and what
        # is validated for another one fails from then on; the others also crash on some grammars.
        args.structured_outputs_config.backend = "xgrammar"


def _engine_config(args: argparse.Namespace) -> VllmConfig:
    """What vLLM makes of its flags and of the model's own files.

    Raises ConfigurationError where the model cannot be read, or its engine not be run as asked.
    """
    if args.model.startswith(("/", ".", "~")) and not Path(args.model).exists():
        raise ConfigurationError(f"there is no {args.model}: give a model's folder or its hub name")
    try:
        config: VllmConfig = AsyncEngineArgs.from_cli_args(args).create_engine_config(
            usage_context=UsageContext.OPENAI_API_SERVER, headless=args.headless
        )
    except ValidationError as error:
        told = "; ".join(fault["msg"] for fault in error.errors())
        raise ConfigurationError(f"vLLM does not take {args.model}: {told}") from error
    # Transformers' errors of files that are not there, or not what they should be, are of these.
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"vLLM does not take {args.model}: {error}") from error
    return config


def _suit_the_cpu(args: argparse.Namespace) -> None:
    """Our worker; all cores, where vLLM keeps one of a few for the server; and a KV cache that
    leaves room: vLLM's own default takes 92 % of the machine's memory and does not start where
    something else uses 8 %."""
    if args.worker_cls == "auto":
        args.worker_cls = CPU_WORKER
    if len(os.sched_getaffinity(0)) <= FEW_CORES:
        os.environ.setdefault("VLLM_CPU_NUM_OF_RESERVED_CPU", "0")
    sized = args.kv_cache_memory_bytes is not None or "VLLM_CPU_KVCACHE_SPACE" in os.environ
    if not sized and args.gpu_memory_utilization == AsyncEngineArgs.gpu_memory_utilization:
        args.kv_cache_memory_bytes = min(CPU_KV_CACHE_BYTES, virtual_memory().available // 4)


def argument_parser(command: ServeSubcommand) -> argparse.ArgumentParser:
    """vLLM's own parser for `serve`, with our flags in a group of their own."""
    parser = FlexibleArgumentParser(prog="laserve")
    serve_parser = command.subparser_init(parser.add_subparsers(required=True, dest="subparser"))
    serve_parser.usage = "laserve serve MODEL [options]"
    serve_parser.description = "Serve a model with self-reward scores."
    add_flags(serve_parser)
    serve_parser.set_defaults(model=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    return parser


def _parameters(
    args: argparse.Namespace, config: VllmConfig, manifest: Manifest | None
) -> ScoreParameters:
    tokenizer = cached_tokenizer_from_config(config.model_config)
    eos_token_ids = engine_eos_token_ids(config.model_config, tokenizer)
    parameters = resolve_parameters(
        manifest,
        args.laserve_preset,
        ScoreFlags(
            z_c=None if args.z_c is None else find_token(tokenizer, args.z_c),
            c_ref=args.c_ref,
            beta_v=args.beta_v,
        ),
        args.model,
        eos_token_ids,
    )
    if args.laserve_row is not None and is_beyond(tokenizer, parameters.z_c):
        return parameters
    expected = manifest.z_c_token if manifest and manifest.z_c == parameters.z_c else None
    check_scoring_token(tokenizer, parameters.z_c, parameters.eos_token_ids, expected)
    return parameters


def _find_manifest(model: str, revision: str | None) -> Manifest | None:
    """The manifest of a local folder or a hub repository; None where it has none."""
    if Path(model).is_dir():
        return read_manifest(Path(model))
    try:
        found = hf_hub_download(model, MANIFEST_NAME, revision=revision)
    except LocalEntryNotFoundError as error:
        raise ConfigurationError(
            f"cannot tell whether {model} has a {MANIFEST_NAME}: the hub does not answer and the "
            "file is not cached. Give the path of a local checkpoint"
        ) from error
    except EntryNotFoundError:
        return None
    return read_manifest(Path(found).parent)


def _public_key(args: argparse.Namespace) -> Ed25519PublicKey | None:
    """The key that checkpoints must be signed with, as the one that is served from the start is."""
    if args.checkpoint_public_key is None:
        return None
    key, folder = read_public_key(args.checkpoint_public_key), Path(args.model)
    if not folder.is_dir():
        raise ConfigurationError(
            f"--checkpoint-public-key needs a local checkpoint, and {folder} is no folder"
        )
    check_signed(folder, key)
    return key


def _no_in_flight(args: argparse.Namespace, config: VllmConfig) -> str | None:
    """Why scores cannot be read in flight; None where they can."""
    if not supports_in_flight(config):
        return "this engine takes no custom logits processors with speculative decoding"
    if args.logits_processors:
        return "--logits-processors may change the row that is scored"
    if installed := [plugin.name for plugin in entry_points(group="vllm.logits_processors")]:
        return f"installed logits processors may change the row that is scored: {installed}"
    return None


def _allow_plugin() -> None:
    """Name our plugins in VLLM_PLUGINS, and keep whatever would have been loaded.

    A plugin that fails to load is only logged by vLLM, and its server starts without: load them
    here first, where it fails loudly.
    """
    for group in _OUR_GROUPS:
        plugins = entry_points(group=group, name=PLUGIN_NAME)
        if not plugins:
            raise ConfigurationError(
                f"the plugin 'laserve' is not registered in {group}: install the package "
                "(`pip install .`) again, rather than running it from a folder on the path"
            )
        next(iter(plugins)).load()
    allowed = os.environ.get("VLLM_PLUGINS")
    if allowed is None:
        names = {
            plugin.name for group in _LOADED_BY_DEFAULT for plugin in entry_points(group=group)
        }
    else:
        names = set(allowed.split(","))
    os.environ["VLLM_PLUGINS"] = ",".join(sorted({*names, PLUGIN_NAME} - {""}))
