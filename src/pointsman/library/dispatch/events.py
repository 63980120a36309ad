"""What happens to dispatches, as it is told on the channels of their lifecycle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pointsman.dispatches.following import News
from pointsman.library.dispatch.dispatch import Dispatch


@dataclass(frozen=True)
class Created:
    """It is new, or new to who is told."""

    dispatch: Dispatch


@dataclass(frozen=True)
class Updated:
    """Something of it changed."""

    dispatch: Dispatch


@dataclass(frozen=True)
class Deleted:
    """It is gone. What is told of it is its last state, with `deleted` set."""

    dispatch: Dispatch


DispatchEvent: TypeAlias = Created | Updated | Deleted

EVENTS: Final[Mapping[News, Callable[[Dispatch], DispatchEvent]]] = {
    News.CREATED: Created,
    News.UPDATED: Updated,
    News.DELETED: Deleted,
}
