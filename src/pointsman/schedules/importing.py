"""An import in steps: what may be relied on, rows in portions, and the one fact that counts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from pointsman.core.values import replace
from pointsman.schedules.desk import in_force_kw
from pointsman.schedules.intents import Activate, Write
from pointsman.schedules.model import Channel, Context, Plan, Timeline
from pointsman.schedules.site import Site

ROWS_AT_ONCE: Final = 200
"""Timelines, or context columns, of one append."""


def in_force_at(site: Site, now: datetime) -> dict[str, float]:
    """The signed kW that each asset is known to follow, by asset id."""
    values = ((id, in_force_kw(desk, Channel.POWER, now)) for id, desk in site.desks.items())
    return {asset_id: value for asset_id, value in values if value is not None}


def to_release(site: Site, named: Sequence[str]) -> tuple[str, ...]:
    """Assets that an older plan holds and a plan for the whole site does not name."""
    held = (id for id, desk in site.desks.items() if any(x.segments for x in desk.lanes.values()))
    return tuple(sorted(set(held) - set(named)))


def steps(
    plan: Plan,
    timelines: Sequence[Timeline],
    contexts: Sequence[Context],
    site: Site,
    in_force: Mapping[str, float],
) -> Iterator[Write | Activate]:
    """What to submit, in this order. A crash before the last one leaves nothing in force.

    `in_force` is what the timelines were made with, as `in_force_at` told it of `site`.
    """
    relying = [_until(t, site, in_force) for t in timelines]
    for start in range(0, len(relying), ROWS_AT_ONCE):
        yield Write(tuple(relying[start : start + ROWS_AT_ONCE]))
    for start in range(0, len(contexts), ROWS_AT_ONCE):
        yield Write(contexts=tuple(contexts[start : start + ROWS_AT_ONCE]))
    relied = {t.asset_id for t in relying if t.assumed_until or _relies(t, in_force)}
    yield Activate(plan, {asset_id: in_force[asset_id] for asset_id in sorted(relied)})


def _relies(timeline: Timeline, in_force: Mapping[str, float]) -> bool:
    known = in_force.get(timeline.asset_id)
    return timeline.channel is Channel.POWER and timeline.assumed is not None and known is not None


def _until(timeline: Timeline, site: Site, in_force: Mapping[str, float]) -> Timeline:
    """A device that was told when to stop must be told anew by then."""
    if not _relies(timeline, in_force):
        return timeline
    last = site.look(timeline.asset_id).lanes[Channel.POWER].last
    return replace(timeline, assumed_until=last.expires_at if last else None)
