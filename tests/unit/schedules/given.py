"""Small plans to tell stories with: half past ten is `at(10, 30)`, all on one day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.core.entity import Wake
from pointsman.core.values import replace
from pointsman.schedules.facts import Dispatched, Fact, PlanActivated
from pointsman.schedules.intents import Activate, Answer, Intent, Write
from pointsman.schedules.lifecycle import decide, evolve, initial
from pointsman.schedules.model import (
    Channel,
    Command,
    CommandType,
    Mark,
    Plan,
    Policy,
    Timeline,
)
from pointsman.schedules.site import Site

DAY = datetime(2026, 1, 1, tzinfo=UTC)
BAY = "bay-1"


def at(hour: int, minute: int = 0, second: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def plan(
    id: str = "morning",
    *,
    start: datetime = DAY + timedelta(hours=8),
    slots: int = 4,
    assets: Sequence[str] = (BAY,),
    **also: Any,  # noqa: ANN401  Any field of a plan.
) -> Plan:
    """Slots of an hour each."""
    offsets = tuple(3600.0 * n for n in range(slots + 1))
    given: dict[str, Any] = {
        "created_at": start,
        "activated_at": start,
        "policy": Policy(timeout_seconds=30),
    }
    return Plan(id, start, offsets, tuple(assets), **(given | also))


def timeline(plan: Plan, values: dict[int, float], asset: str = BAY, **also: Any) -> Timeline:  # noqa: ANN401
    """Values in kW by slot; the release comes by itself."""
    rows = {**values, plan.slot_count: also.pop("release_kw", 0.0)}
    return Timeline(
        plan.id,
        asset,
        also.pop("channel", Channel.POWER),
        tuple(rows),
        tuple(rows.values()),
        marks={**also.pop("marks", {}), len(rows) - 1: Mark.RELEASE},
        **also,
    )


def carried_out(*timelines: Timeline, plan: Plan, site: Site | None = None) -> Site:
    """A site where this plan is in force."""
    site = initial() if site is None else site
    now = plan.activated_at or plan.start
    ask(site, Write(timelines), now)
    facts = ask(
        site, Activate(replace(plan, assets=tuple({t.asset_id: 0 for t in timelines}))), now
    )
    assert isinstance(facts[0], PlanActivated)
    return site


def simple(values: dict[int, float] | None = None, **also: Any) -> Site:  # noqa: ANN401
    morning = plan()
    rows = {0: 22.0, 3: 0.0} if values is None else values
    return carried_out(timeline(morning, rows, **also), plan=morning)


def ask(site: Site, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:
    facts = decide(site, intent, now)
    for fact in facts:
        evolve(site, fact)
    return facts


def wake(site: Site, now: datetime) -> Sequence[Fact]:
    """All that wakes at `now` do, one after the other."""
    facts: list[Fact] = []
    while more := ask(site, Wake(), now):
        facts += more
        assert len(facts) < 10_000
    return facts


def yes(command: Command, **also: Any) -> Answer:  # noqa: ANN401
    return Answer(command.id, command.progress.attempt, success=True, **also)


def no(command: Command, **also: Any) -> Answer:  # noqa: ANN401
    return Answer(command.id, command.progress.attempt, success=False, **also)


def hand_made(id: str = "cmd_by_hand", asset: str = BAY, **also: Any) -> Command:  # noqa: ANN401
    given: dict[str, Any] = {
        "type": CommandType.SET_CHARGE_RATE,
        "scheduled_at": at(8),
        "power_kw": 5.0,
    }
    return Command(id, asset, **(given | also))


def powers(facts: object) -> list[float | None]:
    assert isinstance(facts, list)
    return [f.command.power_kw for f in facts if isinstance(f, Dispatched)]


def say_yes(site: Site, hour: int, minute: int = 0) -> list[float | None]:
    """Send what is due, and complete it. The powers that were sent."""
    facts = wake(site, at(hour, minute))
    for fact in facts:
        if isinstance(fact, Dispatched):
            ask(site, yes(fact.command), at(hour, minute))
    return powers(facts)


def only(facts: object) -> Command:
    """The command of the one fact there is."""
    assert isinstance(facts, list)
    [fact] = facts
    command = fact.command
    assert isinstance(command, Command)
    return command


def sent(site: Site, now: datetime) -> Command:
    """The command of the `Dispatched` that a wake at `now` brings."""
    [command] = [f.command for f in wake(site, now) if isinstance(f, Dispatched)]
    return command


def kinds(facts: object) -> list[type[Fact]]:
    assert isinstance(facts, list)
    return [type(fact) for fact in facts]
