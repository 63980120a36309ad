"""What the blocking driver promises to those who ask without an event loop."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event
from time import sleep

import pytest

from pointsman.core.entity import Kind, Rejected, Wake
from pointsman.journal import Fenced, Misplaced, Token, Unknown
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.ask import Broken
from pointsman.runtime.codec import Happened
from pointsman.runtime.direct import Direct
from tests.queues import QUEUES, lifecycle
from tests.queues.lifecycle import Resource
from tests.queues.model import Add, Added, Answer, Fact, Finish, Intent, Offered, Operation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROBOT = "caltech/robot-1"
pytestmark = pytest.mark.timeout(30)  # What goes wrong with locks is a hang.


class LossyJournal(MemoryJournal):
    """Loses the answers of so many appends: before they land, or after."""

    def __init__(self, *, lost: int, landing: bool) -> None:
        super().__init__()
        self.lost = lost
        self.landing = landing

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        if not self.lost:
            return super().append_now(token, records)
        self.lost -= 1
        if self.landing:
            super().append_now(token, records)
        raise Unknown


class CountingJournal(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self.appends = 0

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        self.appends += 1
        return super().append_now(token, records)


def direct(journal: MemoryJournal | SqliteJournal) -> Direct[Resource, Intent, Fact]:
    return Direct(QUEUES, ROBOT, journal)


def add(id: str) -> Add:
    return Add(Operation(id, NOON))


def names(happened: Sequence[Happened]) -> list[str]:
    return [f"{fact.thing} {type(fact).__name__}" for _, fact, _ in happened]


def test_a_submit_returns_what_it_caused_and_journals_it(tmp_path: Path) -> None:
    with closing(_Closing(SqliteJournal(tmp_path / "journal.db"))) as opened:
        driver = direct(opened.journal)
        assert driver.submit(add("lift"), NOON) == [Added(Operation("lift", NOON))]
        assert driver.submit(add("lift"), NOON) == []
        assert driver.due() == NOON
        [offered] = driver.submit(Wake(), NOON)
        heir = direct(opened.journal)
        with driver.looking() as state, heir.looking() as loaded:
            assert state == loaded
            assert state.active == offered


class _Closing:
    def __init__(self, journal: SqliteJournal) -> None:
        self.journal = journal
        self.close = journal.close_now


def test_a_rejection_changes_nothing() -> None:
    driver = direct(MemoryJournal())
    with pytest.raises(Rejected):
        driver.submit(Finish("lift"), NOON)
    with driver.looking() as state:
        assert state == lifecycle.initial()


def test_subscribers_hear_facts_in_order_before_submit_returns() -> None:
    driver, heard = direct(MemoryJournal()), list[Happened]()
    stop = driver.subscribe(heard.append)
    driver.submit(add("a"), NOON)
    assert heard == [Happened(driver.name, Added(Operation("a", NOON)), NOON)]
    driver.submit(Wake(), NOON)
    assert names(heard) == ["a Added", "a Offered"]
    stop()
    stop()
    driver.submit(add("b"), NOON)
    assert len(heard) == 2


def test_what_a_subscriber_causes_is_delivered_after_what_it_hears() -> None:
    """All hear the same order, which is the journal's."""
    driver, first, second = direct(MemoryJournal()), list[Happened](), list[Happened]()

    def react(happened: Happened) -> None:
        first.append(happened)
        match happened.fact:
            case Added():
                driver.submit(Wake(), NOON)
                assert names(first)[-1] == "a Added", "its own facts come later"
            case Offered(operation):
                driver.submit(Answer(operation.id, operation.offers, approved=True), NOON)

    driver.subscribe(react)
    driver.subscribe(second.append)
    driver.submit(add("a"), NOON)
    assert names(first) == names(second) == ["a Added", "a Offered", "a Started"]


def test_a_subscriber_that_raises_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    driver, heard = direct(MemoryJournal()), list[Happened]()

    def fail(happened: Happened) -> None:
        raise RuntimeError(happened)

    driver.subscribe(fail)
    driver.subscribe(heard.append)
    driver.submit(add("a"), NOON)
    assert names(heard) == ["a Added"]
    assert "a subscriber failed" in caplog.text


def test_a_subscriber_may_wait_for_a_thread_that_submits() -> None:
    """As an async callback does, which runs on the loop of a helper thread."""
    driver, heard = direct(MemoryJournal()), list[Happened]()

    with ThreadPoolExecutor(1) as helper:

        def react(happened: Happened) -> None:
            heard.append(happened)
            if isinstance(happened.fact, Added):
                context = copy_context()
                helper.submit(context.run, driver.submit, Wake(), NOON).result(timeout=10)

        driver.subscribe(react)
        driver.submit(add("a"), NOON)
    assert names(heard) == ["a Added", "a Offered"]


def test_threads_each_hear_of_their_own_before_they_go_on() -> None:
    driver, heard, start = direct(MemoryJournal()), set[str](), Barrier(8)
    driver.subscribe(lambda happened: heard.add(happened.fact.thing))

    def work(thread: int) -> None:
        start.wait()
        for n in range(50):
            id = f"{thread}-{n}"
            driver.submit(add(id), NOON)
            assert id in heard

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(heard) == 400


def test_nobody_waits_for_the_delivery_of_what_others_caused_later() -> None:
    driver = direct(MemoryJournal())
    asked = {id: Event() for id in "abc"}
    go = {id: Event() for id in "abc"}

    def slowly(happened: Happened) -> None:
        asked[happened.fact.thing].set()
        assert go[happened.fact.thing].wait(10)

    driver.subscribe(slowly)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(driver.submit, add("a"), NOON)
        assert asked["a"].wait(10)
        second = threads.submit(driver.submit, add("b"), NOON)
        while len(driver._undelivered) < 1:  # noqa: SLF001
            sleep(0.001)
        third = threads.submit(driver.submit, add("c"), NOON)
        while len(driver._undelivered) < 2:  # noqa: SLF001
            sleep(0.001)
        go["a"].set()
        go["b"].set()
        assert asked["c"].wait(10)
        assert second.result(10)
        assert not first.done(), "it delivers for the others"
        go["c"].set()
        assert first.result(10)
        assert third.result(10)


def test_looking_is_possible_while_a_subscriber_is_busy() -> None:
    driver, busy, go_on = direct(MemoryJournal()), Event(), Event()

    def dawdle(_: Happened) -> None:
        busy.set()
        assert go_on.wait(10)

    driver.subscribe(dawdle)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(driver.submit, add("a"), NOON)
        assert busy.wait(10)
        with driver.looking() as state:
            assert list(state.queued) == ["a"]
        go_on.set()
        waiting.result(timeout=10)


@pytest.mark.parametrize("landing", [True, False])
def test_an_unknown_outcome_is_settled_and_the_caller_does_not_hear_of_it(*, landing: bool) -> None:
    journal = LossyJournal(lost=1, landing=landing)
    driver, heard = direct(journal), list[Happened]()
    driver.subscribe(heard.append)
    assert len(driver.submit(add("lift"), NOON)) == 1
    assert driver.submit(add("lift"), NOON) == []
    assert names(heard) == ["lift Added"]
    with driver.looking() as state, direct(journal).looking() as loaded:
        assert state == loaded


def test_a_journal_that_stays_silent_is_unknown_and_the_next_submit_goes_on() -> None:
    journal = LossyJournal(lost=3, landing=False)
    driver = direct(journal)
    with pytest.raises(Unknown, match="Add for 'queues/caltech/robot-1'"):
        driver.submit(add("lift"), NOON)
    assert len(driver.submit(add("lift"), NOON)) == 1


def test_who_was_replaced_stops_for_good() -> None:
    journal = MemoryJournal()
    old, new = direct(journal), direct(journal)
    new.submit(add("lift"), NOON)
    for _ in range(2):
        with pytest.raises(Fenced):
            old.submit(add("lift"), NOON)
    with pytest.raises(Fenced):
        old.submit(Wake(), NOON - timedelta(days=1))


def test_who_was_replaced_while_in_doubt_does_not_take_the_shard_back() -> None:
    journal = LossyJournal(lost=0, landing=False)
    old, new = direct(journal), direct(journal)
    journal.lost = 1
    with pytest.raises(Fenced):
        old.submit(add("lift"), NOON)
    new.submit(add("lift"), NOON)


class Many:
    """Rules that do too much, or fail to follow their own facts."""

    initial = staticmethod(lifecycle.initial)
    due = staticmethod(lifecycle.due)

    def decide(self, _: Resource, intent: object, now: datetime) -> list[Fact]:
        match intent:
            case Add(operation):
                return [Added(operation)]
        return [Added(Operation(f"{n}", now)) for n in range(1_001)]

    def evolve(self, state: Resource, fact: Fact) -> Resource:
        raise RuntimeError(f"cannot follow {fact} in {state}")


MANY: Kind[Resource, object, Fact] = Kind("queues", Many(), QUEUES.facts)


def test_more_facts_than_an_append_takes_are_refused_by_name() -> None:
    driver = Direct(MANY, ROBOT, MemoryJournal())
    with pytest.raises(ValueError, match="Finish for 'queues/caltech/robot-1' would cause 1001"):
        driver.submit(Finish("x"), NOON)


def test_facts_that_cannot_be_followed_end_the_driver() -> None:
    driver = Direct(MANY, ROBOT, MemoryJournal())
    for _ in range(2):
        with pytest.raises(Broken, match="cannot follow"):
            driver.submit(add("lift"), NOON)


def test_a_driver_that_places_its_site_elsewhere_is_refused() -> None:
    journal = MemoryJournal()
    direct(journal).submit(add("lift"), NOON)
    moved = Direct(QUEUES, ROBOT, journal, place=lambda _: "microgrid-1")
    with pytest.raises(Misplaced):
        moved.submit(add("turn"), NOON)


def test_what_falls_due_at_once_shares_the_append() -> None:
    journal = CountingJournal()
    driver, heard = direct(journal), list[Happened]()
    driver.subscribe(heard.append)
    assert len(driver.submit(add("lift"), NOON, wakes=True)) == 1, "its own fact only"
    assert names(heard) == ["lift Added", "lift Offered"]
    assert journal.appends == 1
    driver.submit(add("turn"), NOON, wakes=True)
    assert names(heard[2:]) == ["turn Added"], "one is offered at a time"


@pytest.mark.parametrize("landing", [True, False])
def test_what_fell_due_at_once_is_settled_too(*, landing: bool) -> None:
    journal = LossyJournal(lost=1, landing=landing)
    driver, heard = direct(journal), list[Happened]()
    driver.subscribe(heard.append)
    driver.submit(add("lift"), NOON, wakes=True)
    assert names(heard) == ["lift Added", "lift Offered"]
    with driver.looking() as state, direct(journal).looking() as loaded:
        assert state == loaded


def test_what_could_not_be_appended_did_not_happen() -> None:
    """Its memory is that of the journal, whatever it ran ahead by."""
    journal = MemoryJournal()
    driver, heard = direct(journal), list[Happened]()
    driver.submit(add("lift"), NOON)
    driver.subscribe(heard.append)
    with pytest.raises(ValueError, match="longer than"):
        driver.submit(Add(Operation("long", NOON, payload="x" * 1_000_001)), NOON, wakes=True)
    with driver.looking() as state:
        assert list(state.queued) == ["lift"]
    heir = direct(journal)
    with pytest.raises(Fenced):
        driver.submit(add("turn"), NOON, wakes=True)
    with driver.looking() as state, heir.looking() as loaded:
        assert state == loaded
    assert heard == []


def test_without_a_journal_nothing_is_written_and_nothing_outlives_the_driver() -> None:
    driver, heard = Direct(QUEUES, ROBOT, None), list[Happened]()
    driver.subscribe(heard.append)
    driver.submit(Add(Operation("lift", NOON, payload="\ud800")), NOON)  # No bytes say that.
    assert names(heard) == ["lift Added"]
    with driver.looking() as state, Direct(QUEUES, ROBOT, None).looking() as other:
        assert list(state.queued) == ["lift"]
        assert not other.queued


def test_an_id_is_checked_at_the_door() -> None:
    with pytest.raises(ValueError, match="is not a name"):
        Direct(QUEUES, "cal tech/robot", MemoryJournal())


class _Interrupt(BaseException):
    pass


def test_an_interrupt_in_a_subscriber_leaves_the_driver_usable() -> None:
    driver, heard = direct(MemoryJournal()), list[Happened]()

    def interrupted(_: Happened) -> None:
        raise _Interrupt

    stop = driver.subscribe(interrupted)
    with pytest.raises(_Interrupt):
        driver.submit(add("a"), NOON)
    stop()
    driver.subscribe(heard.append)
    driver.submit(add("b"), NOON)
    assert names(heard) == ["b Added"]
