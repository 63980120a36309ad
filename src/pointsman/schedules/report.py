"""The report of a plan: what it asked for, what was sent, what was answered, what was metered.

    planned        the cells of the plan
    requested      each power command, from its first try until the next one or its expiry
    acknowledged   each completed one, from its answer until the next answer or its expiry
    delivered      the difference of the meter's registers

An asset counts from the instant when the plan took it over (its first row, or the activation)
to the plan's end, or until a newer plan takes the asset over. A value that was in force before
counts on where the plan relied on it, and so sent nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import ceil, fsum
from typing import TypedDict

from pointsman.schedules.energy import Hold, Window, energy_of
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Channel, Command, CommandStatus, Plan, Timeline
from pointsman.schedules.rows import ends_at, starts_at
from pointsman.schedules.story import Story, UnknownPlan

__all__ = ["Lateness", "Report", "Story", "Totals", "UnknownPlan", "report", "report_of"]


class Lateness(TypedDict):
    """From due to handed to the device, in seconds of the wall clock. None: nothing was sent."""

    p50: float | None
    p99: float | None
    max: float | None


class Totals(TypedDict):
    """What there is to say of one asset, or of all of them together."""

    planned_charge_kwh: float
    planned_discharge_kwh: float
    requested_charge_kwh: float
    requested_discharge_kwh: float
    acknowledged_charge_kwh: float
    acknowledged_discharge_kwh: float
    delivered_charge_kwh: float | None
    """None: no meter told. Of several assets: what is known of."""
    delivered_discharge_kwh: float | None
    commands: dict[str, int]
    """How many, by status."""
    lateness_seconds: Lateness
    clamps: int
    gaps: int


class PlanHead(TypedDict):
    id: str
    file: str
    start: str
    end: str
    slots: int


class Report(TypedDict):
    plan: PlanHead
    site: str
    dry_run: bool
    speed: float
    totals: Totals
    assets: dict[str, Totals]


def report(
    facts: Iterable[tuple[str, Fact, datetime]],
    *,
    plan_id: str | None = None,
    site_id: str,
    file: str | None = None,
    speed: float | None = None,
    dry_run: bool | None = None,
    now: datetime | None = None,
) -> Report:
    """The report of one plan, from all facts of its site in order.

    Args:
        facts: Entity, fact, and when it happened.
        plan_id: Default: the plan that came into force last.
        site_id: What the report calls the site.
        file: What it calls the plan. Default: the name that the plan was given.
        speed: Default: as the latest run had it.
        dry_run: Default: as the plan had it.
        now: What is due later is still pending. Default: when the last fact happened.

    Raises:
        UnknownPlan: If there is no such plan.
    """
    story = Story(plan_id)
    for _, fact, at in facts:
        story.take(fact, at)
    return report_of(
        story, site_id=site_id, file=file, speed=speed, dry_run=dry_run, now=now or story.now
    )


def report_of(
    story: Story,
    *,
    site_id: str,
    file: str | None = None,
    speed: float | None = None,
    dry_run: bool | None = None,
    now: datetime | None = None,
) -> Report:
    """As `report`, of a story that was followed fact by fact."""
    plan = story.plan()
    lateness: list[float] = []
    assets: dict[str, Totals] = {}
    for asset_id in plan.assets:
        own = [c for c in story.commands.get(asset_id, {}).values() if c.plan_id == plan.id]
        late = [s for c in own if (s := c.progress.lateness_seconds) is not None]
        lateness += late
        assets[asset_id] = _asset(story, plan, asset_id, own, _lateness(late), now or plan.end)
    run_speed = story.run.speed if story.run else 1.0
    return {
        "plan": {
            "id": plan.id,
            "file": plan.name if file is None else file,
            "start": plan.start.isoformat(),
            "end": plan.end.isoformat(),
            "slots": plan.slot_count,
        },
        "site": site_id,
        "dry_run": plan.dry_run if dry_run is None else dry_run,
        "speed": run_speed if speed is None else speed,
        "totals": _totals(list(assets.values()), _lateness(lateness)),
        "assets": assets,
    }


def _asset(
    story: Story,
    plan: Plan,
    asset_id: str,
    own: Sequence[Command],
    lateness: Lateness,
    now: datetime,
) -> Totals:
    timelines = story.of_asset(plan, asset_id)
    window = _window(story, plan, timelines)
    relied = any(t.assumed is not None for t in timelines if t.channel is Channel.POWER)
    asked = list(_asked(story, asset_id, None if relied else window.start))
    requested = energy_of((Hold(at, kw, c.expires_at) for at, kw, c in asked), window)
    acknowledged = energy_of(_answered(asked), window)
    meter = story.meters.get(asset_id)
    delivered = meter.counted(window) if meter else None
    return {
        "planned_charge_kwh": _sum(t.planned_charge_kwh for t in timelines),
        "planned_discharge_kwh": _sum(t.planned_discharge_kwh for t in timelines),
        "requested_charge_kwh": _round(requested.charge_kwh),
        "requested_discharge_kwh": _round(requested.discharge_kwh),
        "acknowledged_charge_kwh": _round(acknowledged.charge_kwh),
        "acknowledged_discharge_kwh": _round(acknowledged.discharge_kwh),
        "delivered_charge_kwh": _round(delivered.charge_kwh) if delivered else None,
        "delivered_discharge_kwh": _round(delivered.discharge_kwh) if delivered else None,
        "commands": dict(sorted(Counter(_statuses(story, plan, timelines, own, now)).items())),
        "lateness_seconds": lateness,
        "clamps": sum(t.clamps for t in timelines),
        "gaps": sum(t.gaps for t in timelines),
    }


def _window(story: Story, plan: Plan, timelines: Sequence[Timeline]) -> Window:
    """When the plan speaks for an asset: for its power, if it says anything of that."""
    if not timelines:
        return Window(plan.end, plan.end)
    timeline = timelines[0]
    start = max(plan.activated_at or plan.start, starts_at(plan, timeline, 0))
    taken = [max(at, newer.activated_at or at) for newer, at in story.covers(plan, timeline)]
    return Window(start, min([plan.end, *taken]))


def _asked(
    story: Story, asset_id: str, since: datetime | None
) -> Iterator[tuple[datetime, float, Command]]:
    """The power commands that were sent to an asset, whoever wanted them."""
    for command in story.commands.get(asset_id, {}).values():
        at, power_kw = story.asked_at.get(command.id), command.signed_kw
        if at is None or power_kw is None or command.channel is not Channel.POWER:
            continue
        if since is None or at >= since:
            yield at, power_kw, command


def _answered(asked: Iterable[tuple[datetime, float, Command]]) -> Iterator[Hold]:
    for _, power_kw, command in asked:
        progress = command.progress
        if progress.status is CommandStatus.COMPLETED and progress.answered_at is not None:
            yield Hold(progress.answered_at, power_kw, command.expires_at)


def _statuses(
    story: Story, plan: Plan, timelines: Iterable[Timeline], own: Sequence[Command], now: datetime
) -> Iterator[str]:
    """The status of each command that the plan led to, and of each row that became none."""
    for command in own:
        yield command.progress.status.value
    said = {(c.channel, c.row) for c in own if c.row >= 0}
    for timeline in timelines:
        covered = min((at for _, at in story.covers(plan, timeline)), default=None)
        spans = story.cut.get((plan.id, timeline.asset_id), ())
        for row in range(len(timeline.slots)):
            unsaid = (timeline.channel, row) not in said
            if unsaid and not (row == 0 and timeline.assumed is not None):
                cut = any(begin <= row < end for begin, end in spans)
                yield _unsaid(plan, timeline, row, cut, covered, now).value


def _unsaid(
    plan: Plan, timeline: Timeline, row: int, cut: bool, covered: datetime | None, now: datetime
) -> CommandStatus:
    """What became of a row that was never sent."""
    end = ends_at(plan, timeline, row)
    if cut:
        return CommandStatus.CANCELLED
    if covered is not None and starts_at(plan, timeline, row) >= covered:
        return CommandStatus.SUPERSEDED
    if end is not None and end <= now:
        return CommandStatus.EXPIRED
    return CommandStatus.PENDING if covered is None or covered > now else CommandStatus.SUPERSEDED


def _lateness(seconds: Sequence[float]) -> Lateness:
    """By nearest rank: always a lateness that was really met."""
    if not seconds:
        return {"p50": None, "p99": None, "max": None}
    ordered = sorted(seconds)

    def rank(share: float) -> float:
        return _round(ordered[max(ceil(share * len(ordered)) - 1, 0)])

    return {"p50": rank(0.50), "p99": rank(0.99), "max": _round(ordered[-1])}


def _totals(assets: Sequence[Totals], lateness: Lateness) -> Totals:
    statuses: Counter[str] = Counter()
    for asset in assets:
        statuses.update(asset["commands"])
    return {
        "planned_charge_kwh": _sum(asset["planned_charge_kwh"] for asset in assets),
        "planned_discharge_kwh": _sum(asset["planned_discharge_kwh"] for asset in assets),
        "requested_charge_kwh": _sum(asset["requested_charge_kwh"] for asset in assets),
        "requested_discharge_kwh": _sum(asset["requested_discharge_kwh"] for asset in assets),
        "acknowledged_charge_kwh": _sum(asset["acknowledged_charge_kwh"] for asset in assets),
        "acknowledged_discharge_kwh": _sum(asset["acknowledged_discharge_kwh"] for asset in assets),
        "delivered_charge_kwh": _known(asset["delivered_charge_kwh"] for asset in assets),
        "delivered_discharge_kwh": _known(asset["delivered_discharge_kwh"] for asset in assets),
        "commands": dict(sorted(statuses.items())),
        "lateness_seconds": lateness,
        "clamps": sum(asset["clamps"] for asset in assets),
        "gaps": sum(asset["gaps"] for asset in assets),
    }


def _sum(values: Iterable[float]) -> float:
    return _round(fsum(values))


def _known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _sum(known) if known else None


def _round(value: float) -> float:
    """To a milliwatt-hour, or a microsecond: beyond it there is only noise."""
    return round(value, 6)
