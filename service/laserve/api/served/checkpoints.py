"""The routes that change and tell which checkpoint is served."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from vllm.entrypoints.serve.utils.api_utils import validate_json_request

from laserve.api.middleware.administration import CHECKPOINTS
from laserve.api.middleware.auth import caller_of
from laserve.api.state import LaServeState
from laserve.api.wire.fields import NullsLeftOut
from laserve.api.wire.routing import refusing
from laserve.errors import CheckpointRejected, RequestError
from laserve.hot_load.checkpoints import ActiveCheckpoint, Checkpoints, NoPredecessorError
from laserve.hot_load.jobs import Job, Strategy
from laserve.hot_load.queue import QueueFullError

FORCE = (
    "In place: what still runs at the end of --load-patience is ended with an error. Otherwise the "
    "load gives up."
)


class LoadRequest(NullsLeftOut):
    """Body of POST /v1/checkpoints."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1,
        description="A folder on the server, below an allowed root; a relative path counts from "
        "the roots.",
    )
    strategy: Strategy = Field(
        default=Strategy.AUTO,
        description="auto: side by side where the free memory holds a second engine, else in "
        "place.",
    )
    force: bool = Field(default=False, description=FORCE)


class RollbackRequest(NullsLeftOut):
    """Body of POST /v1/checkpoints/rollback, which may be left out."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(default=False, description=FORCE)


class CheckpointsResponse(BaseModel):
    """Answer of GET /v1/checkpoints."""

    object: str = "list"
    active: ActiveCheckpoint
    data: list[Job] = Field(description="Loads, the newest first.")


router = APIRouter()


@router.get(
    CHECKPOINTS,
    response_model=CheckpointsResponse,
    responses=refusing(HTTPStatus.NOT_IMPLEMENTED),
)
async def list_checkpoints(raw_request: Request) -> CheckpointsResponse:
    """What is served, and what became of every load."""
    checkpoints = _checkpoints(raw_request)
    active = checkpoints.active
    if not caller_of(raw_request.scope).administers:
        active = active.model_copy(update={"path": None})
    jobs = [_shown(job, raw_request) for job in checkpoints.jobs]
    return CheckpointsResponse(active=active, data=jobs)


@router.get(
    f"{CHECKPOINTS}/{{job_id}}",
    response_model=Job,
    responses=refusing(HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED),
)
async def get_load(job_id: str, raw_request: Request) -> Job:
    """One load."""
    for job in _checkpoints(raw_request).jobs:
        if job.id == job_id:
            return _shown(job, raw_request)
    raise HTTPException(HTTPStatus.NOT_FOUND, f"no load {job_id!r}: GET {CHECKPOINTS} lists them")


@router.post(
    CHECKPOINTS,
    response_model=Job,
    status_code=HTTPStatus.ACCEPTED,
    responses=refusing(HTTPStatus.NOT_IMPLEMENTED),
    dependencies=[Depends(validate_json_request)],
)
async def load_checkpoint(request: LoadRequest, raw_request: Request) -> JSONResponse:
    """Take up a checkpoint. Returns at once; the job tells how far it is."""
    checkpoints = _checkpoints(raw_request)
    try:
        path = await asyncio.to_thread(checkpoints.locate, Path(request.path))
        asked_by = caller_of(raw_request.scope).id
        job = checkpoints.load(path, request.strategy, force=request.force, asked_by=asked_by)
    except CheckpointRejected as error:
        raise RequestError(str(error), "body.path") from error
    except QueueFullError as error:
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, str(error)) from error
    return _accepted(job)


@router.post(
    f"{CHECKPOINTS}/rollback",
    response_model=Job,
    status_code=HTTPStatus.ACCEPTED,
    responses=refusing(HTTPStatus.CONFLICT, HTTPStatus.NOT_IMPLEMENTED),
)
async def roll_back(raw_request: Request, request: RollbackRequest | None = None) -> JSONResponse:
    """Take up again what was active before."""
    checkpoints = _checkpoints(raw_request)
    try:
        force = request is not None and request.force
        job = checkpoints.roll_back(force=force, asked_by=caller_of(raw_request.scope).id)
    except NoPredecessorError as error:
        raise HTTPException(HTTPStatus.CONFLICT, str(error)) from error
    except QueueFullError as error:
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, str(error)) from error
    return _accepted(job)


def _accepted(job: Job) -> JSONResponse:
    return JSONResponse(
        job.model_dump(mode="json"),
        HTTPStatus.ACCEPTED,
        headers={"location": f"{CHECKPOINTS}/{job.id}"},
    )


def _shown(job: Job, raw_request: Request) -> Job:
    return job if caller_of(raw_request.scope).administers else job.for_everybody()


def _checkpoints(raw_request: Request) -> Checkpoints:
    state: LaServeState = raw_request.app.state.laserve
    if state.checkpoints is None:
        raise HTTPException(
            HTTPStatus.NOT_IMPLEMENTED,
            "this server loads no checkpoints: start it with --checkpoint-root DIR or "
            "--watch-checkpoints DIR",
        )
    return state.checkpoints
