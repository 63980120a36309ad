"""The blocking driver: moves one entity in the thread of whoever asks, bound to no event loop.

    submit --decide--> evolve --> append --> deliver to subscribers --> return

It has no timers: time is what callers say it is, and `Wake` is an intent like any other. Nobody
sees its memory run ahead of the journal: it is locked meanwhile, and loaded anew if what it ran
ahead by did not land.

Facts are delivered in the order in which they were journaled, by one thread at a time and
outside the lock. A subscriber may submit again: what that causes is delivered after what is
being delivered now, by whoever delivers. Any other caller waits for its turn.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from threading import Event, RLock
from typing import Final, Generic

from pointsman.core.entity import FactT, IntentT, Kind, StateT, Wake
from pointsman.core.names import check_name, entity_of, shard_of, site_of
from pointsman.journal import APPEND_LIMIT, BlockingJournal, Fenced, Token, Unknown
from pointsman.journal.unkept import Unkept
from pointsman.runtime.ask import Broken
from pointsman.runtime.codec import Codec, Happened, decided
from pointsman.runtime.engine import by_itself
from pointsman.runtime.loading import collector_paused, newest_first

log = logging.getLogger(__name__)
TRIES: Final = 3
"""How often an append that got lost is decided anew, before its caller hears of it."""

Subscriber = Callable[[Happened], None]

_delivering: ContextVar[frozenset[int]] = ContextVar("delivering", default=frozenset())
"""Which drivers are calling a subscriber right now, here or in what was started from there."""


class Direct(Generic[StateT, IntentT, FactT]):
    """Owns the shard of one entity, from now until somebody else claims it."""

    def __init__(
        self,
        kind: Kind[StateT, IntentT, FactT],
        id: str,
        journal: BlockingJournal | None,
        *,
        place: Callable[[str], str] = by_itself,
    ) -> None:
        """`id` is `site/name`, encoded; `place` as in `Engine`.

        Without a journal nothing outlives the driver, and no fact is written as bytes.

        Raises:
            ValueError: If `id` is not well-formed.
            Unknown: If the journal does not answer.
        """
        self.name = f"{kind.name}/{id}"
        check_name(self.name, parts=(3,))
        self._entity = kind.entity
        self._codec = Codec([kind])
        self._journal = journal or Unkept()
        self._writes = journal is not None
        self._subscribers: tuple[Subscriber, ...] = ()
        self._undelivered: deque[Happened] = deque()
        self._caused = self._delivered = 0
        """Facts so far: that happened, and that all subscribers were told."""
        self._busy = False
        """Somebody is delivering."""
        self._lock = RLock()
        self._awaited: dict[int, Event] = {}
        """Who waits until so many are delivered."""
        self._position = 0
        self._in_doubt = False
        self._end: Exception | None = None
        shard = shard_of(place(site_of(self.name)), self._journal.shards)
        self._token = self._journal.claim_now(shard)
        self._state = self._load()

    def submit(
        self, intent: IntentT | Wake, now: datetime, *, wakes: bool = False
    ) -> Sequence[FactT]:
        """Return what `intent` caused, once that is durable and was delivered.

        Called by a subscriber, it returns before the delivery, which comes next. If it `wakes`,
        what falls due at once by that shares its append, and is delivered after it.

        Raises:
            Rejected: If the intent makes no sense in the present state.
            ValueError: If it causes more facts than one append takes.
            Fenced: If somebody else took over: from now on, this driver moves nothing.
            Unknown: If the journal does not answer. The next submit finds out what landed.
            Misplaced: If the site lives in another shard.
            Broken: If `evolve` failed: from now on, this driver moves nothing.
        """
        with self._lock:
            facts, more = self._carry_out(intent, now, wakes=wakes)
            self._undelivered += [Happened(self.name, fact, now) for fact in (*facts, *more)]
            self._caused += len(facts) + len(more)
            own = self._caused
        self._deliver(own)
        return facts

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with each fact from now on, until the returned function is called.

        What it raises is logged, and stops nobody.
        """
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._lock:
                left = [*self._subscribers]
                if subscriber in left:
                    left.remove(subscriber)
                self._subscribers = tuple(left)

        return unsubscribe

    @contextmanager
    def looking(self) -> Iterator[StateT]:
        """The state, which nobody changes meanwhile. Look, and keep nothing of it."""
        with self._lock:
            yield self._state

    def due(self) -> datetime | None:
        """The next instant at which a `Wake` would do something."""
        with self._lock:
            return self._entity.due(self._state)

    def _carry_out(
        self, intent: IntentT | Wake, now: datetime, *, wakes: bool
    ) -> tuple[Sequence[FactT], Sequence[FactT]]:
        """What it caused, and what fell due at once by that."""
        for _ in range(TRIES):
            self._settle()
            facts = decided(self._entity, self.name, self._state, intent, now)
            self._in_doubt = self._writes
            self._evolve(facts)
            more = self._woken(now, APPEND_LIMIT - len(facts)) if facts and wakes else ()
            if self._append([*facts, *more], now):
                self._in_doubt = False
                return facts, more
            before = self._position
            self._settle()
            if facts and self._position > before:  # It had landed, and is loaded by now.
                return facts, more
        raise Unknown(f"{type(intent).__name__} for {self.name!r} was lost {TRIES} times")

    def _woken(self, now: datetime, most: int) -> Sequence[FactT]:
        """What is due by now, and what falls due by that, as far as it is not too much."""
        woken: list[FactT] = []
        while (due := self._entity.due(self._state)) is not None and due <= now:
            facts = self._entity.decide(self._state, Wake(), now)
            if not facts or len(woken) + len(facts) > most:
                break
            self._evolve(facts)
            woken += facts
        return woken

    def _evolve(self, facts: Sequence[FactT]) -> None:
        try:
            for fact in facts:
                self._state = self._entity.evolve(self._state, fact)
        except Exception as error:
            self._end = Broken(f"evolve of {self.name!r} failed on one of {facts}: {error!r}")
            raise self._end from error

    def _append(self, facts: Sequence[FactT], now: datetime) -> bool:
        """Append, and return whether it is known to have landed."""
        told = facts if self._writes else ()
        try:
            records = [self._codec.record(self.name, fact, now) for fact in told]
            position = self._journal.append_now(self._token, records)
        except Unknown:
            return False
        except Exception as error:  # Nothing landed, nor will.
            self._end = error if isinstance(error, Fenced) else None
            self._state, self._in_doubt = self._load(), False
            raise
        self._position = max(self._position, position)
        return True

    def _settle(self) -> None:
        """Find out what landed, if that is in doubt."""
        if self._end:
            raise self._end
        if self._in_doubt:
            self._token = self._claim_again()
            self._state = self._load()
            self._in_doubt = False

    def _claim_again(self) -> Token:
        try:
            return self._journal.claim_now(self._token.shard, after=self._token)
        except Fenced as fenced:
            self._end = fenced
            raise

    def _load(self) -> StateT:
        state = self._entity.initial()
        with collector_paused():
            for record in newest_first(self._journal.load_now(self._token)):
                self._position = max(self._position, record.position)
                if entity_of(record.key) == self.name:
                    fact = self._codec.decode(record.key, record.data).fact
                    state = self._entity.evolve(state, fact)
        return state

    def _deliver(self, own: int) -> None:
        """Deliver, or wait until somebody else has delivered so many."""
        inside = _delivering.get()
        while True:
            with self._lock:
                if self._delivered >= own:
                    return  # What comes after ours is no business of ours.
                if self._busy and id(self) in inside:
                    return  # We are called by whoever delivers, and that one goes on.
                if not self._busy:
                    self._busy = True
                    break
                news = self._awaited.setdefault(own, Event())
            news.wait()
        mark = _delivering.set(inside | {id(self)})
        told = 0
        try:
            while (happened := self._next(told)) is not None:
                told = 1
                self._call_all(happened)
        except BaseException:  # Such as Ctrl-C in a subscriber: others may go on.
            self._count(told, rests=True)
            raise
        finally:
            _delivering.reset(mark)

    def _next(self, told: int) -> Happened | None:
        """What is to be delivered next. None: nothing, and somebody else may deliver."""
        with self._lock:
            happened = self._undelivered.popleft() if self._undelivered else None
            self._count(told, rests=happened is None)
            return happened

    def _count(self, told: int, *, rests: bool) -> None:
        with self._lock:
            self._delivered += told
            self._busy = not rests
            if news := self._awaited.pop(self._delivered, None):
                news.set()
            if rests:  # Whoever still waits was cut off, and goes on by itself.
                for news in self._awaited.values():
                    news.set()
                self._awaited.clear()

    def _call_all(self, happened: Happened) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(happened)
            except Exception:
                log.exception("a subscriber failed on %s", happened.fact)
