"""A site carries out its plans: each asset is told one thing at a time, in its time or never.

                 due, asset free           Answer(yes)
     pending ----------------> dispatched ------------> completed
      ^ | |                      | |  ^                     ^
      | | |           Acknowledge| |  | Answer(yes)         | Answer(yes), late, and nothing
      | | |                      v |  |                     | newer was sent
      | | |              acknowledged-+                     |
      | | |                        |                        |
      +----- Answer(no), silence: -+--> no try left: failed, timed out (then: the safe default)
        | |  back off, try again   +--> Answer(refused): rejected
        | +-- its time is over: expired          Cancel: cancelled
        +---- a newer one is due, or a newer plan: superseded

A row of a plan becomes a command when it is due (`Wake`) or somebody carries it out
(`Dispatch`), and has no fact before. A row that was over before it was said stays without one:
it is expired, and never sent. What a plan says later replaces what it said before, so after an
outage each asset is told the present row, and nothing of what was missed.

A device may take a command and say that it will act when it can. Such a promise keeps nothing
else waiting; a newer command of its channel replaces it.

A run by the wall clock is told of each command a moment ahead, and sends it when its time comes:
it is durable by then (`Run.ahead_seconds`).

After a try whose end is not known (silence, a crash) the next one is `doubtful`: whoever carries
it reads back first. `decide` looks at what is due, for the price of that, and moves nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final, assert_never

from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.schedules import commands, plans, tidying
from pointsman.schedules import due as due_now
from pointsman.schedules.facts import (
    AboutCommand,
    ContextWritten,
    Dispatched,
    Fact,
    Measured,
    Opened,
    Passed,
    PlanActivated,
    PlanEnded,
    StateChanged,
    TimelineWritten,
    Unplugged,
)
from pointsman.schedules.intents import (
    Acknowledge,
    Activate,
    Answer,
    Cancel,
    CheckTimeouts,
    Dispatch,
    Intent,
    Measure,
    Open,
    ReportState,
    Submit,
    Sweep,
    Tidy,
    Unplug,
    Write,
)
from pointsman.schedules.site import Site

FACTS_AT_ONCE: Final = 500
"""Most facts of one `Wake`. What is left is due still, so another follows at once."""


def initial() -> Site:
    return Site()


def decide(site: Site, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:
    match intent:  # What comes most often comes first.
        case Wake():
            return _wake(site, now)
        case Answer():
            return commands.answer(site, intent, now)
        case Measure(measurement) if site.measured.get(measurement.asset_id) == measurement:
            return []
        case Measure(measurement):
            return [Measured(measurement)]
        case ReportState(state) if site.states.get(state.asset_id) == state:
            return []
        case ReportState(state):
            return [StateChanged(state)]
        case CheckTimeouts():
            return _at_most(due_now.silent(site, now))
        case Sweep():
            return _at_most(chain(due_now.over(due_now.judged(site, now)), plans.ended(site, now)))
        case Tidy(before):
            return _at_most(tidying.needless(site, before))
        case Submit(command):
            return commands.submit(site, command)
        case Dispatch(command):
            return commands.dispatch(site, command, now)
        case Acknowledge():
            return commands.acknowledge(site, intent)
        case Cancel():
            return commands.cancel(site, intent)
        case Open(run) if run.number > site.run_number:
            return [Opened(run)]
        case Open(run) if run == site.run:
            return []
        case Open(run):
            raise Rejected(f"run {run.number} does not follow run {site.run_number}")
        case Write():
            return plans.write(site, intent)
        case Activate():
            return plans.activate(site, intent, now)
        case Unplug(asset_id):
            return plans.unplug(site, asset_id, now)
        case _:
            assert_never(intent)


def evolve(site: Site, fact: Fact) -> Site:
    match fact:
        case AboutCommand(command=command):
            if commands.joins_queue(site, command):
                commands.queue(site, command)
            elif commands.move(site, command):
                site.rearm(command.asset_id)
        case TimelineWritten(timeline):
            site.hold(timeline.plan_id, "slots", timeline.asset_id, timeline.channel)
            if plans.stage(site, timeline):
                site.rearm(timeline.asset_id)
        case PlanActivated(plan) | PlanEnded(plan):
            for asset_id in plans.put_in_force(site, plan):
                site.rearm(asset_id)
        case Unplugged(asset_id, plan_id, rows):
            site.hold(plan_id, "unplugged", asset_id)
            site.desk(asset_id).cut[plan_id] = rows
            site.rearm(asset_id)
        case Passed(asset_id, plan_id, channel, row):
            site.hold(plan_id, "passed", asset_id, channel)
            site.desk(asset_id).say(plan_id, channel, row)
            site.rearm(asset_id)
        case Opened(run):
            ahead, site.run = site.ahead, run
            for asset_id, desk in site.desks.items():
                if desk.unanswered or site.ahead != ahead:
                    site.rearm(asset_id)
        case Measured(measurement):
            site.measured[measurement.asset_id] = measurement
        case StateChanged(state):
            site.states[state.asset_id] = state
        case ContextWritten(context):
            site.hold(context.plan_id, "context", context.column)
        case Forgotten(thing):
            tidying.forget(site, thing)
        case _:
            assert_never(fact)
    return site


def due(site: Site) -> datetime | None:
    first = site.agenda.first()
    return first[0] if first else None


def _wake(site: Site, now: datetime) -> Sequence[Fact]:
    """All that is due: first what ended, then what is to be sent, then what passed unsaid."""
    facts: list[Fact] = []
    seen: set[str] = set()
    judged = due_now.judged(site, now)
    for fact in (*due_now.silent(site, now), *due_now.over(judged)):
        facts.append(fact)
        seen.add(fact.command.asset_id)
    facts = facts[:FACTS_AT_ONCE]
    room = FACTS_AT_ONCE - len(facts)
    sending = commands.numbered(site, _to_send(site, judged, seen, now)[:room])
    facts += sending
    facts += commands.no_longer_wanted(site, [fact.command for fact in sending], now)
    facts += plans.ended(site, now)
    return facts or _at_most(plans.passed(site, now))


def _to_send(
    site: Site, judged: list[list[due_now.Judged]], seen: set[str], now: datetime
) -> list[Dispatched]:
    """One command an asset, in the order of sending. Assets with news already must wait."""
    ready = (c for c in due_now.ready(site, judged) if c.asset_id not in seen)
    order = due_now.sending_order_in(site)
    return [commands.handed_out(site, command, now) for command in sorted(ready, key=order)]


def _at_most(facts: Iterable[Fact]) -> Sequence[Fact]:
    return list(islice(facts, FACTS_AT_ONCE))
