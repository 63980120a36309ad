"""The commands that ask what happened. They read a journal, beside a running owner or without
one, and never write to it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from pointsman.cli import dispatch_facts, operation_facts, output
from pointsman.cli.errors import FlagError
from pointsman.cli.journals import KINDS, Facts, facts_at, site_of_entity
from pointsman.cli.lines import line_of
from pointsman.cli.reports import show_report
from pointsman.cli.standings import show_status, show_why
from pointsman.cli.times import day_of, show
from pointsman.core.values import whole
from pointsman.journal import START, Cursor
from pointsman.journal.ownership import owner_of
from pointsman.library.instants import instant_of, zone_of
from pointsman.operations import OPERATIONS
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Happened
from pointsman.runtime.follow import follow
from pointsman.schedules import SCHEDULES
from pointsman.schedules.model import Plan
from pointsman.schedules.views import report as report_of_facts
from pointsman.schedules.views import status as status_of_facts
from pointsman.schedules.views import why as why_of_facts


@dataclass(frozen=True, slots=True)
class Asked:
    """What all questions have in common."""

    journal: Path | None
    data: Path | None
    site_id: str | None
    tz: str | None
    as_json: bool


class About(NamedTuple):
    """The site that a question is about."""

    facts: Facts
    site_id: str
    zone: tzinfo | None


def why(asked: Asked, asset_id: str, time: str | None) -> None:
    with _about(asked) as (facts, site_id, zone):
        at = None if time is None else instant_of(time, zone, "TIME")
        found = why_of_facts(facts.of(site_id), asset_id, at)
    if asked.as_json:
        output.json(found)
    else:
        show_why(found, zone)


def report(asked: Asked, day: str | None, plan_id: str | None) -> None:
    with _about(asked) as (facts, site_id, zone):
        if day is not None:
            plan_id = _plan_of_day(facts, site_id, day, zone).id
        found = report_of_facts(facts.of(site_id), plan_id=plan_id, site_id=site_id)
    if asked.as_json:
        output.json(found)
    else:
        show_report(found)


def status(asked: Asked) -> None:
    with _about(asked) as (facts, site_id, zone):
        found = status_of_facts(facts.of(site_id))
        pid = owner_of(facts.path)
        if found is not None and found.run is not None and found.run.speed == 1 and pid:
            found = status_of_facts(facts.of(site_id), max(found.at, SystemClock().now()))
    if found is None:
        raise FlagError(f"{facts.path} has no facts of {site_id!r} yet")
    if asked.as_json:
        output.json({"site": site_id, "pid": pid, **whole(found)})
    else:
        show_status(found, site_id, pid, zone)


def log(asked: Asked, *, follow_on: bool) -> None:
    with facts_at(asked.journal, asked.data) as facts:
        cursor, zones = START, _Zones(facts, zone_of(asked.tz))
        for cursor, happened in facts.all():  # noqa: B007  The last one is where to go on.
            _print(happened, zones, as_json=asked.as_json)
        if follow_on:
            asyncio.run(_follow(facts, cursor, zones, as_json=asked.as_json))


@contextmanager
def _about(asked: Asked) -> Iterator[About]:
    with facts_at(asked.journal, asked.data) as facts:
        site_id = facts.site(asked.site_id)
        yield About(facts, site_id, zone_of(asked.tz) or facts.zone(site_id))


def _plan_of_day(facts: Facts, site_id: str, day: str, zone: tzinfo | None) -> Plan:
    """The plan that came into force last of those that reach into the day."""
    start, end = day_of(day, zone)
    found: list[Plan] = [happened.fact.plan for happened in facts.of(site_id, ["PlanActivated"])]
    fit = [plan for plan in found if plan.start < end and plan.end > start]
    if fit:
        return fit[-1]
    days = sorted({show(plan.start, zone)[:10] for plan in found})
    raise FlagError(
        f"no plan of {day} was in force; there are plans of {', '.join(days) or 'no day'}"
    )


class _Zones:
    """The zone to show each site's times in."""

    def __init__(self, facts: Facts, wanted: tzinfo | None) -> None:
        self._facts = facts
        self._wanted = wanted
        self._known: dict[str, tzinfo | None] = {}

    def of(self, entity: str) -> tzinfo | None:
        if self._wanted is not None:
            return self._wanted
        if entity not in self._known:
            self._known[entity] = self._facts.zone(site_of_entity(entity))
        return self._known[entity]


def _print(happened: Happened, zones: _Zones, *, as_json: bool) -> None:
    entity, fact, at = happened
    if as_json:
        about = {"at": at, "entity": entity, "fact": type(fact).__name__, "value": fact}
        output.json(about, indent=0)
    else:
        zone = zones.of(entity)
        match entity.partition("/")[0]:
            case SCHEDULES.name:
                output.line(line_of(fact, at, zone))
            case OPERATIONS.name:
                output.line(operation_facts.line_of(happened, zone))
            case _:
                output.line(dispatch_facts.line_of(happened, zone))


async def _follow(facts: Facts, cursor: Cursor, zones: _Zones, *, as_json: bool) -> None:
    async for _, happened in follow(facts.journal, KINDS, cursor):
        _print(happened, zones, as_json=as_json)
        output.flush()
