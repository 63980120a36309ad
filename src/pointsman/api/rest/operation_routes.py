"""Operations themselves: to add, find, change, hold and try them again."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor

from pointsman.api.operations import PAGE_MOST
from pointsman.api.rest.answers import Detail, Status
from pointsman.api.rest.bodies import Change, Changes, NewOperations
from pointsman.api.rest.desk import Changing, Desk, OperationId, Seeing
from pointsman.api.rest.errors import Problem
from pointsman.api.rest.fields import Id, Seq
from pointsman.api.rest.happenings import DispatchEvent, answered, said
from pointsman.api.rest.listings import listed
from pointsman.operations import model
from pointsman.operations.checks import Invalid, check_work
from pointsman.operations.facts import Added
from pointsman.operations.intents import Add, Hold, New, Retry, Update
from pointsman.operations.model import Phase, State
from pointsman.operations.queue import Resource
from pointsman.operations.views import in_queue_order
from pointsman.runtime.operation_pages import FINISHED, Window

REVISION: Final = r'^"?[0-9]{1,18}"?$'
"""As `ETag` says it, or the bare number."""

router: Final = APIRouter(tags=["Operations"])


class _Page(NamedTuple):
    operations: list[model.Operation]
    more: dict[str, str]
    """What asks for the next one. Empty: there is none."""


@router.get("/operations", response_model=list[Status])
async def list_operations(
    desk: Seeing,
    request: Request,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    job_id: Annotated[str | None, Query(description="Only those of this job.")] = None,
    limit: Annotated[
        int | None, Query(ge=1, le=PAGE_MOST, description="Without: all of the queue.")
    ] = None,
    after: Annotated[Id | None, Query(description="Of the queue: what comes after this.")] = None,
    before: Annotated[Seq, Query(description="Of what has ended: what came before.")] = None,
) -> Response:
    """The current operation, then the queue in its order. With a final state: the last to end.

    `Link` has the next page, if there is one.
    """
    if state is not None and state in FINISHED:
        _refuse("after", after)
        page = await _ended(desk, state, job_id, limit or PAGE_MOST, before)
    else:
        _refuse("before", before)
        last = await desk.get(after) if after else None
        page = _unfinished(await desk.look(), state, job_id, limit, last)
    query = urlencode({**request.query_params, **page.more})
    headers = {"Link": f'<?{query}>; rel="next"'} if page.more else {}
    return listed(desk.resource_id, page.operations, headers)


@router.get("/operations/current")
async def current_operation(desk: Seeing) -> Status:
    """The operation that runs."""
    resource = await desk.look()
    current = resource.operations[resource.active] if resource.active else None
    if current is None or current.state is not State.RUNNING:
        raise Problem(404, "no_running_operation", "no operation is running")
    return Status.of(desk.resource_id, current)


@router.post("/operations/add", status_code=201)
async def add_operations(desk: Changing, body: NewOperations, response: Response) -> list[Status]:
    """Add all of these operations, or none."""
    now = desk.now()
    ids = desk.once.ids(len(body))
    new = tuple(New(id, one.work(now)) for id, one in zip(ids, body, strict=True))
    async with desk.house.turns.of(desk.once):
        if desk.once.key is not None and (first := await _added_before(desk, ids)):
            response.headers["Idempotent-Replayed"] = "true"
            return [Status.of(desk.resource_id, operation) for operation in first]
        try:
            facts = await desk.ask(Add(new=new, **desk.asked({})))
        except Invalid as error:
            raise _rejected(new, error) from error
    added = [fact.operation for fact in facts if isinstance(fact, Added)]
    return [Status.of(desk.resource_id, operation) for operation in added]


class _NotAdd(StringConvertor):
    """What comes after `/operations/`, unless it is where operations are added."""

    regex = "(?!add$)[^/]+"


register_url_convertor("not_add", _NotAdd())


@router.get("/operations/{operation_id:not_add}")
async def get_operation(desk: Seeing, operation_id: OperationId) -> Status:
    """An operation, however long ago it has ended."""
    return Status.of(desk.resource_id, await desk.get(operation_id))


@router.get("/operations/{operation_id}/detail")
async def get_operation_detail(
    desk: Seeing, operation_id: OperationId, response: Response
) -> Detail:
    """All there is to know of an operation; why it is not starting, too."""
    operation = await desk.get(operation_id)
    resource = await desk.look()
    operation = resource.operations.get(operation_id, operation)
    response.headers["ETag"] = f'"{operation.revision}"'
    return Detail.seen(desk.resource_id, resource, operation, desk.now())


@router.get("/operations/{operation_id}/events", response_model=list[DispatchEvent])
async def list_operation_events(
    desk: Seeing,
    operation_id: OperationId,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_MOST,
    after: Seq = None,
    every: bool = False,
) -> Response:
    """What happened to an operation, oldest first. `every`: not only documented events."""
    await desk.get(operation_id)
    events = await desk.events(Window(limit, after=after), operation_id, every=every)
    return answered([said(event) for event in events])


@router.post("/operations/{operation_id}/update")
async def update_operation(
    desk: Changing,
    operation_id: OperationId,
    body: Changes,
    if_match: Annotated[
        str | None, Header(pattern=REVISION, description="Only if it has this revision yet.")
    ] = None,
) -> Status:
    """Give an operation that waits, or is paused, new values."""
    revision = int(if_match.strip('"')) if if_match else None
    update = Update(operation_id, body.values(), revision, **desk.asked({}))
    try:
        operation = await desk.change(operation_id, update)
    except Invalid as error:
        raise Problem(400, "invalid_updates", str(error)) from error
    return Status.of(desk.resource_id, operation)


@router.post("/operations/{operation_id}/hold")
async def hold_operation(
    desk: Changing, operation_id: OperationId, body: Change | None = None
) -> Status:
    """Let a queued operation wait until it is released."""
    return await _held(desk, operation_id, body, held=True)


@router.post("/operations/{operation_id}/release")
async def release_operation(
    desk: Changing, operation_id: OperationId, body: Change | None = None
) -> Status:
    """Let an operation that was held go on."""
    return await _held(desk, operation_id, body, held=False)


@router.post("/operations/{operation_id}/retry")
async def retry_operation(
    desk: Changing, operation_id: OperationId, body: Change | None = None
) -> Status:
    """Try an operation again that is in quarantine, or that rests."""
    meta = body.meta_data if body else {}
    operation = await desk.change(operation_id, Retry(operation_id, **desk.asked(meta)))
    return Status.of(desk.resource_id, operation)


async def _held(desk: Desk, id: str, body: Change | None, *, held: bool) -> Status:
    hold = Hold(id, held, **desk.asked(body.meta_data if body else {}))
    return Status.of(desk.resource_id, await desk.change(id, hold))


async def _added_before(desk: Desk, ids: list[str]) -> list[model.Operation]:
    """What came of the same key before: the operations as they were then."""
    first = await desk.events(Window(10, after=0), ids[0], every=True)
    if not desk.once.answered(first):
        return []
    added = [await desk.events(Window(1, after=0), id, every=True) for id in ids]
    return [event.operation for events in added for event in events if event.operation]


def _rejected(new: Sequence[New], error: Invalid) -> Problem:
    """What makes no sense by itself, or among those that are there."""
    for index, one in enumerate(new):
        try:
            check_work(one.work)
        except Invalid as own:
            return Problem(400, "invalid_operation", str(own), {"index": index})
    named = [index for index, one in enumerate(new) if one.id in str(error)]
    details = {"index": named[0]} if named else None
    return Problem(400, "operation_rejected", str(error), details)


def _refuse(name: str, place: object) -> None:
    if place is not None:
        line = f"{name} is no place in this list: use its Link"
        raise Problem(400, f"invalid_{name}", line, {"field": name})


async def _ended(
    desk: Desk, state: State, job_id: str | None, limit: int, before: int | None
) -> _Page:
    """Those that ended last, the last one first, and those in quarantine before all."""
    ended = await desk.house.operations.ended(
        desk.resource_id, Window(limit, before=before), states=[state], job_id=job_id
    )
    more = {"before": str(ended[0][0])} if len(ended) == limit else {}
    parked: list[model.Operation] = []
    if state is State.FAILED and before is None:
        known = (await desk.look()).operations.values()
        parked = [one for one in known if one.phase is Phase.QUARANTINED and _is_of(one, job_id)]
    return _Page([*parked, *(operation for _, operation in reversed(ended))], more)


def _unfinished(
    resource: Resource,
    state: State | None,
    job_id: str | None,
    limit: int | None,
    last: model.Operation | None,
) -> _Page:
    """What is not over: the active one, then the queue."""
    found = in_queue_order(resource, last, job_id=job_id, whole=limit is None)
    if state not in (None, State.QUEUED):  # At most the first one, and nobody need look further.
        found = islice(found, 1)
    fitting = (one for one in found if state in (None, one.state))
    if limit is None:
        return _Page([*fitting], {})
    page = [*islice(fitting, limit + 1)]
    more = {"after": page[limit - 1].id} if len(page) > limit else {}
    return _Page(page[:limit], more)


def _is_of(operation: model.Operation, job_id: str | None) -> bool:
    return job_id in (None, operation.work.job_id)
