"""What makes it quick to load much."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.journal import Record
from pointsman.runtime.loading import PAGE, collector_paused, newest_first


@given(st.integers(0, 3 * PAGE))
def test_every_record_is_loaded_once_and_the_newest_page_first(count: int) -> None:
    records = [Record(0, position, "", b"") for position in range(count)]
    loaded = list(newest_first(records))
    assert sorted(loaded) == records
    assert loaded[:PAGE] == records[-PAGE:]


def test_the_collector_rests_while_much_is_loaded() -> None:
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled(), "not yet"
    assert gc.isenabled()


def test_the_collector_goes_on_although_loading_failed() -> None:
    with pytest.raises(ZeroDivisionError), collector_paused():
        raise ZeroDivisionError
    assert gc.isenabled()
