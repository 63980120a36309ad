"""What happened to dispatches. Each fact is the whole new value of one of them."""

from typing import TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.values import Value
from pointsman.dispatches.model import Dispatch


class AboutDispatch(Value, frozen=True):
    dispatch: Dispatch

    @property
    def thing(self) -> str:
        return str(self.dispatch.id)


class Created(AboutDispatch, frozen=True):
    pass


class Updated(AboutDispatch, frozen=True):
    pass


class Deleted(AboutDispatch, frozen=True):
    """Its last state, with an `update_time` of its own, so that who keeps a copy sees the news."""


Fact: TypeAlias = Created | Updated | Deleted | Forgotten
