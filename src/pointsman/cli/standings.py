"""How a site and its assets stand, as people read it."""

from collections.abc import Iterator
from datetime import tzinfo

from pointsman.cli import output
from pointsman.cli.lines import command_words
from pointsman.cli.output import kw
from pointsman.cli.times import show
from pointsman.schedules.model import Measurement, Run
from pointsman.schedules.standing import Standing, Upcoming
from pointsman.schedules.status import Status
from pointsman.schedules.why import Step, Why


def show_why(found: Why, zone: tzinfo | None) -> None:
    for text in why_lines(found, zone):
        output.line(text)


def why_lines(found: Why, zone: tzinfo | None) -> Iterator[str]:
    """What the asset follows first, then what is behind it, then what comes next."""
    standing = found.standing
    yield f"{standing.asset_id} at {show(found.at, zone)}: {_value(standing, zone)}"
    if standing.uncertain:
        yield f"  uncertain: {standing.uncertain}"
    if found.command is not None:
        which = "from" if standing.in_force is not None else "last told"
        yield f"  {which} {found.command.id} {command_words(found.command)}"
        yield from _origin(found, zone)
        yield f"  tries: {found.tries}" + "".join(f"; {error}" for error in found.errors)
        yield from (_step(step, zone) for step in found.steps)
    if found.trouble:
        yield "  sent after it:"
        yield from (_step(step, zone) for step in found.trouble)
    if standing.in_flight is not None:
        yield f"  in flight: {standing.in_flight.id} {command_words(standing.in_flight)}"
    yield f"  next: {_next(standing.upcoming, zone)}"
    if standing.state is not None:
        reason = f" ({standing.state.reason})" if standing.state.reason else ""
        since = show(standing.state_since, zone)
        yield f"  state: {standing.state.state}{reason} since {since}"
    yield f"  measured: {_measured(standing.measured, zone)}"


def show_status(found: Status, site_id: str, pid: int | None, zone: tzinfo | None) -> None:
    output.line(f"{site_id} at {show(found.at, zone)}: {_run(found, pid, zone)}")
    if found.plan is None:
        output.line("no plan was ever in force")
    else:
        plan = found.plan.plan
        place = "over" if found.plan.over else f"slot {found.plan.slot + 1} of {plan.slot_count}"
        output.line(
            f"plan {plan.name or plan.id} ({plan.id}): {place}, {found.plan.share:.0%} of the time "
            f"from {show(plan.start, zone)} to {show(plan.end, zone)}; "
            f"commands so far: {output.counts(found.plan.commands)}"
        )
    headers = ("asset", "state", "commanded kW", "until", "measured kW", "SoC %", "next", "")
    output.table(headers, (_row(standing, zone) for standing in found.assets), words=2)


def _run(found: Status, pid: int | None, zone: tzinfo | None) -> str:
    run: Run | None = found.run
    if run is None:
        return "no run yet"
    dry = ", dry run" if run.dry_run else ""
    alive = f"process {pid} is running it" if pid else "ended"
    return f"run {run.number}{dry}, speed {run.speed:g}, since {show(found.since, zone)}, {alive}"


def _row(standing: Standing, zone: tzinfo | None) -> tuple[str, ...]:
    measured, upcoming = standing.measured, standing.upcoming
    until = standing.in_force.expires_at if standing.in_force else None
    soc = measured.soc_percent if measured else None
    if standing.uncertain:
        note = "uncertain"
    else:
        note = "in flight" if standing.in_flight is not None else ""
    return (
        standing.asset_id,
        standing.state.state if standing.state else "-",
        kw(standing.in_force_kw),
        show(until, zone),
        kw(measured.average_kw if measured else None),
        "-" if soc is None else f"{soc:.0f}",
        f"{kw(upcoming.command.signed_kw)} kW at {show(upcoming.at, zone)}" if upcoming else "-",
        note,
    )


def _value(standing: Standing, zone: tzinfo | None) -> str:
    if standing.in_force is not None:
        until = standing.in_force.expires_at
        lasting = f"until {show(until, zone)}" if until else "until told otherwise"
        return f"{kw(standing.in_force_kw)} kW in force, {lasting}"
    if standing.last is None:
        return "it was never told anything"
    return "no value is in force"


def _origin(found: Why, zone: tzinfo | None) -> Iterator[str]:
    command = found.command
    if command is None:
        return
    if found.plan is None or command.row < 0:
        reason = f": {command.reason}" if command.reason else ""
        yield f"  which is no row of a plan (source {command.source}{reason})"
        return
    mark = f", {found.mark}" if found.mark else ""
    asked = "" if command.requested_kw is None else f"; the plan said {kw(command.requested_kw)} kW"
    yield (
        f"  which is row {command.row} of {found.plan.name} ({found.plan.id}), from slot "
        f"{command.slot} at {show(command.scheduled_at, zone)}{mark}{asked}"
    )


def _step(step: Step, zone: tzinfo | None) -> str:
    progress = step.command.progress
    words = f" try {progress.attempt}" if progress.attempt else ""
    error = f": {progress.error}" if progress.error else ""
    return f"    {show(step.at, zone)} {step.what}{words}{error}"


def _next(upcoming: Upcoming | None, zone: tzinfo | None) -> str:
    if upcoming is None:
        return "nothing is planned"
    where = f" of {upcoming.plan.name}" if upcoming.plan is not None else ""
    return f"{command_words(upcoming.command)} at {show(upcoming.at, zone)}{where}"


def _measured(measured: Measurement | None, zone: tzinfo | None) -> str:
    if measured is None:
        return "never"
    soc = "" if measured.soc_percent is None else f", SoC {measured.soc_percent:.0f} %"
    return f"{kw(measured.average_kw)} kW until {show(measured.until, zone)}{soc}"
