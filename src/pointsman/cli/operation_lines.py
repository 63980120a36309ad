"""Operations, requests and resources as people read them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from pointsman.cli.durations import duration_words
from pointsman.cli.moments import local
from pointsman.cli.output import plain

HEADERS: Final = ("id", "resource", "state", "priority", "release", "due", "job", "payload")
REQUEST_HEADERS: Final = ("request", "resource", "asks to", "answer by")
RESOURCE_HEADERS: Final = ("resource", "state", "queued", "current operation")
PAYLOAD_SHOWN: Final = 40
"""Characters of a payload in a list."""
MILLISECOND: Final = timedelta(milliseconds=1)

Json = Mapping[str, Any]


def row(status: Json, zone: tzinfo | None) -> tuple[str, ...]:
    operation = status["operation"]
    return (
        operation["id"],
        operation["resource_id"],
        operation["state"],
        str(operation["priority"]),
        when(operation["release_date"], zone),
        when(operation["due_date"], zone),
        operation["job_id"] or "-",
        _short(json.dumps(operation["payload"], ensure_ascii=False)),
    )


def block(detail: Json, zone: tzinfo | None) -> Iterator[str]:
    """All there is to know of one, a line each."""
    operation = detail["operation"]
    yield f"operation {operation['id']} of {operation['resource_id']}"
    for name, value in _facts(detail, operation, zone):
        if value not in (None, "", "-", "NONE"):
            yield f"  {name:<18} {plain(str(value))}"
    for one in detail["blocked_by"]:
        yield f"  {'waits':<18} {plain(one['line'])}"


def reasons(detail: Json) -> Iterator[str]:
    """Why it does not start."""
    id, phase = detail["operation"]["id"], detail["phase"]
    if not detail["blocked_by"]:
        at_once = "nothing keeps it back: it is its turn" if phase == "QUEUED" else f"it is {phase}"
        yield f"operation {id}: {at_once}"
        return
    yield f"operation {id} is {phase}:"
    for one in detail["blocked_by"]:
        yield f"  {plain(one['line'])}"


def request_row(request: Json, zone: tzinfo | None) -> tuple[str, ...]:
    return (
        request["request_id"],
        request["resource_id"],
        request["kind"].lower(),
        when(request["answer_by"], zone),
    )


def request_line(request: Json, zone: tzinfo | None) -> str:
    return (
        f"{request['operation_id']}: somebody is asked whether to {request['kind'].lower()} it, "
        f"until {when(request['answer_by'], zone)}, by request {request['request_id']}"
    )


def resource_row(resource: Json) -> tuple[str, ...]:
    return (
        resource["resource_id"],
        _state(resource),
        str(resource["queue_size"]),
        resource["current_operation_id"] or "-",
    )


def state_line(state: Json) -> str:
    current = state["current_operation"]
    busy = f"; it works at {current['id']}" if current else ""
    return f"{state['resource_id']} is {_state(state)}, with {state['queue_size']} queued{busy}"


def when(instant: str | None, zone: tzinfo | None) -> str:
    return local(datetime.fromisoformat(instant) if instant else None, zone)


def _facts(detail: Json, operation: Json, zone: tzinfo | None) -> Iterator[tuple[str, object]]:
    request, progress = detail["request"], detail["progress"]
    yield "state", operation["state"]
    yield "phase", detail["phase"] if detail["phase"] != operation["state"] else None
    yield "outcome", operation["outcome"]
    yield "reason", operation["termination_reason"]
    yield "error", detail["error"]
    yield "error code", detail["error_code"]
    yield "payload", json.dumps(operation["payload"], ensure_ascii=False)
    yield "result", json.dumps(detail["result"]) if detail["result"] is not None else None
    yield "priority", operation["priority"]
    yield "job", operation["job_id"]
    yield "after", ", ".join(one["depends_on_operation_id"] for one in operation["dependencies"])
    yield "created", when(operation["created_at"], zone)
    yield "release", when(operation["release_date"], zone)
    yield "due", when(operation["due_date"], zone)
    yield "planned", _duration(operation["planned_duration"])
    yield "started", when(operation["start_time"], zone)
    yield "finished", when(operation["finish_time"], zone)
    yield "progress", f"{progress['fraction']:.0%} {progress['note']}".strip() if progress else None
    yield "tried again", operation["retry_count"] or None
    yield "denied", detail["denials"] or None
    if request:
        by = when(request["answer_by"], zone)
        yield "request", f"{request['request_id']} to {request['kind'].lower()} it, until {by}"


def _state(resource: Json) -> str:
    if not resource["is_running"]:
        return "stopped"
    return "paused" if resource["is_paused"] else "running"


def _duration(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    duration = milliseconds * MILLISECOND
    whole = duration % timedelta(seconds=1) == timedelta()
    return duration_words(int(duration.total_seconds())) if whole else f"{milliseconds} ms"


def _short(text: str) -> str:
    return text if len(text) <= PAYLOAD_SHOWN else f"{text[: PAYLOAD_SHOWN - 1]}…"
