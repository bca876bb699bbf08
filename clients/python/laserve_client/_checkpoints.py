"""`checkpoints`: what is served, what became of every load, and changes of it."""

import json
import sys
from dataclasses import dataclass

from laserve_client._errors import CheckpointRejectedError
from laserve_client._progress import status_line
from laserve_client._server import Server
from laserve_client._sync import LaServe
from laserve_client._types import CheckpointJob, CheckpointList, LoadStrategy

REJECTED = 1


@dataclass(frozen=True)
class Change:
    """What is to be served."""

    path: str | None
    """A folder, as the server sees it; None goes back to what was active before."""
    strategy: LoadStrategy
    force: bool
    wait: bool


def list_checkpoints(server: Server, *, as_json: bool) -> int:
    """Print what is served and every load on stdout. Returns the exit status.

    Raises ClientError.
    """
    with LaServe(
        server.base_url,
        api_key=server.api_key,
        admin_key=server.admin_key,
        timeout=server.timeout_s,
    ) as client:
        checkpoints = client.checkpoints()
    print(_json(checkpoints) if as_json else listing(checkpoints))
    return 0


def change_checkpoint(server: Server, change: Change, *, as_json: bool) -> int:
    """Print how the load ended on stdout, on stderr where it was rejected. Returns the exit status.

    Raises ClientError.
    """
    try:
        job = _changed(server, change)
    except CheckpointRejectedError as error:
        if as_json:
            print(_json(error.job))
        print(error, file=sys.stderr)
        return REJECTED
    print(_json(job) if as_json else outcome(job))
    return 0


def _changed(server: Server, change: Change) -> CheckpointJob:
    with (
        LaServe(server.base_url, api_key=server.api_key, admin_key=server.admin_key) as client,
        status_line() as show,
    ):

        def on_state(job: CheckpointJob) -> None:
            show(f"{job.id} {job.state}")

        if change.path is None:
            return client.roll_back(
                force=change.force,
                wait=change.wait,
                timeout_s=server.timeout_s,
                on_state=on_state,
            )
        return client.load_checkpoint(
            change.path,
            change.strategy,
            force=change.force,
            wait=change.wait,
            timeout_s=server.timeout_s,
            on_state=on_state,
        )


def outcome(job: CheckpointJob) -> str:
    """A load that was not rejected, as a line for people."""
    if not job.has_ended:
        return f"{job.id} is {job.state}"
    took = ", ".join(f"{state} {seconds:.1f} s" for state, seconds in job.seconds.items())
    weights = f", weights {job.weights}" if job.weights else ""
    return f"{job.checkpoint} is active, version {job.version}{weights} ({took})"


def listing(checkpoints: CheckpointList) -> str:
    """What is served, then a line for each load, the newest first."""
    active = checkpoints.active
    facts = (
        f"{active.checkpoint}, version {active.version}",
        *([f"weights {active.weights}"] if active.weights else []),
        *([active.path] if active.path else []),
        f"{active.requests_in_flight} requests in flight",
        "can be rolled back" if active.can_roll_back else "nothing to roll back to",
    )
    lines = [f"active: {', '.join(facts)}"]
    for job in checkpoints.data:
        origin = "" if job.origin == "request" else f"{job.origin}: "
        what = origin + (job.path or job.checkpoint or "a checkpoint")
        told = f": {job.reason}" if job.is_rejected else ""
        lines.append(f"{job.created_at:%Y-%m-%d %H:%M:%S} {job.id} {job.state} {what}{told}")
    return "\n".join(lines)


def _json(shown: CheckpointJob | CheckpointList) -> str:
    return json.dumps(shown.model_dump(mode="json"), indent=2)
