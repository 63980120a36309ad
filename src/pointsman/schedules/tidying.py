"""What a site may forget, so that its journal does not grow without bound.

Never what is still looked at: the plan of any asset, the last command to each, and of each plan
in force the last row that was said, for that tells which row is next.
"""

from collections.abc import Iterator
from datetime import datetime

from pointsman.core.entity import Forgotten
from pointsman.core.names import part, text_of
from pointsman.schedules.desk import LIVING
from pointsman.schedules.model import Channel, Command
from pointsman.schedules.site import Site


def needless(site: Site, before: datetime) -> Iterator[Forgotten]:
    used = _plans_in_use(site)
    for command in site.commands.values():
        if _over(command, before) and not _needed(site, command, used):
            yield Forgotten(command.id)
    living = {c.plan_id for c in site.commands.values() if c.row >= 0}
    for plan_id, things in site.things.items():
        if plan_id not in used and plan_id not in living and _past(site, plan_id, before):
            yield from (Forgotten(part(what, plan_id, *rest)) for what, *rest in sorted(things))
    for plan_id, plan in site.plans.items():
        unused = plan_id not in used and plan_id not in living and not site.things.get(plan_id)
        if unused and plan.ended and plan != site.newest:
            yield Forgotten(part("plan", plan_id))


def forget(site: Site, thing: str) -> None:
    what, *words = thing.split("~")
    if not words:
        command = site.commands.pop(thing, None)
        if command is not None:
            site.clear(command.asset_id)
        return
    plan_id, *rest = map(text_of, words)
    if what == "plan":
        site.plans.pop(plan_id, None)
        site.places.pop(plan_id, None)
        site.agenda.drop(f"plan {plan_id}")
        return
    if what == "slots":
        _forget_rows(site, plan_id, rest[0], Channel(rest[1]))
    elif what == "unplugged":
        site.look(rest[0]).cut.pop(plan_id, None)
        site.clear(rest[0])
    things = site.things.get(plan_id, set())
    things.discard((what, *rest))
    if not things:
        site.things.pop(plan_id, None)


def _forget_rows(site: Site, plan_id: str, asset_id: str, channel: Channel) -> None:
    staged = site.staged.get(plan_id, {})
    staged.pop((asset_id, channel), None)
    if not staged:
        site.staged.pop(plan_id, None)
    site.look(asset_id).said.pop((plan_id, channel), None)
    site.clear(asset_id)


def _plans_in_use(site: Site) -> set[str]:
    lanes = (lane for desk in site.desks.values() for lane in desk.lanes.values())
    return {segment.plan.id for lane in lanes for segment in lane.segments}


def _over(command: Command, before: datetime) -> bool:
    progress = command.progress
    ended_at = progress.answered_at or command.scheduled_at
    return progress.status not in LIVING and ended_at < before


def _needed(site: Site, command: Command, used: set[str]) -> bool:
    desk = site.look(command.asset_id)
    lane = desk.lanes.get(command.channel)
    last = lane is not None and lane.last is not None and lane.last.id == command.id
    said = desk.said.get((command.plan_id, command.channel), -1)
    tells_next = command.plan_id in used and 0 <= said <= command.row
    return last or tells_next or command.sequence == site.sequence


def _past(site: Site, plan_id: str, before: datetime) -> bool:
    """Over, or never in force and left by an import that did not come to its end."""
    plan = site.plans.get(plan_id)
    return plan is None or (plan.ended and plan.end < before)
