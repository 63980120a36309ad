"""Jobs: all operations of one label, held, released and cancelled together."""

from typing import Annotated, Final

from fastapi import APIRouter, Path

from pointsman.api.operations import JobView
from pointsman.api.rest.answers import JobCancelled, JobState, PendingRequest
from pointsman.api.rest.bodies import Cancellation, Change
from pointsman.api.rest.desk import Changing, Desk, Seeing
from pointsman.api.rest.errors import Problem
from pointsman.operations.authors import left_of_job
from pointsman.operations.checks import JOB_ID_LENGTH_MOST, NotFound
from pointsman.operations.intents import CancelJob, HoldJob

router: Final = APIRouter(prefix="/jobs", tags=["Jobs"])
JobId = Annotated[str, Path(min_length=1, max_length=JOB_ID_LENGTH_MOST)]


@router.get("")
async def list_jobs(desk: Seeing) -> list[JobState]:
    """The jobs of all operations that have not long been over."""
    return [_state(view) for view in await desk.house.operations.jobs(desk.resource_id)]


@router.get("/{job_id:path}")
async def get_job(desk: Seeing, job_id: JobId) -> JobState:
    """A job, and in which states its operations are."""
    return await _job(desk, job_id)


@router.post("/{job_id:path}/hold")
async def hold_job(desk: Changing, job_id: JobId, body: Change | None = None) -> JobState:
    """Let no more operation of it start until it is released."""
    return await _held(desk, job_id, body, held=True)


@router.post("/{job_id:path}/release")
async def release_job(desk: Changing, job_id: JobId, body: Change | None = None) -> JobState:
    """Let a job that was held go on."""
    return await _held(desk, job_id, body, held=False)


@router.post("/{job_id:path}/cancel")
async def cancel_job(
    desk: Changing, job_id: JobId, body: Cancellation | None = None
) -> JobCancelled:
    """Cancel all of it that has not ended. Where somebody is asked for leave, they are asked."""
    said = body or Cancellation()
    reason = said.termination_reason
    try:
        parts = left_of_job(await desk.look(), job_id)
    except NotFound as error:
        raise _no_job(job_id) from error
    for ids in parts:
        await desk.ask(CancelJob(job_id, ids, reason, **desk.asked(said.meta_data)))
    job, resource = await _job(desk, job_id), await desk.look()
    members = (resource.operations[id] for id in sorted(resource.members.get(job_id, ())))
    pending = [PendingRequest.of(one, one.request) for one in members if one.request]
    return JobCancelled(**dict(job), requests=pending)


async def _held(desk: Desk, job_id: str, body: Change | None, *, held: bool) -> JobState:
    hold = HoldJob(job_id, held, **desk.asked(body.meta_data if body else {}))
    try:
        await desk.ask(hold)
    except NotFound as error:
        raise _no_job(job_id) from error
    return await _job(desk, job_id)


async def _job(desk: Desk, job_id: str) -> JobState:
    for view in await desk.house.operations.jobs(desk.resource_id):
        if view.job.id == job_id:
            return _state(view)
    raise _no_job(job_id)


def _state(view: JobView) -> JobState:
    return JobState(job_id=view.job.id, held=view.job.held, operations=dict(view.counts))


def _no_job(job_id: str) -> Problem:
    return Problem(404, "job_not_found", f"there is no operation of the job {job_id!a}")
