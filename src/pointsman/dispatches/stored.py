"""What must hold of a dispatch that was read, so that no consumer of it comes to harm.

Each was checked before it was stored; but a file may have been changed by hand, or by a release
that knew better or worse. What is wrong with one is of no concern to the others: they stand each
for themselves, so it is left out. Whether a rule ever occurs is not asked: that does no harm.
"""

from datetime import datetime
from typing import Final

from pointsman.core.entity import Forgotten, Rejected
from pointsman.dispatches.checks import (
    DURATION_SECONDS_MOST,
    ID_MOST,
    check_payload,
    check_rule,
    check_target,
)
from pointsman.dispatches.facts import Fact
from pointsman.dispatches.ids import NUMBER_MOST, SHARDS_MOST, dispatches_id
from pointsman.dispatches.model import Dispatch

DISPATCH_ID_MOST: Final = (NUMBER_MOST + 1) * SHARDS_MOST - 1


def check_stored(id: str, fact: Fact) -> None:
    """Refuse what nobody could live with, in the entity of this id.

    Raises:
        ValueError: In one line.
    """
    if isinstance(fact, Forgotten):
        return
    try:
        _check(fact.dispatch)
        if id != dispatches_id(fact.dispatch.microgrid_id):
            raise ValueError(f"it is of microgrid {fact.dispatch.microgrid_id}")
    except Rejected as refusal:
        raise ValueError(str(refusal)) from refusal


def _check(dispatch: Dispatch) -> None:
    data, rule = dispatch.data, dispatch.data.recurrence
    if not 0 <= dispatch.id <= DISPATCH_ID_MOST:
        raise ValueError(f"id is {dispatch.id}: 0 to {DISPATCH_ID_MOST} are possible")
    if not 0 <= dispatch.microgrid_id <= ID_MOST:
        raise ValueError(f"microgrid_id is {dispatch.microgrid_id}: 0 to {ID_MOST} are possible")
    if not 0 <= (data.duration_seconds or 0) <= DURATION_SECONDS_MOST:
        raise ValueError(f"duration is {data.duration_seconds}: it is no number of seconds")
    _with_zone("start_time", data.start_time)
    _with_zone("create_time", dispatch.create_time)
    _with_zone("update_time", dispatch.update_time)
    _with_zone("last_start", dispatch.last_start)
    _with_zone("end_time", dispatch.end_time)
    check_target(data.target)
    check_payload(data.payload)
    if rule is not None:
        _with_zone("recurrence.end_criteria.until", rule.until)
        check_rule(rule)


def _with_zone(name: str, instant: datetime | None) -> None:
    if instant is not None and instant.tzinfo is None:
        raise ValueError(f"{name} is {instant.isoformat()}, without a zone")
