"""The signboard of the dispatching actor."""

from pointsman.library.dispatch.acting import DispatchingActor

__all__ = ["DispatchingActor"]
