"""Dispatches as every door offers them: what is asked goes to the engine, what is read is listed.

    create, update, delete --> engine --> journal --> record
    get, page <-- all that was answered before these were asked is in there by now

This holds no rules. It draws the ids, as the rules draw nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pointsman.dispatches import DISPATCHES, IDS, dispatches_id, ids_id
from pointsman.dispatches.checks import Invalid, NotFound
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.ids import SHARDS_MOST, Draw, drawn_ids
from pointsman.dispatches.intents import Create, Delete, Intent, Update
from pointsman.dispatches.model import Dispatch, DispatchData
from pointsman.dispatches.views import Page, Query
from pointsman.journal import Journal
from pointsman.runtime.dispatch_pages import DispatchPages
from pointsman.runtime.dispatch_table import DispatchTable, Quarantined
from pointsman.runtime.engine import Engine
from pointsman.runtime.projection import Projection
from pointsman.runtime.record import RecordKeeper

PAGE_MOST: Final = 1_000
DRAWN_FIRST: Final = 16
DRAWN_MOST: Final = 4_096
"""Ids of one draw: more each time, as what is drawn and not used is lost when this ends."""

Result = TypeVar("Result")


def dispatch_projections() -> tuple[Projection, ...]:
    """What a `RecordKeeper` must keep for `Dispatches`."""
    return (DispatchTable(),)


class Dispatches:
    """For as long as the engine and the keeper run. Close it in the end.

    All calls raise what the engine's `submit` raises, and `Unknown` if the record is not kept any
    more. Each error has a line for whoever asked.
    """

    def __init__(
        self, engine: Engine, journal: Journal, keeper: RecordKeeper, record: Path
    ) -> None:
        """`keeper` writes `record`, and keeps `dispatch_projections` in it.

        Raises:
            ValueError: If the journal has more shards than ids of dispatches can tell apart.
        """
        if journal.shards > SHARDS_MOST:
            raise ValueError(
                f"the journal has {journal.shards} shards: dispatches need one of at most"
                f" {SHARDS_MOST}"
            )
        self._engine = engine
        self._keeper = keeper
        self._record = record
        self._ids: dict[int, _Ids] = {}
        """By shard."""
        self._pages: DispatchPages | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="lists")

    def close(self) -> None:
        """Let go of the record, once what is being read is read."""
        self._reader.submit(self._close_pages)
        self._reader.shutdown()

    async def create(
        self, microgrid_id: int, data: DispatchData, *, start_now: bool = False
    ) -> Dispatch:
        """Make a new dispatch, which has a greater id than any before in its microgrid.

        Raises:
            Invalid: If `data` makes no sense.
        """
        ids = self._ids_of(microgrid_id)
        while (id := ids.take()) is None:
            await ids.draw()
        create = Create(id, microgrid_id, data, start_now=start_now)
        return await self._submit(microgrid_id, create)  # No other id is taken in between.

    async def update(
        self, microgrid_id: int, dispatch_id: int, changes: Mapping[str, Any]
    ) -> Dispatch:
        """Give new values by field, as `Update` has them. Returns all of it as it is then.

        Raises:
            NotFound: If there is no such dispatch.
            Invalid: If it would make no sense with these changes.
        """
        return await self._submit(microgrid_id, Update(dispatch_id, microgrid_id, changes))

    async def delete(self, microgrid_id: int, dispatch_id: int) -> Dispatch:
        """Delete a dispatch, and return its last state.

        Raises:
            NotFound: If there is no such dispatch.
        """
        return await self._submit(microgrid_id, Delete(dispatch_id, microgrid_id))

    async def get(self, microgrid_id: int, dispatch_id: int) -> Dispatch:
        """The dispatch as of now.

        Raises:
            NotFound: If there is no such dispatch.
        """
        found = await self._read(lambda pages: pages.get(microgrid_id, dispatch_id))
        if found is None:
            raise NotFound(f"microgrid {microgrid_id} has no dispatch {dispatch_id}")
        return found

    async def page(self, query: Query) -> Page:
        """A page of what fits, as of now.

        Raises:
            Invalid: If the page is to have no place, or too many.
        """
        if not 1 <= query.page_size <= PAGE_MOST:
            raise Invalid(f"page_size is {query.page_size}: 1 to {PAGE_MOST} are allowed")
        return await self._read(lambda pages: pages.page(query))

    async def quarantined(self) -> list[Quarantined]:
        """What is left out everywhere, since it cannot be read."""
        return await self._read(lambda pages: pages.quarantined())

    async def _submit(self, microgrid_id: int, intent: Intent) -> Dispatch:
        facts = await self._engine.submit(DISPATCHES, dispatches_id(microgrid_id), intent)
        for fact in facts:
            if isinstance(fact, Created | Updated | Deleted):
                return fact.dispatch
        raise Invalid(f"dispatch {intent.dispatch_id} of microgrid {microgrid_id} is there already")

    async def _read(self, read: Callable[[DispatchPages], Result]) -> Result:
        await self._keeper.caught_up()
        return await asyncio.get_running_loop().run_in_executor(
            self._reader, partial(self._read_now, read)
        )

    def _read_now(self, read: Callable[[DispatchPages], Result]) -> Result:
        if self._pages is None:
            self._pages = DispatchPages(self._record)
        return read(self._pages)

    def _close_pages(self) -> None:
        if self._pages is not None:
            self._pages.close()

    def _ids_of(self, microgrid_id: int) -> "_Ids":
        shard = self._engine.shard_of(DISPATCHES, dispatches_id(microgrid_id))
        return self._ids.setdefault(shard, _Ids(self._engine, shard))


class _Ids:
    """Ids that were drawn from a shard and not used yet."""

    def __init__(self, engine: Engine, shard: int) -> None:
        self._engine, self._shard = engine, shard
        self._left: Iterator[int] = iter(())
        self._count = DRAWN_FIRST
        self._drawing = asyncio.Lock()
        self._draws = 0

    def take(self) -> int | None:
        """The next one. None: draw more."""
        return next(self._left, None)

    async def draw(self) -> None:
        """Draw more, unless somebody else has done so while this one waited for its turn."""
        draws = self._draws
        async with self._drawing:
            if draws == self._draws:
                count = self._count
                [drawn] = await self._engine.submit(IDS, ids_id(self._shard), Draw(count))
                self._left = iter(drawn_ids(drawn, count, self._shard))
                self._draws, self._count = draws + 1, min(2 * count, DRAWN_MOST)
