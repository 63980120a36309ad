"""The commands of dispatches: each asks a server, and shows what it answers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from pointsman.cli import dispatch_requests as requests
from pointsman.cli import output
from pointsman.cli.dispatch_client import Lost, Refused, Server, connected
from pointsman.cli.dispatch_flags import (
    Access,
    Asked,
    Change,
    Coming,
    Creation,
    Listing,
    Several,
)
from pointsman.cli.dispatch_lines import (
    HEADERS,
    as_json,
    block,
    row,
    run_words,
    standing,
    target_words,
)
from pointsman.cli.dispatch_words import dispatch_of, dispatches_of
from pointsman.cli.errors import FlagError, ServerError
from pointsman.cli.moments import local, moment_of
from pointsman.cli.stopping import until_stopped
from pointsman.config import read_settings
from pointsman.dispatch_api.messages import Unreadable
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.recurrence import FOREVER
from pointsman.dispatches.runs import Run, runs_between
from pointsman.runtime.clock import SystemClock

AGAIN_SECONDS: Final = 1.0
"""How long `stream` waits before it tries a lost server again."""
FAILURES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """Of several dispatches, one for which it did not work."""

    id: int
    error: str


def create(asked: Creation) -> None:
    now = _now()
    request = requests.creation(asked.microgrid_id, asked.data(now), start_now=asked.starts_now)
    _show(_with_server(asked, lambda server: server.create(request)), asked)


def update(asked: Change) -> None:
    microgrid_id, dispatch_id, changes = (
        asked.microgrid_id,
        dispatch_of(asked.id),
        asked.changes(_now()),
    )

    async def work(server: Server) -> Dispatch:
        if asked.anchors:
            payload = changes.get("payload")
            if payload is None:
                payload = (await server.get(microgrid_id, dispatch_id)).data.payload
            changes["payload"] = asked.anchored(payload)
        return await server.update(requests.update(microgrid_id, dispatch_id, changes))

    _show(_with_server(asked, work), asked)


def get(asked: Several) -> None:
    microgrid_id, ids, zone = asked.microgrid_id, dispatches_of(asked.ids), asked.zone

    async def work(server: Server) -> tuple[list[Dispatch], list[Failure]]:
        return await _each(ids, lambda one: server.get(microgrid_id, one))

    found, failed = _with_server(asked, work)
    now = _now()
    if asked.as_json:
        shown = [as_json(dispatch, now) for dispatch in found]
        output.json({"dispatches": shown, "failed": failed})
    else:
        for dispatch in found:
            for text in block(dispatch, now, zone):
                output.line(text)
    _refuse(failed, len(ids), "could not be got")


def delete(asked: Several) -> None:
    microgrid_id, ids = asked.microgrid_id, dispatches_of(asked.ids)

    async def work(server: Server) -> tuple[list[int], list[Failure]]:
        async def one(id: int) -> int:
            await server.delete(microgrid_id, id)
            return id

        return await _each(ids, one)

    deleted, failed = _with_server(asked, work)
    if asked.as_json:
        output.json({"deleted": deleted, "failed": failed})
    elif deleted:
        output.line(f"deleted: {', '.join(map(str, deleted))}")
    _refuse(failed, len(ids), "could not be deleted")


def list_(asked: Listing) -> None:
    now, zone = _now(), asked.zone
    itself = asked.running or asked.type is not None
    size = asked.page_size
    if size is None and asked.limit is not None and not itself:
        size = min(asked.limit, 1_000)
    request = requests.listing(asked.microgrid_id, asked.filter(now), asked.order(), size)

    async def work(server: Server) -> tuple[list[Dispatch], list[str]]:
        return await _listed(server.list(request), asked, now)

    found, unread = _with_server(asked, work)
    if asked.as_json:
        shown = [as_json(dispatch, now) for dispatch in found]
        output.json({"dispatches": shown, "unreadable": unread})
    elif found:
        output.table(HEADERS, [row(dispatch, now, zone) for dispatch in found], words=len(HEADERS))
    if not asked.as_json:
        output.line(f"{len(found)} dispatch{'' if len(found) == 1 else 'es'}")
    if unread:
        raise ServerError(f"{len(unread)} of its dispatches cannot be read; {unread[0]}")


def stream(asked: Asked) -> None:
    until_stopped(_follow(asked, asked.microgrid_id))


def next_(asked: Coming) -> None:
    microgrid_id, dispatch_id, zone = asked.microgrid_id, dispatch_of(asked.id), asked.zone
    now = _now()
    begin = moment_of(asked.from_, now, zone, "--from")
    end = moment_of(asked.until, now, zone, "--until") if asked.until else FOREVER
    dispatch = _with_server(asked, lambda server: server.get(microgrid_id, dispatch_id))
    stands = standing(dispatch, begin)
    if stands.problem:
        raise FlagError(f"dispatch {dispatch.id}: {stands.problem}")
    runs = list(islice(runs_between(dispatch, begin, end), asked.count))
    going = stands.running if stands.running and stands.running.start < begin else None
    if asked.as_json:
        output.json({"dispatch": dispatch.id, "running": going, "runs": runs})
        return
    if going is not None:
        output.line(f"running: {run_words(going, zone)}")
    for text in _run_lines(runs, dispatch, asked):
        output.line(text)


def _run_lines(runs: Sequence[Run], dispatch: Dispatch, asked: Coming) -> Sequence[str]:
    if not runs:
        why = "" if dispatch.data.active else ", as it is inactive"
        return [f"no run of dispatch {dispatch.id} is to come{why}"]
    return [run_words(run, asked.zone) for run in runs]


async def _listed(
    all: AsyncIterator[Dispatch | Unreadable], asked: Listing, now: datetime
) -> tuple[list[Dispatch], list[str]]:
    """Those that the command itself lets through, and why some could not be read."""
    found: list[Dispatch] = []
    unread: list[str] = []
    async for one in all:
        if isinstance(one, Unreadable):
            unread.append(str(one))
        elif asked.type is not None and one.data.type != asked.type:
            continue
        elif not asked.running or standing(one, now).running is not None:
            found.append(one)
        if asked.limit is not None and len(found) >= asked.limit:
            break
    return found, unread


async def _follow(asked: Asked, microgrid_id: int) -> None:
    """Print what happens, for ever. Once it was connected, a lost server is waited for."""
    access, zone, lost_at = _access(asked), asked.zone, None
    connected_once = False
    while True:
        try:
            async with connected(access) as server:
                async for told in server.stream(microgrid_id):
                    connected_once = True
                    if told is not None:
                        _event(*told, asked)
                    elif lost_at is None:
                        _note(f"listening to microgrid {microgrid_id} of {access.url}")
                    else:
                        since = local(lost_at, zone).replace(" ", "T")
                        look = f"pointsman dispatch list {microgrid_id} --updated-from {since}"
                        _note(f"listening again; for what changed meanwhile: {look}")
                        lost_at = None
        except Lost as error:
            if not connected_once:
                raise
            if lost_at is None:
                lost_at = _now()
                _note(f"{error}; trying again")
        await asyncio.sleep(AGAIN_SECONDS)


def _event(event: str, dispatch: Dispatch | Unreadable, asked: Asked) -> None:
    if isinstance(dispatch, Unreadable):
        _note(f"{event}, but it cannot be read: {dispatch}")
        return
    if asked.as_json:
        output.json({"event": event, "dispatch": as_json(dispatch, _now())}, indent=0)
    else:
        data = dispatch.data
        output.line(
            f"{local(dispatch.update_time, asked.zone)} {event} {dispatch.id} {data.type} "
            f"for {target_words(data.target)} from {local(data.start_time, asked.zone)}"
        )
    output.flush()


async def _each(
    ids: Sequence[int], work: Callable[[int], Awaitable[Any]]
) -> tuple[list[Any], list[Failure]]:
    """What came of each id. Once the server fails as a whole, the rest is not tried."""
    done: list[Any] = []
    failed: list[Failure] = []
    for n, id in enumerate(ids):
        try:
            done.append(await work(id))
        except Refused as error:
            failed.append(Failure(id, str(error)))
        except ServerError as error:
            if not done:
                raise
            failed.append(Failure(id, str(error)))
            failed += [Failure(rest, "not tried any more") for rest in ids[n + 1 :]]
            break
    return done, failed


def _refuse(failed: Sequence[Failure], count: int, what: str) -> None:
    if not failed:
        return
    if count == 1:
        raise ServerError(failed[0].error)
    shown = "; ".join(f"{one.id}: {one.error}" for one in failed[:FAILURES_SHOWN])
    more = ", …" if len(failed) > FAILURES_SHOWN else ""
    raise ServerError(f"{len(failed)} of {count} {what}: {shown}{more}")


def _show(dispatch: Dispatch, asked: Asked) -> None:
    if asked.as_json:
        output.json(as_json(dispatch, _now()))
        return
    for text in block(dispatch, _now(), asked.zone):
        output.line(text)


def _with_server(asked: Asked, work: Callable[[Server], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """What the work answers."""
    access = _access(asked)

    async def main() -> object:
        async with connected(access) as server:
            return await work(server)

    return until_stopped(main())


def _access(asked: Asked) -> Access:
    try:
        settings = read_settings(os.environ, grpc_url=asked.url, key=asked.key, secret=asked.secret)
    except ValueError as error:
        raise FlagError(str(error)) from error
    return Access(settings.grpc_url, settings.key, settings.secret, asked.timeout)


def _now() -> datetime:
    return SystemClock().now()


def _note(text: str) -> None:
    print(f"pointsman: {text}", file=sys.stderr, flush=True)  # noqa: T201  What a command says.
