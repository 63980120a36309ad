"""Sharing: values that many dispatches have are kept once, however many have them."""

from functools import lru_cache
from typing import Final, TypeVar

from pointsman.core.values import replace
from pointsman.dispatches.model import Dispatch

SHARED_MOST: Final = 4_096
"""So many different ones are known to be shared."""

Value = TypeVar("Value")


def lean(dispatch: Dispatch) -> Dispatch:
    """The same, with a target and a rule that it shares with all others that have them."""
    data = dispatch.data
    target, rule = shared(data.target), shared(data.recurrence)
    if target is data.target and rule is data.recurrence:
        return dispatch
    return replace(dispatch, data=replace(data, target=target, recurrence=rule))


@lru_cache(SHARED_MOST)
def shared(value: Value) -> Value:
    """The first of all that are equal."""
    return value
