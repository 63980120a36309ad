"""Control: to cancel, pause and resume an operation, and to answer what is asked about it."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from pointsman.api.rest.answers import Asked, PendingRequest, Status
from pointsman.api.rest.bodies import Cancellation, Change, Decision
from pointsman.api.rest.desk import Changing, Desk, OperationId, Seeing
from pointsman.api.rest.errors import Problem
from pointsman.operations import model
from pointsman.operations.intents import Answer, Cancel, Intent, Pause, Resume
from pointsman.operations.model import Ask

ASKED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Asked, "description": "Somebody is asked for leave first."}
}
REQUEST_ID: Final = re.compile(r"(?P<id>[A-Za-z0-9_-]+)\.(?P<number>0|[1-9][0-9]{0,17})")

router: Final = APIRouter(tags=["Operations"])
RequestId = Annotated[str, Path(description="As `GET /requests` has it.")]


@router.post("/operations/{operation_id}/cancel", responses=ASKED)
async def cancel_operation(
    desk: Changing, operation_id: OperationId, response: Response, body: Cancellation | None = None
) -> Status | Asked:
    """Cancel an operation, whether it is queued or goes on."""
    said = body or Cancellation()
    cancel = Cancel(operation_id, said.termination_reason, **desk.asked(said.meta_data))
    return await _controlled(desk, Ask.CANCEL, operation_id, cancel, response)


@router.post("/operations/{operation_id}/pause", responses=ASKED)
async def pause_operation(
    desk: Changing, operation_id: OperationId, response: Response, body: Change | None = None
) -> Status | Asked:
    """Pause the operation that runs."""
    pause = Pause(operation_id, **desk.asked(body.meta_data if body else {}))
    return await _controlled(desk, Ask.PAUSE, operation_id, pause, response)


@router.post("/operations/{operation_id}/resume", responses=ASKED)
async def resume_operation(
    desk: Changing, operation_id: OperationId, response: Response, body: Change | None = None
) -> Status | Asked:
    """Resume the operation that is paused."""
    resume = Resume(operation_id, **desk.asked(body.meta_data if body else {}))
    return await _controlled(desk, Ask.RESUME, operation_id, resume, response)


@router.get("/requests", tags=["Requests"])
async def list_requests(desk: Seeing) -> list[PendingRequest]:
    """What waits for an answer, the most urgent first."""
    resource, now = await desk.look(), desk.now()
    watched = (resource.operations[id] for _, id in resource.watched.in_order())
    pending = [(one, one.request) for one in watched if one.request is not None]
    asked = [PendingRequest.of(one, request) for one, request in pending if request.answer_by > now]
    return sorted(asked, key=lambda request: request.answer_by)


@router.post("/requests/{request_id}/answer", tags=["Requests"])
async def answer_request(desk: Changing, request_id: RequestId, body: Decision) -> Status:
    """Say whether something may be. A late answer, or one to something else, changes nothing."""
    parts = REQUEST_ID.fullmatch(request_id)
    if parts is None:
        raise _no_request(request_id)
    id, number = parts["id"], int(parts["number"])
    answer = Answer(
        id, number, body.accepted, body.reasoning, body.data, **desk.asked(body.meta_data)
    )
    try:
        operation = await desk.get(id)
    except Problem as error:
        raise _no_request(request_id) from error
    if not 1 <= number <= operation.requests:
        raise _no_request(request_id)
    return Status.of(desk.resource_id, await desk.change(id, answer))


def _no_request(request_id: str) -> Problem:
    return Problem(404, "request_not_found", f"there is no request {ascii(request_id)[1:-1][:200]}")


async def _controlled(
    desk: Desk, ask: Ask, id: str, intent: Intent, response: Response
) -> Status | Asked:
    operation: model.Operation = await desk.change(id, intent)
    if operation.request is not None and operation.request.ask is ask:
        response.status_code = 202
        return Asked(request=PendingRequest.of(operation, operation.request))
    return Status.of(desk.resource_id, operation)
