"""vLLM's server, started so that it leaves the signals to LaServe."""

from argparse import Namespace
from typing import Any

from vllm.entrypoints.cli import serve as command
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.entrypoints.launchers.api_server.entry import run_server_worker
from vllm.entrypoints.launchers.launcher import setup_server
from vllm.utils.system_utils import decorate_logs


def run(args: Namespace) -> None:
    """`vllm serve` until it is stopped; with one API server, SIGTERM's handler stays as it is."""
    vars(command)["run_server"] = _run_server
    ServeSubcommand.cmd(args)


async def _run_server(args: Any, **uvicorn_kwargs: Any) -> None:
    """As vLLM's, which puts a handler in place whose exception can be lost, and then is."""
    decorate_logs("APIServer", skip_if_decorated=True)
    listen_address, sock = setup_server(args, reuse_port=False)
    await run_server_worker(listen_address, sock, args, **uvicorn_kwargs)
