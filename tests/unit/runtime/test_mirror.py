"""A follower's own copy of one entity."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.entity import Forgotten
from pointsman.core.names import shard_of, site_of
from pointsman.dispatches import FOLLOWER
from pointsman.journal import SHARDS, Record
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.codec import Codec, Happened, UnknownFact
from pointsman.runtime.mirror import Known, Mirror
from pointsman.schedules import SCHEDULES
from tests.unit.cli.given import morning
from tests.unit.schedules.given import at

FACTS = [Happened(*entry) for entry in morning().facts]
NAME = "schedules/home/engine"
ID = "home/engine"
SHARD = shard_of(site_of(NAME), SHARDS)


def mirror_of(facts: list[Happened]) -> Mirror:  # type: ignore[type-arg]
    mirror = Mirror(SCHEDULES, ID)
    for happened in facts:
        mirror.take(happened)
    return mirror


def records(facts: list[Happened]) -> list[Record]:
    """The last record of each key."""
    codec = Codec([SCHEDULES])
    last = {}
    for place, happened in enumerate(facts):
        key, data = codec.record(happened.entity, happened.fact, happened.at)
        last[key] = Record(SHARD, place, key, data)
    return list(last.values())


def test_it_follows_facts() -> None:
    mirror = mirror_of(FACTS)
    assert mirror.name == NAME
    assert mirror.at == at(10)
    assert mirror.state == morning().site


def test_nothing_happened_yet() -> None:
    mirror = Mirror(SCHEDULES, ID)
    mirror.load(())
    assert mirror.at is None


@given(st.data())
def test_it_is_loaded_from_the_last_record_of_each_key_in_any_order(data: st.DataObject) -> None:
    loaded = Mirror(SCHEDULES, ID)
    loaded.load(data.draw(st.permutations(records(FACTS))))
    assert loaded.state == mirror_of(FACTS).state
    assert loaded.at == mirror_of(FACTS).at


@given(st.integers(0, len(FACTS)))
def test_what_is_seen_again_changes_nothing(seen: int) -> None:
    """A follower may begin before what was loaded."""
    loaded = Mirror(SCHEDULES, ID)
    loaded.load(records(FACTS))
    for happened in FACTS[seen:]:
        loaded.take(happened)
    assert loaded.state == mirror_of(FACTS).state


def test_other_entities_are_none_of_its_business() -> None:
    mirror, other = Mirror(SCHEDULES, "other/engine"), mirror_of(FACTS)
    mirror.load(records(FACTS))
    for happened in FACTS:
        mirror.take(happened)
    assert mirror.at is None
    assert mirror.state != other.state


def journal_of(path: Path, *more: tuple[str, bytes]) -> Path:
    journal = SqliteJournal(path)
    token = journal.claim_now(SHARD)
    journal.append_now(token, [(r.key, r.data) for r in records(FACTS)])
    journal.append_now(token, more)
    journal.close_now()
    return path


def read(path: Path) -> tuple[Mirror, Known | None]:  # type: ignore[type-arg]
    mirror = Mirror(SCHEDULES, ID)
    with closing(SqliteReader(path)) as reader:
        cursor, known = mirror.read(reader)
        assert cursor == reader.end_now()
    return mirror, known


def test_what_it_has_read_is_for_an_engine_to_begin_with(tmp_path: Path) -> None:
    mirror, known = read(journal_of(tmp_path / "journal.db"))
    assert mirror.state == mirror_of(FACTS).state
    assert known is not None
    assert (known.shard, known.states) == (SHARD, {NAME: mirror.state})
    last = max(records(FACTS), key=lambda record: record.position)
    with closing(SqliteReader(tmp_path / "journal.db")) as reader:
        assert reader.load_now(SHARD)[-1] == last._replace(position=known.position)


def test_what_an_engine_does_is_not_shown_before_it_is_durable(tmp_path: Path) -> None:
    mirror, known = read(journal_of(tmp_path / "journal.db"))
    assert known is not None
    known.states[NAME].states.clear()
    assert mirror.state == mirror_of(FACTS).state


def test_a_shard_with_other_entities_is_not_known_as_a_whole(tmp_path: Path) -> None:
    key, data = Codec([SCHEDULES]).record("schedules/home/garage", FACTS[0].fact, FACTS[0].at)
    mirror, known = read(journal_of(tmp_path / "journal.db", (key, data)))
    assert known is None
    assert mirror.state == mirror_of(FACTS).state


def test_of_a_site_that_is_not_there_nothing_is_known(tmp_path: Path) -> None:
    SqliteJournal(tmp_path / "journal.db").close_now()
    mirror, known = read(tmp_path / "journal.db")
    assert known is None
    assert mirror.at is None


def test_it_forgets_with_the_entity() -> None:
    mirror, command = mirror_of(FACTS), next(iter(morning().site.commands))
    mirror.take(Happened(NAME, Forgotten(command), at(23)))
    assert command not in mirror.state.commands
    assert mirror.at == at(10), "nobody knows when it was forgotten"


@pytest.mark.parametrize("broken", [b'{"fact":"Invented"}', b"{"])
def test_what_cannot_be_read_is_left_out_only_where_others_go_on(
    broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    spared = Mirror(FOLLOWER, "microgrid-7/library")
    assert spared.load([Record(SHARD, 5, f"{spared.name}/64", broken)])
    assert not spared.state.followed
    assert "left out at position 5: 'followers/microgrid-7/library/64'" in caplog.text
    with pytest.raises(UnknownFact):
        Mirror(SCHEDULES, ID).load([Record(SHARD, 5, f"{NAME}/cmd", broken)])
