"""What may be asked of a microgrid's dispatches."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pointsman.core.values import Value
from pointsman.dispatches.model import DispatchData


class Create(Value, frozen=True):
    """`dispatch_id` was drawn by the door, and is greater than any before in the microgrid."""

    dispatch_id: int
    microgrid_id: int
    data: DispatchData
    start_now: bool = False
    """Then `data.start_time` counts for nothing."""


class Update(Value, frozen=True):
    """New values by field: those of `DispatchData`, less `type` and `dry_run`, and those of `Rule`
    as `recurrence.interval` and the like. None clears what may be empty.
    """

    dispatch_id: int
    microgrid_id: int
    changes: Mapping[str, Any]


class Delete(Value, frozen=True):
    dispatch_id: int
    microgrid_id: int


Intent: TypeAlias = Create | Update | Delete
