"""How a site stands now: its run, its plan, each of its assets."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pointsman.schedules.desk import MOMENT
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Plan, Run
from pointsman.schedules.standing import Present, Standing


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan got."""

    plan: Plan
    slot: int
    """The slot that holds the present: -1 before the plan, `plan.slot_count` after it."""
    share: float
    """Of its time, from 0 to 1."""
    over: bool
    commands: dict[str, int]
    """Commands of it that have facts, by status."""


@dataclass(frozen=True, slots=True)
class Status:
    at: datetime
    run: Run | None
    """The latest one. Whether it still lives is not in the facts."""
    since: datetime | None
    """When that run began, by its own clock."""
    plan: Progress | None
    """The plan that came into force last."""
    assets: tuple[Standing, ...]


def status(
    facts: Iterable[tuple[str, Fact, datetime]], now: datetime | None = None
) -> Status | None:
    """How a site stands, from all its facts in order. None: it has no facts.

    `now` defaults to the instant of the last fact: what a run with a clock of its own needs.
    """
    present = Present()
    for _, fact, at in facts:
        present.take(fact, at)
    return status_of(present, now)


def status_of(present: Present, now: datetime | None = None) -> Status | None:
    """As `status`, of a site that was followed fact by fact."""
    now = now or present.at
    if now is None:
        return None
    plan = present.site.newest
    return Status(
        now,
        present.site.run,
        present.opened_at,
        _progress(present, plan, now) if plan else None,
        tuple(present.standing(asset_id, now) for asset_id in sorted(present.known)),
    )


def _progress(present: Present, plan: Plan, now: datetime) -> Progress:
    share = (now - plan.start) / max(plan.end - plan.start, MOMENT)
    own = (c for c in present.site.commands.values() if c.plan_id == plan.id)
    return Progress(
        plan,
        plan.slot_at(now),
        min(max(share, 0.0), 1.0),
        now >= plan.end,
        dict(sorted(Counter(c.progress.status.value for c in own).items())),
    )
