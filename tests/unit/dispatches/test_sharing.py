"""Equal targets and rules are kept once."""

from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.sharing import lean
from tests.unit.dispatches.given import MICROGRID, at, data


def one(id: int) -> Dispatch:
    said = data(target=Target(ids=(7, 8)), recurrence=Rule(Frequency.DAILY, hours=(3,)))
    return Dispatch(id, MICROGRID, said, at(7), at(7))


def test_equal_dispatches_share_their_target_and_rule_and_nothing_else_changes() -> None:
    first, second = lean(one(1)), lean(one(2))
    assert (first, second) == (one(1), one(2))
    assert first.data.target is second.data.target
    assert first.data.recurrence is second.data.recurrence


def test_what_is_lean_is_not_copied() -> None:
    dispatch = lean(one(1))
    assert lean(dispatch) is dispatch
