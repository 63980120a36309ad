"""One life of a dispatcher: an engine for what is followed, a server to follow, a hub to tell.

    connection --See, Listed--> engine --> journal --follow--> hub
    clock, taker --Wake, Take----^

The journal is in memory, and then it forgets all that the hub has heard; or it is a file, and
then all goes on from there after a restart, whether or not the server can be reached.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

from frequenz.client.dispatch import DispatchApiClient

from pointsman.core.entity import Rejected, Wake
from pointsman.dispatches import FOLLOWER, follower_id
from pointsman.dispatches.following import Followed, Intent, Take
from pointsman.dispatches.runs import Overlap
from pointsman.journal import START, Cursor, Fenced, Journal, Unknown
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.library.dispatch.connection import Connection
from pointsman.library.dispatch.hub import Hub
from pointsman.runtime.clock import Clock
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.loading import collector_paused
from pointsman.runtime.mirror import Known, Mirror

log = logging.getLogger(__name__)
NAME: Final = "library"
"""Of the follower, in its journal."""
FORGET_RECORDS: Final = 2_000
"""In memory, so many facts that were told are kept."""
FORGET_SECONDS: Final = 300.0
"""How often the past is dropped from a file."""
LOOK_SECONDS: Final = 1.0
"""How soon it is noticed that the clock was set, or that the computer has slept."""
SET_BY: Final = timedelta(milliseconds=500)
LAST_SECONDS: Final = 2.0
"""How long an end waits for what was taken to be written down."""
TAKES: Final = 500
"""Written down at once."""


class Life:
    _engine: Engine
    """Once it is alive."""

    def __init__(
        self,
        client: DispatchApiClient,
        microgrid_id: int,
        hub: Hub,
        clock: Clock,
        *,
        overlap: Overlap,
        journal: Path | None,
    ) -> None:
        """Opens the file, if there is one.

        Raises:
            InUse: If another process follows with this file.
            JournalUnreadable: If the file is something else.
        """
        self._id = follower_id(microgrid_id, NAME)
        self._clock = clock
        self._path = journal
        self._files = ExitStack()
        self._journal: Journal = self._open(journal)
        self._taken: dict[int, int] = {}
        self._some_taken = asyncio.Event()
        self._seen: Cursor = START
        self.initialized = asyncio.Event()
        """What is told is complete, as far as anybody here knows; or it has ended."""
        self.ended = False
        self._hub = hub
        hub.begin(self._take)
        self._connection = Connection(
            client,
            microgrid_id,
            self._submit,
            clock,
            overlap=overlap,
            unfinished=self._unfinished,
            on_listed=self.initialized.set,
        )

    async def run(self) -> None:
        """Live until cancelled.

        Raises:
            Fenced, Unknown: If the file has another owner by now, or cannot be written.
        """
        try:
            with collector_paused():
                known = await self._recall()
            self._engine = Engine([FOLLOWER], self._journal, self._clock, known=known)
            with _one_cause(self._path):
                await self._live(self._engine)
        finally:
            try:
                await self._close()
            finally:
                self.ended = True
                self.initialized.set()
                self._hub.close()  # Last: whoever hears of it may ask at once why it ended.

    async def _live(self, engine: Engine) -> None:
        async with asyncio.TaskGroup() as tasks:
            for life in (engine.run(), self._tell(), self._look(), self._tidy()):
                tasks.create_task(life)
            taking = tasks.create_task(self._write_taken())
            try:
                await self._connection.run()
            except asyncio.CancelledError:
                taking.cancel()
                await self._write_last_taken()
                raise

    # The journal

    def _open(self, path: Path | None) -> Journal:
        if path is None:
            return MemoryJournal(shards=1)
        with ExitStack() as files:
            files.enter_context(owning(path))
            journal = SqliteJournal(path, shards=1)
            self._files = files.pop_all()
        return journal

    async def _close(self) -> None:
        if isinstance(self._journal, SqliteJournal):
            await asyncio.shield(self._journal.close())
        self._files.close()

    async def _recall(self) -> Known | None:
        """Tell what an earlier life has left to tell. Returns what the engine begins with."""
        if self._path is None:
            return None
        mirror = Mirror(FOLLOWER, self._id)
        with closing(SqliteReader(self._path)) as reader:
            self._seen, known = await asyncio.to_thread(mirror.read, reader)
        followed: Collection[Followed] = mirror.state.followed.values()
        self._hub.recall(followed)
        if followed:
            self.initialized.set()
        return known

    async def _tell(self) -> None:
        """Tell what happens, and let go of it."""
        name, told = f"{FOLLOWER.name}/{self._id}", 0
        async for place, happened in follow(self._journal, [FOLLOWER], self._seen, forgotten=True):
            self._seen, told = place, told + 1
            if happened.entity == name:
                self._hub.saw(happened.fact)
            if self._path is None and told % FORGET_RECORDS == 0:
                await self._journal.forget(place, keep=0)  # Nobody will ever load it again.

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            await self._journal.forget(self._seen, keep=1 if self._path else 0)

    # What is asked of the engine

    async def _submit(self, intent: Intent) -> Sequence[Any]:
        return await self._engine.submit(FOLLOWER, self._id, intent)

    async def _look(self) -> None:
        """Judge anew whenever the clock was set: the timers count seconds."""
        loop = asyncio.get_running_loop()
        clock, seconds = self._clock.now(), loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            expected = clock + timedelta(seconds=loop.time() - seconds)
            clock, seconds = self._clock.now(), loop.time()
            if abs(clock - expected) > SET_BY:
                log.warning("the clock was set from %s to %s", expected, clock)
                await self._submit(cast(Intent, Wake()))

    def _take(self, dispatch_id: int, seq: int) -> None:
        self._taken[dispatch_id] = max(seq, self._taken.get(dispatch_id, 0))
        self._some_taken.set()

    async def _write_taken(self) -> None:
        while True:
            await self._some_taken.wait()
            self._some_taken.clear()
            await self._write_all_taken()

    async def _write_all_taken(self) -> None:
        """What is being written stays on the list until it is: an end may come between."""
        while batch := dict(list(self._taken.items())[:TAKES]):
            async with asyncio.TaskGroup() as tasks:
                for dispatch_id, seq in batch.items():
                    tasks.create_task(self._write_one_taken(dispatch_id, seq))
            for dispatch_id, seq in batch.items():
                if self._taken.get(dispatch_id) == seq:
                    del self._taken[dispatch_id]

    async def _write_last_taken(self) -> None:
        """As far as there is time. The rest is told again to whoever goes on with the file."""
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._write_all_taken()
        except* (TimeoutError, Unknown):  # The engine was cancelled too, as at the end of a loop.
            log.info("what was taken last is not written down: %d dispatches", len(self._taken))

    async def _write_one_taken(self, dispatch_id: int, seq: int) -> None:
        with suppress(Rejected):
            await self._submit(Take(dispatch_id, seq))

    def _unfinished(self) -> Collection[int]:
        return self._hub.unfinished


@contextmanager
def _one_cause(path: Path | None) -> Iterator[None]:
    """What ended it, and not the group of tasks that it ended in."""
    try:
        yield
    except* Fenced as fenced:
        raise Fenced(f"{path}: another process took over; this one has stopped") from fenced
    except* Unknown as unknown:
        raise Unknown(f"{path}: cannot be written: {unknown.exceptions[0]}") from unknown
