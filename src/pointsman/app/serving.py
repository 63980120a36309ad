"""A server: a journal, its record, and the doors to what is in them, joined.

callers --gRPC--> Dispatches --Create, ...--> engine --> journal --tail--> Updates --> streams
                      |                         ^           |  `--tail--> record
                      `<---- lists, from the record <-------'---> followers of claimed microgrids
                                                |           |
callers --REST--> Operating ------Add, ...------'           |
                      `<------------------tail--------------'
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
)
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from pointsman.api.dispatches import PAGE_MOST, Dispatches, dispatch_projections
from pointsman.api.grpc.server import serve_grpc
from pointsman.api.grpc.service import told
from pointsman.api.keys import Keys, check_exposure
from pointsman.api.listening import CannotListen, Tls
from pointsman.api.mcp.mounting import mounted
from pointsman.api.mcp.offering import Offer
from pointsman.api.operations import operation_projections
from pointsman.api.rest.server import serve_rest
from pointsman.api.updates import Updates
from pointsman.app.endings import LEAVE_SECONDS, LOOK_SECONDS, one_cause, replaced
from pointsman.app.operating import Operating
from pointsman.app.places import placement
from pointsman.config import Settings, Site, SiteError, read_keys, read_site
from pointsman.dispatches import DISPATCHES, FOLLOWER, IDS, microgrid_of
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.runs import GRACE
from pointsman.dispatches.views import Filter, Interval, Query, Sort, SortField
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.operations import OPERATIONS
from pointsman.reactions import Claimed
from pointsman.runtime.clock import SteadyClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.loading import collector_paused, keep_what_is_loaded, unfrozen
from pointsman.runtime.record import RecordKeeper
from pointsman.runtime.turns import short_turns

KINDS: Final = (DISPATCHES, IDS, FOLLOWER, OPERATIONS)
JOURNAL: Final = "journal.db"
RECORD: Final = "record.db"
OLDEST_FIRST: Final = Sort(SortField.CREATE_TIME, descending=False)


@dataclass(frozen=True, slots=True)
class Serving:
    """What to serve: the flags of `pointsman serve`."""

    settings: Settings
    sites: tuple[Path, ...] = ()
    take_over: bool = False
    allow_control: bool = False
    """Whether agents may change things over MCP."""
    http_must: bool = True
    """Whether to refuse to begin if REST cannot be served. With resources it must be."""

    def __post_init__(self) -> None:
        tls = self.settings.tls_certificate, self.settings.tls_key
        if (tls[0] is None) != (tls[1] is None):
            raise ValueError("--tls-certificate and --tls-key go together: give both, or neither")
        if self.settings.tls_client_ca is not None and tls[0] is None:
            raise ValueError("--tls-client-ca says who may come in over TLS: give a certificate")


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a server can be asked."""

    grpc_url: str
    """The Dispatch API."""
    http_url: str | None
    """REST, with MCP at `/mcp`. None: it could not be opened, and need not be."""
    why_no_http: str = ""


async def serve(serving: Serving, listening: Callable[[Doors], None]) -> None:
    """Serve until cancelled. `listening` is told once all doors are open.

    Raises:
        SiteError, DeviceTableError, Exposed, CannotListen, InUse, JournalUnreadable: If it cannot
            begin.
        Replaced: If another process took over meanwhile.
        JournalFailed: If nothing more can be written. Once it can, start again.
    """
    settings, sites = serving.settings, _sites(serving.sites)
    keys = Keys(read_keys(settings.keys)) if settings.keys else None
    for address in (settings.grpc, settings.http):
        check_exposure(address, keyed=keys is not None)
    settings.data.mkdir(parents=True, exist_ok=True)
    path = settings.data / JOURNAL
    with owning(path, take_over=serving.take_over, patience_seconds=LEAVE_SECONDS) as is_replaced:
        journal = SqliteJournal(path)
        try:
            with one_cause(path), short_turns(), unfrozen():
                await _Server(serving, sites, keys, journal).run(is_replaced, listening)
        finally:
            await journal.close()


class _Server:
    """One life of a server."""

    def __init__(
        self, serving: Serving, sites: Sequence[Site], keys: Keys | None, journal: SqliteJournal
    ) -> None:
        settings = serving.settings
        self._serving, self._settings = serving, settings
        self._sites, self._keys, self._journal = sites, keys, journal
        self._clock = SteadyClock()
        self._engine = Engine(KINDS, journal, self._clock, place=placement(*sites))
        self._record = settings.data / RECORD
        projections = (*dispatch_projections(), *operation_projections(journal))
        self._keeper = RecordKeeper(journal, self._record, projections=projections)
        self._operating = Operating(
            self._engine, journal, self._keeper, self._record, sites, self._clock
        )

    async def run(
        self, is_replaced: Callable[[], bool], listening: Callable[[Doors], None]
    ) -> None:
        """`is_replaced` tells whether another process has taken over."""
        operating = self._operating
        await asyncio.to_thread(operating.operations.load, self._journal.path)
        happenings = follow(self._journal, [DISPATCHES], await self._journal.end())
        updates = Updates(happenings, told)
        dispatches = Dispatches(self._engine, self._journal, self._keeper, self._record)
        claimed = self._claimed(dispatches)
        lives = (
            self._engine.run(operating.begun),
            self._keeper.run(),
            updates.run(),
            claimed.run(),
            operating.run(),
            operating.keep_time(self._clock),
        )
        with closing(dispatches), closing(operating):
            async with asyncio.TaskGroup() as tasks:
                for life in lives:
                    tasks.create_task(life)
                with collector_paused():
                    await self._engine.ready()
                    await self._keeper.caught_up()
                await operating.begin()
                keep_what_is_loaded()
                async with self._doors(dispatches, updates) as doors:
                    listening(doors)
                    while not is_replaced():  # noqa: ASYNC110  Files ring no bells.
                        await asyncio.sleep(LOOK_SECONDS)
                    raise replaced(self._settings.data)

    @asynccontextmanager
    async def _doors(self, dispatches: Dispatches, updates: Updates[bytes]) -> AsyncIterator[Doors]:
        """Where they are, while they are open."""
        settings, keys, tls, clock = self._settings, self._keys, self._tls(), self._clock
        plain, http_url, why = "" if tls else "?ssl=false", None, ""
        async with AsyncExitStack() as open_doors:
            grpc = serve_grpc(dispatches, updates, settings.grpc, keys=keys, tls=tls, clock=clock)
            grpc_port = await open_doors.enter_async_context(grpc)
            try:
                http_port = await open_doors.enter_async_context(self._http(tls))
                scheme = "https" if tls else "http"
                http_url = f"{scheme}://{settings.http._replace(port=http_port)}"
            except CannotListen as error:
                if self._serving.http_must or self._operating.operations.resource_ids:
                    raise
                why = str(error)
            grpc_url = f"grpc://{settings.grpc._replace(port=grpc_port)}{plain}"
            yield Doors(grpc_url, http_url, why)

    def _http(self, tls: Tls | None) -> AbstractAsyncContextManager[int]:
        """REST, with MCP behind the same entrance."""
        return serve_rest(
            self._operating.operations,
            self._settings.http,
            keys=self._keys,
            tls=tls,
            clock=self._clock,
            microgrids=self._operating.microgrids,
            beside=partial(mounted, offer=Offer(allow_control=self._serving.allow_control)),
        )

    def _claimed(self, dispatches: Dispatches) -> Claimed:
        """Follows, of the microgrids that sites claim, what has not long been over."""
        microgrid_ids = [site.microgrid.id for site in self._sites if site.microgrid]

        def pages(microgrid_id: int) -> AsyncIterator[Sequence[Dispatch]]:
            unfinished = Filter(end_time=Interval(self._clock.now() - GRACE))
            return _all_pages(dispatches, Query(microgrid_id, unfinished, OLDEST_FIRST, PAGE_MOST))

        with closing(SqliteReader(self._journal.path)) as reader:
            found = map(microgrid_of, reader.sites_now())
            earlier = [microgrid_id for microgrid_id in found if microgrid_id is not None]
        submit = self._engine.submit
        return Claimed(self._journal, submit, self._clock, microgrid_ids, pages, earlier=earlier)

    def _tls(self) -> Tls | None:
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if certificate is None or key is None:
            return None
        return Tls(certificate, key, self._settings.tls_client_ca)


async def _all_pages(dispatches: Dispatches, query: Query) -> AsyncIterator[Sequence[Dispatch]]:
    while True:
        page = await dispatches.page(query)
        yield page.dispatches
        if page.next is None:
            return
        query = replace(query, after=page.next)


def _sites(paths: Sequence[Path]) -> list[Site]:
    """The sites, each of another microgrid.

    Raises:
        SiteError: If one cannot be used, or two are the same.
    """
    sites: list[Site] = []
    for path in paths:
        site = read_site(path)
        for other in sites:
            if other.id == site.id:
                raise SiteError(f"{path}: site {site.id!r} was given already")
            if site.microgrid and other.microgrid and site.microgrid.id == other.microgrid.id:
                raise SiteError(
                    f"{path}: microgrid {site.microgrid.id} is claimed by site {other.id!r} already"
                )
        sites.append(site)
    return sites
