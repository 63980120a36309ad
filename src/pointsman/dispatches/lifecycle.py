"""A microgrid's dispatches: they are created, changed as often as anybody likes, and deleted.

            Create                Delete
    nothing --------> a dispatch --------> forgotten
                       |      ^
                       +------+
                        Update

Each change of a dispatch has an `update_time` of its own, later than the one before even if the
clock was set back. What is deleted says so once more in full, and leaves nothing behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from pointsman.core.entity import Forgotten, Wake
from pointsman.core.values import asdict, replace
from pointsman.dispatches.checks import (
    Invalid,
    NotFound,
    check_data,
    check_start,
    whole_seconds,
)
from pointsman.dispatches.facts import Created, Deleted, Fact, Updated
from pointsman.dispatches.intents import Create, Delete, Intent, Update
from pointsman.dispatches.model import Dispatch, DispatchData, Rule

RULE: Final = "recurrence."
FIXED: Final = ("type", "dry_run")
CHANGEABLE: Final = (
    *(name for name in DispatchData.__struct_fields__ if name not in FIXED),
    *(f"{RULE}{name}" for name in Rule.__struct_fields__),
)


@dataclass(slots=True)
class Catalogue:
    """All dispatches of a microgrid. One owner changes it in place."""

    dispatches: dict[int, Dispatch] = field(default_factory=dict)

    def __copy__(self) -> "Catalogue":
        return Catalogue(self.dispatches.copy())


def initial() -> Catalogue:
    return Catalogue()


def decide(catalogue: Catalogue, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:
    match intent:
        case Wake():
            return []
        case Create(dispatch_id) if dispatch_id in catalogue.dispatches:
            return []
        case Create():
            return [Created(_created(intent, now))]
        case Update(dispatch_id, microgrid_id, changes):
            before = _known(catalogue, dispatch_id, microgrid_id)
            after = replace(before, data=_changed(before.data, changes, now))
            return [Updated(_worked_out(replace(after, update_time=_later(before, now))))]
        case Delete(dispatch_id, microgrid_id):
            before = _known(catalogue, dispatch_id, microgrid_id)
            deleted = Deleted(replace(before, update_time=_later(before, now)))
            return [deleted, Forgotten(deleted.thing)]
        case _:
            assert_never(intent)


def evolve(catalogue: Catalogue, fact: Fact) -> Catalogue:
    match fact:
        case Created(dispatch) | Updated(dispatch):
            catalogue.dispatches[dispatch.id] = dispatch
        case Deleted(dispatch):
            catalogue.dispatches.pop(dispatch.id, None)
        case Forgotten(thing):
            catalogue.dispatches.pop(int(thing), None)
        case _:
            assert_never(fact)
    return catalogue


def due(catalogue: Catalogue) -> datetime | None:  # noqa: ARG001  Nothing moves by itself.
    return None


def _created(intent: Create, now: datetime) -> Dispatch:
    data = intent.data
    if not intent.start_now:
        check_start(data.start_time, now)
    start_time = whole_seconds(now if intent.start_now else data.start_time)
    data = replace(data, start_time=start_time)
    return _worked_out(Dispatch(intent.dispatch_id, intent.microgrid_id, data, now, now))


def _known(catalogue: Catalogue, dispatch_id: int, microgrid_id: int) -> Dispatch:
    dispatch = catalogue.dispatches.get(dispatch_id)
    if dispatch is None:
        raise NotFound(f"microgrid {microgrid_id} has no dispatch {dispatch_id}")
    return dispatch


def _changed(data: DispatchData, changes: Mapping[str, Any], now: datetime) -> DispatchData:
    """Only what is named changes. Whether it still makes sense is seen when all is there."""
    if not changes:
        raise Invalid(f"update_mask is empty: name what is to change, of {', '.join(CHANGEABLE)}")
    if unknown := [name for name in changes if name not in CHANGEABLE]:
        raise Invalid(f"{unknown[0]!r} cannot be changed: only {', '.join(CHANGEABLE)}")
    values = {name: value for name, value in changes.items() if not name.startswith(RULE)}
    parts = {name.removeprefix(RULE): changes[name] for name in changes if name.startswith(RULE)}
    for name in ("start_time", "target", "active"):
        if name in values and values[name] is None:
            raise Invalid(f"{name} cannot be cleared: give a value, or leave it out of update_mask")
    if "start_time" in values and values["start_time"] != data.start_time:
        check_start(values["start_time"], now)
        values["start_time"] = whole_seconds(values["start_time"])
    if "payload" in values:
        values["payload"] = values["payload"] or {}
    if parts:
        values["recurrence"] = _changed_rule(values.get("recurrence", data.recurrence), parts)
    return replace(data, **values)


def _changed_rule(rule: Rule | None, parts: Mapping[str, Any]) -> Rule | None:
    """None: it does not recur, as nobody says how often."""
    given = asdict(rule) if rule else {}
    for name, value in parts.items():
        given.pop(name, None)
        if value is not None:
            given[name] = value
    return Rule(**given) if "frequency" in given else None


def _worked_out(dispatch: Dispatch) -> Dispatch:
    """With what follows from what its author says.

    Raises:
        Invalid: If no consumer could live with that.
    """
    data = dispatch.data
    recurrence = check_data(data)
    last_start = recurrence.last if recurrence else data.start_time
    return replace(dispatch, last_start=last_start, end_time=_end(last_start, data))


def _end(last_start: datetime | None, data: DispatchData) -> datetime | None:
    if last_start is None or data.duration_seconds is None:
        return None
    try:
        return last_start + timedelta(seconds=data.duration_seconds)
    except OverflowError:  # After the year 9999.
        return None


def _later(before: Dispatch, now: datetime) -> datetime:
    return max(now, before.update_time + timedelta.resolution)
