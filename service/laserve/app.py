"""The one place where the parts meet: LaServe as an endpoint plugin of vLLM's server.

vLLM builds its application, calls `attach_router`, starts its engine, and calls `init_state`;
only then does it accept connections, so a server that answers is one that is warm.
"""

import asyncio
import json
import logging
import os
import shlex
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from rich.console import Console
from starlette.datastructures import State

from laserve.access.key_ring import KeyRing
from laserve.answers.math_equality import MathEqualityPool
from laserve.answers.plugins import load_plugins
from laserve.api.generating.background import end_streams
from laserve.api.metrics.checkpoints import CheckpointMetrics
from laserve.api.metrics.drift import DriftMetrics
from laserve.api.metrics.readiness import ReadinessMetrics
from laserve.api.metrics.scoring import ScoreMetrics
from laserve.api.metrics.selection import SelectionMetrics
from laserve.api.middleware.auth import api_keys
from laserve.api.middleware.connections import close_half_open
from laserve.api.middleware.limits import default_limit
from laserve.api.middleware.stack import Gate, surround
from laserve.api.routes import mount
from laserve.api.state import LaServeState, SelectionSettings
from laserve.api.upstream import API_KEY_VARIABLE, Upstream
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import Staging
from laserve.core.manifest import Manifest
from laserve.core.score import ScoreParameters
from laserve.core.weights_hash import weights_hash
from laserve.errors import CheckpointRejected, ConfigurationError
from laserve.hot_load.engine_calls import lay_score_row
from laserve.hot_load.engines import Engines
from laserve.hot_load.load import HotLoader
from laserve.hot_load.promises import FilesShown
from laserve.hot_load.proof import Prover
from laserve.hot_load.restart import Restarts, Served
from laserve.launch.ending import STOP_SIGNALS, at_the_end, end_now
from laserve.launch.flags import engine_restarts, loads_checkpoints
from laserve.scoring.warm_up import warm_up
from laserve.selecting.plan import Planner
from laserve.serving.deployment import Deployment, Source
from laserve.serving.heartbeat import Heartbeat
from laserve.serving.stop import Stop
from laserve.serving.switch import Switch
from laserve.vllm_seam.serving import share_engine

logger = logging.getLogger(__name__)


class LaServePlugin:
    """Implements `vllm.plugins.endpoint_plugins.interface.EndpointPlugin`."""

    name = "laserve"
    required_tasks = ("generate",)

    def attach_router(self, app: FastAPI) -> None:
        """Put our routes in the place of vLLM's."""
        mount(app)
        self._app = app

    async def init_state(self, engine_client: Any, state: State, args: Namespace) -> None:
        """Put the scored engine between vLLM's serving objects and its engine, and warm up.

        Raises ConfigurationError, which ends the start, where the server is not ours.
        """
        parameters: ScoreParameters | None = getattr(args, "laserve_parameters", None)
        manifest: Manifest | None = getattr(args, "laserve_manifest", None)
        if engine_client is None or parameters is None:
            raise ConfigurationError(
                "the laserve plugin needs an engine and its scoring parameters: start the server "
                "with `laserve serve`, not with `vllm serve`"
            )
        if manifest is not None:
            parameters = replace(parameters, weights=weights_hash(manifest.files))
        if row := args.laserve_row:
            await lay_score_row(engine_client, row.folder, row.manifest.z_c)
        math = MathEqualityPool()
        await asyncio.gather(warm_up(engine_client, parameters), math.ready())
        prover = Prover(None)
        if manifest is not None:
            prover, proof = await Prover.of_start(
                engine_client, parameters, manifest, args.laserve_folder, _files_shown(args)
            )
            logger.info("%s is proven: %s", manifest.checkpoint, proof)
        observer = ScoreMetrics(_model_name(args)).observe
        staging = _staging(args) if loads_checkpoints(args) else None
        if staging is not None:
            at_the_end(staging.close)
        source = None if staging is None else await _source(staging, Path(args.model))
        first = Deployment(1, engine_client, parameters, observer, source, manifest=manifest)
        switch = Switch(first, args.load_patience)
        DriftMetrics(switch, _model_name(args))
        loader = None
        engines = Engines(args, engine_client)
        under_way = [
            asyncio.create_task(Heartbeat(switch, args.hung_after_s).run()),
            asyncio.create_task(_restarts(args, switch, engines, prover).run()),
        ]
        if staging is not None:
            loader = _loader(args, switch, engines, staging, prover)
            under_way.append(asyncio.create_task(loader.run(args.watch_checkpoints)))
        state.laserve = LaServeState(
            selection=_selection_settings(args, math),
            active=lambda: switch.active,
            checkpoints=loader,
        )
        share_engine(state, engine_client, switch)
        if responses := state.openai_serving_responses:
            end_streams(responses)
        model = engine_client.model_config
        limit = args.max_request_bytes or default_limit(
            model.max_model_len, takes_media=model.is_multimodal_model
        )
        ring = KeyRing(api_keys(args), args.admin_key, args.api_key_file)
        surround(self._app, switch, Gate(ring, limit, args.body_timeout_s))
        state.laserve_keys = asyncio.create_task(ring.follow())
        state.laserve_connections = asyncio.create_task(
            close_half_open(state, args.header_timeout_s)
        )
        _watch_signals(self._app, Stop(switch, args.shutdown_timeout, under_way, end_now))
        state.laserve_announcement = asyncio.create_task(_announce(args, str(first)))


def _model_name(args: Namespace) -> str:
    """The first name that the model is asked for by, as vLLM's metrics have it."""
    return str((args.served_model_name or [args.model])[0])


def _watch_signals(app: FastAPI, stop: Stop) -> None:
    """Have the server stopped by ``stop`` from the moment that it serves: as its lifespan begins,
    vLLM has put its own handlers in place, which end the engine under what runs."""
    vllms = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        stop.watch(STOP_SIGNALS, partial(_close, app.state.server))
        async with vllms(app) as state:
            yield state

    app.router.lifespan_context = lifespan


def _close(server: Any, patience_s: int) -> None:
    """End a `uvicorn.Server`."""
    server.config.timeout_graceful_shutdown = patience_s
    server.should_exit = True


def _selection_settings(args: Namespace, math: MathEqualityPool) -> SelectionSettings:
    upstream = args.upstream_url and Upstream(
        args.upstream_url,
        args.upstream_model,
        os.environ.get(API_KEY_VARIABLE),
        args.upstream_timeout_s,
    )
    return SelectionSettings(
        planner=Planner(load_plugins(args.answer_plugin), math),
        upstream=upstream,
        metrics=SelectionMetrics(_model_name(args)),
    )


def _files_shown(args: Namespace) -> FilesShown:
    """Of the checkpoint that is served from the start; a start without them fails."""
    if args.laserve_public_key is not None:
        return FilesShown.SIGNATURE
    return FilesShown.HASHES if loads_checkpoints(args) else FilesShown.NOTHING


def _staging(args: Namespace) -> Staging:
    return Staging(args.checkpoint_staging, args.laserve_public_key)


async def _source(staging: Staging, folder: Path) -> Source:
    """A copy of what is served from the start, to go back to."""
    try:
        return Source(await asyncio.to_thread(staging.stage, folder, [folder]))
    except CheckpointRejected as error:
        staging.close()
        raise ConfigurationError(
            f"{folder} cannot be gone back to, so no other checkpoint can be loaded: {error}"
        ) from error


def _restarts(args: Namespace, switch: Switch, engines: Engines, prover: Prover) -> Restarts:
    folder, manifest = args.laserve_folder, args.laserve_manifest
    served = Served(Path(args.model), folder, manifest, _files_shown(args))
    observer = ReadinessMetrics(switch, _model_name(args)).restarted
    limit = engine_restarts(args)
    return Restarts(switch, engines, served, prover, limit, partial(end_now, 1), observer)


def _loader(
    args: Namespace, switch: Switch, engines: Engines, staging: Staging, prover: Prover
) -> HotLoader:
    active = switch.active
    assert active.source is not None
    config = active.client.vllm_config
    served = ServedCheckpoint.read(
        active.source.weights.path,
        active.parameters,
        active.source.weights.manifest,
        max_model_len=config.model_config.max_model_len,
        max_lora_rank=None if config.lora_config is None else config.lora_config.max_lora_rank,
        samples_as_stated=config.model_config.generation_config == "auto",
        template_flag=args.laserve_template_flag,
    )
    roots = [*args.checkpoint_root, *filter(None, [args.watch_checkpoints])]
    metrics = CheckpointMetrics(switch, _model_name(args))
    return HotLoader(switch, engines, staging, served, roots, metrics, prover)


async def _announce(args: Namespace, checkpoint: str) -> None:
    """Print the ready line, with a request to paste, once the server answers."""
    if args.uds:
        return
    tls = bool(args.ssl_keyfile and args.ssl_certfile)
    host = args.host or "127.0.0.1"
    url = f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{args.port}"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it asks only itself
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        while True:
            try:
                (await client.get(f"{url}/health")).raise_for_status()
                break
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
    model = _model_name(args)
    key = ' -H "Authorization: Bearer $API_KEY"' if api_keys(args) or args.api_key_file else ""
    example = args.laserve_manifest and args.laserve_manifest.example_prompt
    question = {"role": "user", "content": example or "What is 12 + 7?"}
    # What a checkpoint brings must not end the quotes: the line is to be pasted into a shell.
    body = shlex.quote(json.dumps({"model": model, "messages": [question]}))
    Console().print(
        f"\nLaServe is ready on {url}, checkpoint {checkpoint}. Try:\n\n"
        f"curl {url}/v1/chat/completions{key} -H 'Content-Type: application/json' -d {body}\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
