"""A follower's own copy of one entity."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.names import shard_of, site_of
from pointsman.journal import SHARDS, Record
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.mirror import Mirror
from pointsman.schedules import SCHEDULES
from tests.unit.cli.given import morning
from tests.unit.schedules.given import at

FACTS = [Happened(*entry) for entry in morning().facts]
NAME = "schedules/home/engine"
ID = "home/engine"


def mirror_of(facts: list[Happened]) -> Mirror:  # type: ignore[type-arg]
    mirror = Mirror(SCHEDULES, ID)
    for happened in facts:
        mirror.take(happened)
    return mirror


def records(facts: list[Happened]) -> list[Record]:
    """The last record of each key."""
    codec, shard = Codec([SCHEDULES]), shard_of(site_of(NAME), SHARDS)
    last = {}
    for place, happened in enumerate(facts):
        key, data = codec.record(happened.entity, happened.fact, happened.at)
        last[key] = Record(shard, place, key, data)
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
