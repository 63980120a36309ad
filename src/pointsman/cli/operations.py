"""The commands of operations and resources: each asks a server, and shows what it answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pointsman.cli import output
from pointsman.cli.errors import ServerError
from pointsman.cli.operation_flags import (
    Act,
    Addition,
    Asked,
    Change,
    Completion,
    Failure,
    Listing,
    One,
    Running,
    Steering,
)
from pointsman.cli.operation_lines import (
    HEADERS,
    REQUEST_HEADERS,
    RESOURCE_HEADERS,
    block,
    reasons,
    request_line,
    request_row,
    resource_row,
    row,
    state_line,
)
from pointsman.cli.rest_client import Refused, Server, access_of
from pointsman.runtime.clock import SystemClock


def add(asked: Addition) -> None:
    body = asked.body(SystemClock().now())
    with connected(asked) as server:
        path = at(asked.resource, "operations", "add")
        (added,) = server.post(*path, why=asked.why, once=asked.once, body=body)
        _show(server, asked, added["operation"]["id"], asked.resource)


def list_(asked: Listing) -> None:
    query = {"state": asked.of_state, "job_id": asked.job}
    found: list[dict[str, Any]] = []
    with connected(asked) as server:
        for resource_id in _resources(server, asked):
            path, most = at(resource_id, "operations"), asked.limit - len(found)
            found += server.pages(*path, most=most, **query)
    if asked.as_json:
        output.json({"operations": found})
        return
    if found:
        output.table(HEADERS, [row(one, asked.zone) for one in found], words=len(HEADERS))
    more = ", and maybe more: see --limit" if len(found) == asked.limit else ""
    output.line(f"{len(found)} operation{'' if len(found) == 1 else 's'}{more}")


def show(asked: One) -> None:
    with connected(asked) as server:
        resource_id = _resource_of(server, asked.id, asked.resource)
        _show(server, asked, asked.id, resource_id)


def why(asked: One) -> None:
    with connected(asked) as server:
        resource_id = _resource_of(server, asked.id, asked.resource)
        detail = server.get(*at(resource_id, "operations", asked.id, "detail"))
    if asked.as_json:
        output.json({"id": asked.id, "phase": detail["phase"], "blocked_by": detail["blocked_by"]})
        return
    for text in reasons(detail):
        output.line(text)


def requests(asked: Asked) -> None:
    found: list[dict[str, Any]] = []
    with connected(asked) as server:
        for resource_id in _resources(server, asked):
            pending = server.get(*at(resource_id, "requests"))
            found += ({**one, "resource_id": resource_id} for one in pending)
    if asked.as_json:
        output.json({"requests": found})
        return
    if found:
        rows = [request_row(one, asked.zone) for one in found]
        output.table(REQUEST_HEADERS, rows, words=len(REQUEST_HEADERS))
    output.line(f"{len(found)} request{'' if len(found) == 1 else 's'}")


def approve(asked: Act) -> None:
    _answer(asked, accepted=True)


def deny(asked: Act) -> None:
    _answer(asked, accepted=False)


def update(asked: Change) -> None:
    _do(asked, "update", asked.body(SystemClock().now()))


def complete(asked: Completion) -> None:
    _do(asked, "complete", asked.body())


def fail(asked: Failure) -> None:
    _do(asked, "fail", {"reason": asked.reason, "error_code": asked.code})


@dataclass(frozen=True, slots=True)
class Failed:
    """Of several operations, one for which it did not work."""

    id: str
    error: str


def steer(asked: Steering) -> None:
    """Each by itself: one that is refused holds up no other."""
    done: list[dict[str, Any]] = []
    failed: list[Failed] = []
    with connected(asked) as server:
        for id in asked.ids:
            try:
                resource_id = _resource_of(server, id, asked.resource)
                done.append(
                    server.post(*at(resource_id, "operations", id, asked.verb), why=asked.why)
                )
            except Refused as error:
                failed.append(Failed(id, str(error)))
    if asked.as_json:
        output.json({"operations": done, "failed": failed})
    else:
        for one in done:
            output.line(_outcome(one, asked))
    if failed:
        raise ServerError("; ".join(f"{one.id}: {one.error}" for one in failed))


def resource_list(asked: Asked) -> None:
    with connected(asked) as server:
        found = server.get("resources")
    if asked.as_json:
        output.json({"resources": found})
        return
    output.table(RESOURCE_HEADERS, map(resource_row, found), words=2)


def resource_steer(asked: Running) -> None:
    body = {"why": asked.why} if asked.verb == "pause" else None
    with connected(asked) as server:
        path = at(asked.resource, "dispatcher", asked.verb)
        steered = server.post(*path, why=asked.why, body=body)
    if asked.as_json:
        output.json(steered["state"])
    else:
        output.line(state_line(steered["state"]))


@contextmanager
def connected(asked: Asked) -> Iterator[Server]:
    """The server that is meant.

    Raises:
        FlagError: If its URL is none.
    """
    with Server(access_of(asked.url, asked.key, asked.timeout)) as server:
        yield server


def at(resource_id: str | None, *path: str) -> tuple[str, ...]:
    """Where the door has that. At the root: the site's first resource."""
    return path if resource_id is None else ("resources", resource_id, *path)


def _resources(server: Server, asked: Asked) -> Sequence[str]:
    if asked.resource is not None:
        return [asked.resource]
    return [one["resource_id"] for one in server.get("resources")]


def _resource_of(server: Server, id: str, named: str | None) -> str | None:
    """The resource that has this operation. None: the first one.

    Raises:
        Refused: If none has.
    """
    if named is not None:
        return named
    try:
        server.get("operations", id)
    except Refused as error:
        if error.code != "operation_not_found":
            raise
        for resource_id in [one["resource_id"] for one in server.get("resources")][1:]:
            if _has(server, resource_id, id):
                return str(resource_id)
        raise
    return None


def _has(server: Server, resource_id: str, id: str) -> bool:
    try:
        server.get(*at(resource_id, "operations", id))
    except Refused as error:
        if error.code != "operation_not_found":
            raise
        return False
    return True


def _answer(asked: Act, *, accepted: bool) -> None:
    id, _, number = asked.id.partition(".")
    with connected(asked) as server:
        resource_id = _resource_of(server, id, asked.resource)
        request_id = asked.id
        if not number:
            request = server.get(*at(resource_id, "operations", id, "detail"))["request"]
            if request is None:
                raise ServerError(f"nothing is asked about operation {id}: there is no request")
            request_id = request["request_id"]
        body = {"accepted": accepted, "reasoning": asked.why}
        server.post(*at(resource_id, "requests", request_id, "answer"), why=asked.why, body=body)
        _show(server, asked, id, resource_id)


def _do(asked: Act | Change, verb: str, body: dict[str, Any]) -> None:
    with connected(asked) as server:
        resource_id = _resource_of(server, asked.id, asked.resource)
        server.post(*at(resource_id, "operations", asked.id, verb), why=asked.why, body=body)
        _show(server, asked, asked.id, resource_id)


def _show(server: Server, asked: Asked, id: str, resource_id: str | None) -> None:
    detail = server.get(*at(resource_id, "operations", id, "detail"))
    if asked.as_json:
        output.json(detail)
        return
    for text in block(detail, asked.zone):
        output.line(text)


def _outcome(answer: dict[str, Any], asked: Asked) -> str:
    """What came of it: it is done, or somebody is asked."""
    if "request" in answer:
        return request_line(answer["request"], asked.zone)
    operation = answer["operation"]
    return f"{operation['id']} is {operation['state']}"
