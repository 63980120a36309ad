"""What happened to dispatches. Each fact is the whole new value of one of them."""

from dataclasses import dataclass
from typing import TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.dispatches.model import Dispatch


@dataclass(frozen=True, slots=True)
class AboutDispatch:
    dispatch: Dispatch

    @property
    def thing(self) -> str:
        return str(self.dispatch.id)


@dataclass(frozen=True, slots=True)
class Created(AboutDispatch):
    pass


@dataclass(frozen=True, slots=True)
class Updated(AboutDispatch):
    pass


@dataclass(frozen=True, slots=True)
class Deleted(AboutDispatch):
    """Its last state, with an `update_time` of its own, so that who keeps a copy sees the news."""


Fact: TypeAlias = Created | Updated | Deleted | Forgotten
