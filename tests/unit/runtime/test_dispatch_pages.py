"""A page from the record is what the rule and the order say, whatever is asked."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.dispatches import DISPATCHES, dispatches_id
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.dispatches.views import (
    Filter,
    Interval,
    Query,
    Sort,
    SortField,
    fits,
    place_of,
)
from pointsman.journal import Cursor, Record
from pointsman.runtime.codec import Codec
from pointsman.runtime.dispatch_pages import INDEXED, DispatchPages
from pointsman.runtime.dispatch_table import DispatchTable
from pointsman.runtime.record_file import RecordFile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CODEC = Codec([DISPATCHES])
IDS = [65, 129, 193, 257, 321, 385, 449, 513]
COMPONENTS = st.sampled_from([0, 1, 2, 33, 2**63 - 1, 2**63, 2**64 - 1])
KINDS = st.sampled_from(
    [
        ComponentKind(Category.METER),
        ComponentKind(Category.BATTERY),
        ComponentKind(Category.BATTERY, "LI_ION"),
        ComponentKind(Category.INVERTER),
        ComponentKind(Category.INVERTER, "BATTERY"),
        ComponentKind(Category.STEAM_BOILER),
    ]
)
TARGETS = st.builds(
    Target, ids=st.lists(COMPONENTS, min_size=1, max_size=3).map(tuple)
) | st.builds(Target, kinds=st.lists(KINDS, min_size=1, max_size=3).map(tuple))
TYPES = st.sampled_from(["charge", "Charge", "dis_charge", "100%", "#7", "a\0b", "ü\U0001f50b"])
INSTANTS = st.integers(-3, 3).map(lambda n: NOON + timedelta(microseconds=n))
INTERVALS = st.builds(Interval, st.none() | INSTANTS, st.none() | INSTANTS)
FILTERS = st.builds(
    Filter,
    targets=st.just(()) | st.lists(TARGETS | st.just(Target()), max_size=3).map(tuple),
    active=st.none() | st.booleans(),
    dry_run=st.none() | st.booleans(),
    recurring=st.none() | st.booleans(),
    start_time=st.just(Interval()) | INTERVALS,
    end_time=st.just(Interval()) | INTERVALS,
    update_time=st.just(Interval()) | INTERVALS,
    ids=st.just(()) | st.lists(st.sampled_from([*IDS, 7, 2**64]), max_size=6).map(tuple),
    queries=st.just(())
    | st.lists(
        TYPES | st.sampled_from(["", "ch", "_", "%", "#65", "#129", "#x", "#" + "9" * 30, "\0"]),
        max_size=4,
    ).map(tuple),
)
SORTS = st.builds(Sort, st.sampled_from(SortField), st.booleans())


@st.composite
def dispatches(draw: st.DrawFn, id: int, microgrid: int = 7) -> Dispatch:
    data = DispatchData(
        draw(TYPES),
        draw(INSTANTS),
        draw(TARGETS),
        active=draw(st.booleans()),
        dry_run=draw(st.booleans()),
        payload=draw(st.sampled_from([{}, {"line": "one\ntwo\x1ethree"}])),
        recurrence=draw(st.none() | st.just(Rule(Frequency.DAILY))),
    )
    made, changed = draw(INSTANTS), draw(INSTANTS)
    return Dispatch(id, microgrid, data, made, changed, end_time=draw(st.none() | INSTANTS))


CATALOGUES = st.lists(st.sampled_from(IDS), unique=True).flatmap(
    lambda ids: st.tuples(*(dispatches(id) for id in ids))
)

NEWS = st.lists(
    st.tuples(
        st.tuples(st.sampled_from(IDS), st.sampled_from([7, 8])).flatmap(
            lambda named: dispatches(*named)
        ),
        st.sampled_from([False, False, True]),
    ),
    max_size=6,
)


class Book:
    """A record that dispatches are written to, and its reader."""

    def __init__(self, folder: str, indexed: int = INDEXED) -> None:
        self.path = Path(folder) / "journal.db.record"
        self.file = RecordFile(self.path, "journal", [DispatchTable()])
        self.pages = DispatchPages(self.path, indexed=indexed)
        self.written = 0

    def write(self, *facts: Created | Updated | Deleted) -> None:
        entries = []
        for fact in facts:
            self.written += 1
            entity = f"{DISPATCHES.name}/{dispatches_id(fact.dispatch.microgrid_id)}"
            record = Record(0, self.written, *CODEC.record(entity, fact, NOON))
            entries.append((Cursor(str(self.written)), record))
        if entries:
            self.file.add(entries)

    def close(self) -> None:
        self.pages.close()
        self.file.close()


def in_order(found: Sequence[Dispatch], sort: Sort) -> list[Dispatch]:
    def rank(dispatch: Dispatch) -> tuple[datetime, int]:
        place = place_of(dispatch, sort)
        return place.instant, place.id

    return sorted(found, key=rank, reverse=sort.descending)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(CATALOGUES, st.lists(st.tuples(FILTERS, SORTS, st.integers(1, 4)), min_size=5, max_size=15))
def test_all_pages_together_are_what_fits_in_order(
    catalogue: tuple[Dispatch, ...], questions: list[tuple[Filter, Sort, int]]
) -> None:
    with TemporaryDirectory() as folder, closing(Book(folder)) as book:
        book.write(*map(Created, catalogue))
        for filter, sort, size in questions:
            wanted = in_order([one for one in catalogue if fits(filter, one)], sort)
            query, found = Query(7, filter, sort, size), list[Dispatch]()
            for _ in range(len(wanted) + 1):
                page = book.pages.page(query)
                assert page.total == len(wanted)
                found += page.dispatches
                if page.next is None:
                    break
                assert len(page.dispatches) == size
                query = replace(query, after=page.next)
            assert found == wanted
            first = replace(query, after=None)
            with closing(DispatchPages(book.path)) as afresh:  # It knows no totals.
                place = place_of(wanted[0], sort) if wanted else None
                assert afresh.page(replace(first, after=place)).total == len(wanted)


@settings(max_examples=40)
@given(st.lists(st.tuples(dispatches(65) | dispatches(129), st.booleans()), max_size=12), st.data())
def test_what_was_said_last_of_a_dispatch_counts(
    story: list[tuple[Dispatch, bool]], data: st.DataObject
) -> None:
    """However the story is cut into batches: it was updated, or deleted and made anew."""
    last: dict[int, Dispatch] = {}
    with TemporaryDirectory() as folder, closing(Book(folder)) as book:
        rest = story
        while rest:
            count = data.draw(st.integers(1, len(rest)))
            batch, rest = rest[:count], rest[count:]
            book.write(*(Deleted(one) if gone else Updated(one) for one, gone in batch))
            for one, gone in batch:
                last.pop(one.id, None)
                if not gone:
                    last[one.id] = one
            page = book.pages.page(Query(7))
            assert (list(page.dispatches), page.total) == (
                in_order(list(last.values()), Sort()),
                len(last),
            )
            assert book.pages.get(7, 65) == last.get(65)
            active = book.pages.page(Query(7, Filter(active=True)))
            assert active.total == sum(one.data.active for one in last.values())


def test_microgrids_do_not_see_each_other(tmp_path: Path) -> None:
    data = DispatchData("charge", NOON, Target((1,)))
    own, other = (Dispatch(id, grid, data, NOON, NOON) for id, grid in ((64, 7), (65, 2**64 - 1)))
    with closing(Book(str(tmp_path))) as book:
        book.write(Created(own), Created(other))
        for dispatch in (own, other):
            assert book.pages.page(Query(dispatch.microgrid_id)).dispatches == (dispatch,)
        assert book.pages.get(7, other.id) is None
        assert book.pages.get(7, 2**64) is None
        assert book.pages.page(Query(8)).total == 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NEWS, FILTERS, SORTS), max_size=8), st.sampled_from([0, 10_000]))
def test_a_list_knows_what_has_changed_since_the_one_before(
    story: list[tuple[list[tuple[Dispatch, bool]], Filter, Sort]], indexed: int
) -> None:
    """Of two microgrids in turn, also where there is room for the index of one only."""
    last: dict[tuple[int, int], Dispatch] = {}
    with TemporaryDirectory() as folder, closing(Book(folder, indexed)) as book:
        for news, filter, sort in story:
            book.write(*(Deleted(one) if gone else Updated(one) for one, gone in news))
            for one, gone in news:
                last.pop((one.microgrid_id, one.id), None)
                if not gone:
                    last[one.microgrid_id, one.id] = one
            for microgrid in (7, 8):
                own = [one for one in last.values() if one.microgrid_id == microgrid]
                wanted = in_order([one for one in own if fits(filter, one)], sort)
                page = book.pages.page(Query(microgrid, filter, sort, 3))
                assert (list(page.dispatches), page.total) == (wanted[:3], len(wanted))
                assert (page.next is None) == (len(wanted) <= 3)


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    data = DispatchData("charge", NOON, Target((1,)))
    some = [Dispatch(64 * n, 7, data, NOON, NOON) for n in range(1, 11)]
    asked = Query(7, Filter(active=True), page_size=1)
    with closing(Book(str(tmp_path))) as book:
        book.write(*map(Created, some[:8]))
        assert book.pages.page(asked).total == 8
        with closing(sqlite3.connect(book.path)) as db:  # Behind its back, so nobody can notice.
            db.execute("UPDATE dispatch SET traits = ''")
            db.commit()
        book.write(Created(some[8]), Deleted(some[2]))
        assert book.pages.page(asked).total == 8
        with closing(DispatchPages(book.path)) as afresh:
            assert afresh.page(asked).total == 1


def test_many_are_listed_as_few_are(tmp_path: Path) -> None:
    """They are read a thousand at a time, and there are blocks of 4,096."""
    count, asked = 9_001, Query(7, Filter(queries=("even",)), Sort(descending=False))
    with closing(Book(str(tmp_path))) as book:
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            book.write(*(Created(numbered(number)) for number in numbers))
        for _ in range(2):
            found, query = list[int](), replace(asked, page_size=1_000)
            while (page := book.pages.page(query)).next:
                found += [one.id for one in page.dispatches]
                query = replace(query, after=page.next)
            found += [one.id for one in page.dispatches]
            assert page.total == len(found)
            assert found == [64 * (number + 1) for number in range(0, count, 2)]
            book.write(*(Updated(numbered(number)) for number in range(0, count, 3)))


def numbered(number: int) -> Dispatch:
    data = DispatchData("odd" if number % 2 else "even", NOON, Target((1,)))
    return Dispatch(64 * (number + 1), 7, data, NOON, NOON)
