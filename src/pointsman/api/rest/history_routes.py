"""What has happened, and what happens: history by time, and events as a stream."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from pointsman.api.operation_events import Event
from pointsman.api.operations import PAGE_MOST
from pointsman.api.rest.answers import shown
from pointsman.api.rest.desk import Desk, Seeing, house_of, key_of
from pointsman.api.rest.errors import Problem
from pointsman.api.rest.fields import SEQ_MOST, Instant, Seq
from pointsman.api.rest.happenings import History, answered, said
from pointsman.api.rest.streams import Streams
from pointsman.operations.model import ENDED
from pointsman.runtime import operation_pages

HISTORY: Final = 50
FRAME: Final = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/DispatchEvent"},
        },
    },
}
STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events: `id` is `seq`, `event` the type, `data` the event.",
        "content": {"text/event-stream": {"schema": FRAME}},
    }
}

router: Final = APIRouter(tags=["Operations"])
stream: Final = APIRouter(tags=["Events"])


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/operations/history", response_model=History)
async def get_history(
    desk: Seeing,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = HISTORY,
    from_time: Annotated[Instant | None, Query(description="Included.")] = None,
    to_time: Annotated[Instant | None, Query(description="Included.")] = None,
    resolve_operations: Annotated[bool, Query(description="With their operations.")] = True,
    after: Annotated[Seq, Query(description="The first events after this `seq`.")] = None,
    before: Annotated[Seq, Query(description="The last events before this `seq`.")] = None,
    every: Annotated[bool, Query(description="Not only documented events.")] = False,
) -> Response:
    """The last events of a window of time, oldest first."""
    _check(from_time, to_time)
    window = operation_pages.Window(limit, from_time, to_time, after, before)
    events = await desk.events(window, every=every)
    operations = await _operations(desk, events) if resolve_operations else None
    return answered(
        {
            "resource_id": desk.resource_id,
            "window": {"start": from_time, "end": to_time},
            "events": [said(event) for event in events],
            "operations": operations,
            "created_at": desk.now(),
        }
    )


@stream.get("/events", response_class=EventStream, responses=STREAM)
async def stream_events(
    desk: Seeing,
    request: Request,
    after: Annotated[Seq, Query(description="What happened since the event of this `seq`.")] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=SEQ_MOST)] = None,
    every: Annotated[bool, Query(description="Not only documented events.")] = False,
    all_resources: Annotated[bool, Query(description="Of all resources.")] = False,
) -> EventStream:
    """What happens from here on, or after an event that was had before.

    `Last-Event-ID` goes before `after`: who comes back had more since.
    """
    streams: Streams = request.app.state.streams
    streams.check()
    house, key = house_of(request), key_of(request)
    place = after if last_event_id is None else last_event_id
    if place and place > (last := await house.operations.last_seq()):
        line = f"no event has the seq {place} yet, {last} is the latest: it is of another journal"
        field = "after" if last_event_id is None else "last-event-id"
        raise Problem(400, "unknown_seq", line, {"field": field})
    resource_id = None if all_resources else desk.resource_id
    subscribe = partial(house.operations.subscribe, resource_id, place, every=every)

    def shown(event: Event) -> bool:
        return house.guard.sees(key, event.resource_id)

    frames: AsyncIterator[bytes] = streams.of(subscribe, shown)
    return EventStream(frames, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


def _check(from_time: datetime | None, to_time: datetime | None) -> None:
    if from_time and to_time and to_time < from_time:
        line = "to_time is before from_time"
        raise Problem(400, "invalid_time_range", line, {"field": "to_time"})


async def _operations(desk: Desk, events: Sequence[Event]) -> list[dict[str, Any]]:
    """Those that the events are of, each once, as they are by now."""
    found = {event.operation.id: event.operation for event in events if event.operation}
    ids = [id for id, operation in found.items() if operation.phase not in ENDED]
    known = (await desk.look()).operations
    found.update((id, known[id]) for id in ids if id in known)
    if ended := [id for id in ids if id not in known]:
        since = await desk.house.operations.finished(desk.resource_id, ended)
        found.update((operation.id, operation) for operation in since)
    return [shown(desk.resource_id, operation) for operation in found.values()]
