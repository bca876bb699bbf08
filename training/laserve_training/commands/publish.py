"""`--publish URL`: a running server takes up the checkpoint that a command has written."""

import os
import sys
from pathlib import Path

from accelerate import PartialState
from rich.console import Console

from laserve.errors import ConfigurationError
from laserve_client import CheckpointJob, CheckpointRejectedError, ClientError, LaServe
from laserve_client.cli import ADMIN_KEY_VARIABLE, KEY_VARIABLE, missing_key

REJECTED = 1


class Publisher:
    """The server that a checkpoint is published to.

    The server must see the checkpoint's folder under the same absolute path: it runs on this
    machine, or both mount one disk there.
    """

    def __init__(self, url: str, *, api_key: str | None, admin_key: str | None) -> None:
        """Keys that are None come from the environment. Raises ConfigurationError for an address
        or a key that cannot work; the server need not run yet."""
        self._url = url
        try:
            self._client = LaServe(
                url,
                api_key=api_key or os.environ.get(KEY_VARIABLE),
                admin_key=admin_key or os.environ.get(ADMIN_KEY_VARIABLE),
            )
        except ClientError as error:
            raise ConfigurationError(f"--publish: {error}") from error

    def publish(self, checkpoint: Path) -> int:
        """Let the server take `checkpoint` up, and print what became of it. Returns the exit
        status: 1 where the server rejected it. It stays on disk in any case.

        Of several processes the main one alone does it. Raises ConfigurationError where the server
        cannot be asked, or refuses to be.
        """
        if not PartialState().is_main_process:
            return 0
        folder = checkpoint.absolute()
        try:
            job = self._load(folder)
        except CheckpointRejectedError as error:
            print(f"{error}. It stays on disk; the server goes on as before", file=sys.stderr)
            return REJECTED
        except ClientError as error:
            key = missing_key(error, administers=True)
            fault = f"{error}: {key}" if key else str(error)
            raise ConfigurationError(
                f"{folder} is written, and not published: {fault}. To publish it later: "
                f"laserve checkpoints load {folder} --base-url {self._url}"
            ) from error
        print(f"published {folder}: {job.checkpoint} is active, version {job.version}")
        return 0

    def _load(self, folder: Path) -> CheckpointJob:
        with self._client, Console(stderr=True).status(f"publishing to {self._url}") as status:
            return self._client.load_checkpoint(
                folder, on_state=lambda job: status.update(f"publishing: {job.state}")
            )
