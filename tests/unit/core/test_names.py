"""Any text may be part of a name, and a name says where its facts live."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.names import (
    check_name,
    entity_name,
    entity_of,
    key_of,
    part,
    shard_of,
    shard_site,
    site_of,
    text_of,
    url_path,
    word,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(texts, texts, texts)
def test_any_text_makes_a_name_and_is_read_back(kind: str, site: str, name: str) -> None:
    entity = entity_name(kind, site, name)
    check_name(entity, parts=(3,))
    assert [text_of(encoded) for encoded in entity.split("/")] == [kind, site, name]


@given(st.lists(texts, min_size=1, max_size=4))
def test_the_words_of_a_part_are_told_apart(words: list[str]) -> None:
    joined = part(*words)
    check_name(f"k/s/n/{joined}")
    assert [text_of(encoded) for encoded in joined.split("~")] == words


def test_no_text_is_another_place_in_a_url() -> None:
    assert url_path("resources", "..", "a/b", "v1.0") == "/resources/%2E%2E/a%2Fb/v1%2E0"


def test_an_empty_word_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        word("")


@pytest.mark.parametrize("name", ["a/b", "a/b/c/d/e", "a//c", "a/b/c d", "a/b/c.d", "a/b/ü", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        check_name(name)


def test_a_key_tells_its_entity_and_its_site() -> None:
    entity = "queues/caltech/robot-1"
    for thing in ("lift", ""):
        key = key_of(entity, thing)
        assert entity_of(key) == entity
        assert site_of(key) == "caltech"


def test_the_shard_of_a_site_never_changes() -> None:
    shards = [shard_of(word(site), 64) for site in ("caltech", "jpl", "büro")]
    assert shards == SHARDS


SHARDS = [59, 33, 63]


@given(texts, st.integers(1, 64))
def test_no_site_is_taken_for_a_shard(site: str, shards: int) -> None:
    """Though its text may begin like one."""
    for text in (site, f"~{site}"):
        assert not word(text).startswith("~")
        assert 0 <= shard_of(word(text), shards) < shards


def test_what_belongs_to_a_shard_lives_there() -> None:
    assert [shard_of(shard_site(n), 64) for n in range(64)] == list(range(64))
    check_name(f"ids/{shard_site(63)}/dispatches")


@pytest.mark.parametrize("site", ["~", "~64", "~-1", "~x", "~03", "~\u0663", "~1~2", "~%31"])
def test_a_shard_that_does_not_exist_is_refused(site: str) -> None:
    with pytest.raises(ValueError, match="names no shard: ~0 to ~63 do"):
        shard_of(site, 64)
