"""What happens to a plan: its timelines are written, it is put in force, it ends."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Final

from pointsman.core.entity import Forgotten, Rejected
from pointsman.core.values import replace
from pointsman.schedules.desk import FOREVER, Desk, Segment, in_force_kw
from pointsman.schedules.endings import superseded
from pointsman.schedules.facts import (
    Added,
    ContextWritten,
    Fact,
    Passed,
    PlanActivated,
    PlanEnded,
    Superseded,
    TimelineWritten,
    Unplugged,
)
from pointsman.schedules.intents import Activate, Write
from pointsman.schedules.model import Channel, Command, CommandType, Mark, Plan, Timeline
from pointsman.schedules.rows import command_id, row_at, starts_at
from pointsman.schedules.site import Site

SAME_KW: Final = 1e-9
FACTS_WITH_ACTIVATION: Final = 900
LEFT_OVER_MOST: Final = 90
"""With those above, still one append."""


class Stale(Rejected):
    """A plan that is older than the one in force."""


def write(site: Site, intent: Write) -> list[Fact]:
    """Keep rows of a plan that nothing looks at yet. Those kept already are passed over."""
    timelines = [t for t in intent.timelines if not _kept(site, t)]
    contexts = [c for c in intent.contexts if c.plan_id not in site.plans]
    return [*map(TimelineWritten, timelines), *map(ContextWritten, contexts)]


def activate(site: Site, intent: Activate, now: datetime) -> list[Fact]:
    """Put a plan in force. Pending commands of older plans that it covers end with it."""
    plan = intent.plan
    if known := site.plans.get(plan.id):
        if site.newest_for(known):
            return []
        raise Rejected(f"plan {plan.id!r} was in force before: give it another plan_id")
    staged = site.staged.get(plan.id, {})
    if missing := set(plan.assets) - {asset_id for asset_id, _ in staged}:
        raise Rejected(f"plan {plan.id!r} has no rows for {min(missing)!r}: write them first")
    for older in _plans_of(site, plan.assets):
        _check_age(plan, older)
    for asset_id, assumed_kw in intent.in_force.items():
        met_kw = in_force_kw(site.look(asset_id), Channel.POWER, now)
        if met_kw is None or abs(met_kw - assumed_kw) > SAME_KW:
            raise Rejected(f"{asset_id!r} follows {met_kw} kW by now, not {assumed_kw}: plan anew")
    instants = (plan.activated_at, site.newest.activated_at if site.newest else None)
    activated_at = max((at for at in instants if at is not None), default=None)
    number = site.newest.activation + 1 if site.newest else 1
    in_force = replace(plan, activation=number, activated_at=activated_at)
    left_over = _left_over(site, plan)
    return [*left_over, PlanActivated(in_force), *_covered(site, in_force, now)]


def stage(site: Site, timeline: Timeline) -> bool:
    """Keep a timeline, or adopt it if its plan is in force. Returns whether its asset has news."""
    if plan := site.plans.get(timeline.plan_id):
        return site.desk(timeline.asset_id).lane(timeline.channel).adopt(plan, timeline)
    key = timeline.asset_id, timeline.channel
    site.staged.setdefault(timeline.plan_id, {})[key] = timeline
    return False


def put_in_force(site: Site, plan: Plan) -> set[str]:
    """Remember a plan, and hand its timelines to its assets. Returns those that have news."""
    known = plan.id in site.plans
    site.plans[plan.id] = plan
    site.places[plan.id] = {asset_id: n for n, asset_id in enumerate(plan.assets)}
    if site.newest is None or site.newest.activation <= plan.activation:
        site.newest = plan
    staged = site.staged.pop(plan.id, {}).values()
    news = {timeline.asset_id for timeline in staged if stage(site, timeline)}
    lanes = (lane for id in plan.assets for lane in site.look(id).lanes.values())
    for lane in lanes if known else ():
        lane.renew(plan)
    if plan.ended:
        site.agenda.drop(f"plan {plan.id}")
    else:
        site.agenda.put(f"plan {plan.id}", plan.end + plan.last_slot)
    return news


def ended(site: Site, now: datetime) -> list[PlanEnded]:
    due = [key.partition(" ") for _, key in sorted(site.agenda.until(now))]
    plans = [site.plans[id] for what, _, id in due if what == "plan"]
    return [PlanEnded(replace(p, ended=True, expired=site.newest_for(p))) for p in plans]


def passed(site: Site, now: datetime) -> Iterator[Passed]:
    """Rows that need not be said any more, once all else that is due was said."""
    soon = now + site.together
    for desk in site.due_desks(soon):
        for segment, row in desk.lapsed(soon + site.ahead):
            timeline = segment.timeline
            yield Passed(timeline.asset_id, segment.plan.id, timeline.channel, row)


def unplug(site: Site, asset_id: str, now: datetime) -> list[Fact]:
    """Cancel what is left for the vehicle that is plugged in now, and end its setpoint."""
    desk = site.look(asset_id)
    lane = desk.lanes.get(Channel.POWER)
    here = [s for s in lane.segments if s.start <= now] if lane else []
    if not here:
        return []
    segment = here[-1]
    end = _end_of_vehicle(segment, now)
    if end is None:
        return []
    facts: list[Fact] = []
    begin = desk.next_row(segment)
    if begin < end:
        spans = (*desk.cut.get(segment.plan.id, ()), (begin, end))
        facts.append(Unplugged(asset_id, segment.plan.id, spans))
    zero = _unplugged(site, segment, end, now)
    if zero.id not in site.commands and in_force_kw(desk, Channel.POWER, now) != 0.0:
        facts.append(Added(zero))
    return facts


def carried_out(site: Site, plan_id: str) -> bool:
    """Whether every command of a plan has come to its end, the releases included."""
    plan = site.plans.get(plan_id)
    return plan is not None and all(
        _nothing_left(site, site.look(asset_id), plan_id) for asset_id in plan.assets
    )


def _nothing_left(site: Site, desk: Desk, plan_id: str) -> bool:
    segments = [s for lane in desk.lanes.values() for s in lane.segments if s.plan.id == plan_id]
    if any(desk.next_row(segment) < len(segment.timeline.slots) for segment in segments):
        return False
    waiting = [site.commands[id] for _, id in desk.queue.until(FOREVER)]
    living = (*waiting, *desk.promised.values())
    return desk.in_flight is None and all(command.plan_id != plan_id for command in living)


def _kept(site: Site, timeline: Timeline) -> bool:
    if timeline.plan_id in site.plans:
        return True
    key = timeline.asset_id, timeline.channel
    return site.staged.get(timeline.plan_id, {}).get(key) == timeline


def _plans_of(site: Site, assets: tuple[str, ...]) -> Iterator[Plan]:
    """The plans in force for some assets, each once."""
    desks = (desk for id in assets if (desk := site.desks.get(id)))
    lanes = (lane for desk in desks for lane in desk.lanes.values() if lane.segments)
    yield from {lane.segments[-1].plan.id: lane.segments[-1].plan for lane in lanes}.values()


def _check_age(plan: Plan, older: Plan) -> None:
    if plan.rev is not None and older.rev is not None:
        if plan.rev < older.rev:
            raise Stale(
                f"plan {plan.id!r} has rev {plan.rev}; {older.id!r} in force has {older.rev}"
            )
    elif plan.created_at < older.created_at:
        raise Stale(
            f"plan {plan.id!r} was created at {plan.created_at}, before {older.id!r},"
            f" which is in force and was created at {older.created_at}"
        )


def _left_over(site: Site, plan: Plan) -> list[Forgotten]:
    """Rows that an import which did not come to its end left under this id."""
    named = set(plan.assets)
    staged = site.staged.get(plan.id, {})
    left = [Forgotten(TimelineWritten(t).thing) for (id, _), t in staged.items() if id not in named]
    if len(left) > LEFT_OVER_MOST:
        raise Rejected(
            f"plan {plan.id!r} has rows of {len(left)} assets that it does not name, as another"
            " import under its id was cut short: give it another plan_id, or tidy first"
        )
    return left


def _covered(site: Site, plan: Plan, now: datetime) -> list[Superseded]:
    """Pending commands of older plans, from the new plan's first row on. What is beyond one
    append is found by `Wake`, when it is due.
    """
    facts: list[Superseded] = []
    for (asset_id, channel), timeline in site.staged[plan.id].items():
        start = starts_at(plan, timeline, 0)
        desk = site.desks.get(asset_id)
        queued = [site.commands[id] for _, id in desk.queue.until(FOREVER)] if desk else []
        facts += [
            superseded(c, plan.id, now)
            for c in queued
            if c.row >= 0 and c.channel is channel and c.scheduled_at >= start
        ]
    return facts[:FACTS_WITH_ACTIVATION]


def _end_of_vehicle(segment: Segment, now: datetime) -> int | None:
    """The first row that is not of the vehicle whose column speaks now. None: none speaks."""
    timeline = segment.timeline
    row = row_at(segment.plan, timeline, now)
    if not timeline.vehicles or timeline.marks.get(row) in {Mark.AWAY, Mark.RELEASE}:
        return None
    last = len(timeline.slots) - 1
    return next(
        n
        for n in range(row + 1, last + 1)
        if n in timeline.vehicles or n == last or timeline.marks.get(n) is Mark.AWAY
    )


def _unplugged(site: Site, segment: Segment, until_row: int, now: datetime) -> Command:
    asset_id = segment.timeline.asset_id
    key = sha256(f"{segment.plan.id}\n{asset_id}\n{until_row}\nunplugged".encode()).hexdigest()
    return Command(
        id=command_id(key),
        asset_id=asset_id,
        type=CommandType.SET_CHARGE_RATE,
        scheduled_at=now,
        expires_at=starts_at(segment.plan, segment.timeline, until_row),
        power_kw=0.0,
        plan_id=segment.plan.id,
        policy=segment.plan.policy,
        reason="unplugged",
        dry_run=segment.plan.dry_run,
        sequence=site.sequence + 1,
    )
