"""Merging: runs of several dispatches that are one to whoever carries them out."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import TypeAlias

from frequenz.client.dispatch.types import DispatchId

from pointsman.library.dispatch.dispatch import Dispatch

DispatchActorId: TypeAlias = Hashable
"""Dispatches for which this is equal are carried out by one actor."""


class MergeStrategy(ABC):
    """Which dispatches are one, and what of them is told."""

    @abstractmethod
    def identity(self, dispatch: Dispatch) -> DispatchActorId:
        """What is equal for dispatches that are one."""

    @abstractmethod
    def filter(self, dispatches: Mapping[DispatchId, Dispatch], dispatch: Dispatch) -> bool:
        """Whether to tell that the running state of `dispatch` changed.

        `dispatches` are all that are running, as of this change, by their ids.
        """


class MergeByType(MergeStrategy):
    """Those of one type are one; those that are a dry run apart from those that are not."""

    def identity(self, dispatch: Dispatch) -> DispatchActorId:
        return dispatch.type, dispatch.dry_run

    def filter(self, dispatches: Mapping[DispatchId, Dispatch], dispatch: Dispatch) -> bool:
        """Tell each start, and the stop after which none is running any more."""
        if dispatch.started:
            return True
        identity = self.identity(dispatch)
        return not any(
            other.started and self.identity(other) == identity
            for id, other in dispatches.items()
            if id != dispatch.id
        )


class MergeByTypeTarget(MergeByType):
    """As by type, and those for other components are apart."""

    def identity(self, dispatch: Dispatch) -> DispatchActorId:
        return dispatch.type, dispatch.dry_run, frozenset(dispatch.target)
