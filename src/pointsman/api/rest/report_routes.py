"""Reports: what an executor says of the operation that it carries out."""

from typing import Any, Final

from fastapi import APIRouter

from pointsman.api.rest.answers import Status
from pointsman.api.rest.bodies import Advance, Completion, Failure, Report
from pointsman.api.rest.desk import Changing, Desk, OperationId
from pointsman.operations.intents import Complete, Fail, Heartbeat, ReportProgress

router: Final = APIRouter(tags=["Reports"])


@router.post("/operations/{operation_id}/complete")
async def complete_operation(
    desk: Changing, operation_id: OperationId, body: Completion | None = None
) -> Status:
    """It has ended as it should."""
    said = body or Completion()
    complete = Complete(operation_id, said.result, **_about(desk, said))
    return Status.of(desk.resource_id, await desk.change(operation_id, complete))


@router.post("/operations/{operation_id}/fail")
async def fail_operation(desk: Changing, operation_id: OperationId, body: Failure) -> Status:
    """It has failed. Whether it is tried again, the resource's policy says."""
    reason, error = body.meant()
    fail = Fail(operation_id, reason, error, body.error_code, **_about(desk, body))
    return Status.of(desk.resource_id, await desk.change(operation_id, fail))


@router.post("/operations/{operation_id}/progress")
async def report_progress(desk: Changing, operation_id: OperationId, body: Advance) -> Status:
    """How far it is. This is a sign of life, too."""
    progress = ReportProgress(operation_id, body.fraction, body.note, **_about(desk, body))
    return Status.of(desk.resource_id, await desk.change(operation_id, progress))


@router.post("/operations/{operation_id}/heartbeat")
async def report_heartbeat(
    desk: Changing, operation_id: OperationId, body: Report | None = None
) -> Status:
    """Its executor lives."""
    heartbeat = Heartbeat(operation_id, **_about(desk, body or Report()))
    return Status.of(desk.resource_id, await desk.change(operation_id, heartbeat))


def _about(desk: Desk, said: Report) -> dict[str, Any]:
    return {"attempt": said.attempt, **desk.asked(said.meta_data)}
