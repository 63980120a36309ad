"""What may be asked of a microgrid's dispatches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pointsman.dispatches.model import DispatchData


@dataclass(frozen=True, slots=True)
class Create:
    """`dispatch_id` was drawn by the door, and is greater than any before in the microgrid."""

    dispatch_id: int
    microgrid_id: int
    data: DispatchData
    start_now: bool = False
    """Then `data.start_time` counts for nothing."""


@dataclass(frozen=True, slots=True)
class Update:
    """New values by field: those of `DispatchData`, less `type` and `dry_run`, and those of `Rule`
    as `recurrence.interval` and the like. None clears what may be empty.
    """

    dispatch_id: int
    microgrid_id: int
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    dispatch_id: int
    microgrid_id: int


Intent: TypeAlias = Create | Update | Delete
