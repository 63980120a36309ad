"""The signboard of the dispatch library: what users import, by its documented names."""

from pointsman.dispatches.following import Edge, RunChange
from pointsman.dispatches.runs import Overlap
from pointsman.library.dispatch.client import Client
from pointsman.library.dispatch.dispatch import Dispatch, RunningState
from pointsman.library.dispatch.dispatcher import Dispatcher, ReceiverFetcher
from pointsman.library.dispatch.events import Created, Deleted, DispatchEvent, Updated
from pointsman.library.dispatch.managing import ActorDispatcher, DispatchInfo
from pointsman.library.dispatch.merging import MergeByType, MergeByTypeTarget, MergeStrategy

__all__ = [
    "ActorDispatcher",
    "Client",
    "Created",
    "Deleted",
    "Dispatch",
    "DispatchEvent",
    "DispatchInfo",
    "Dispatcher",
    "Edge",
    "MergeByType",
    "MergeByTypeTarget",
    "MergeStrategy",
    "Overlap",
    "ReceiverFetcher",
    "RunChange",
    "RunningState",
    "Updated",
]
