"""One line for each fact, as `log` prints it."""

from datetime import datetime, tzinfo

from pointsman.cli.output import kw
from pointsman.cli.times import show
from pointsman.schedules.facts import (
    AboutCommand,
    AboutPlan,
    AboutTimeline,
    ContextWritten,
    Fact,
    Measured,
    Opened,
    Passed,
    StateChanged,
    Unplugged,
)
from pointsman.schedules.model import Command, CommandStatus, Measurement, Run


def line_of(fact: Fact, at: datetime, zone: tzinfo | None) -> str:
    """`2019-06-05 08:00:00-07:00 CA-311 Dispatched cmd_… SET_CHARGE_RATE 6.6 kW try 1`."""
    who, what = _told(fact)
    return " ".join(part for part in (show(at, zone), who, type(fact).__name__, what) if part)


def command_words(command: Command) -> str:
    """`SET_CHARGE_RATE 6.6 kW`, and whatever else it says."""
    words = [command.type.value]
    if command.power_kw is not None:
        words.append(f"{kw(command.power_kw)} kW")
    for name, value in (command.parameters or {}).items():
        words.append(name if value is True else f"{name}={value}")
    if command.reason and not command.release:
        words.append(f"({command.reason})")
    return " ".join(words)


def _told(fact: Fact) -> tuple[str, str]:
    """Whom a fact is about, and what there is to say."""
    match fact:
        case AboutCommand(command=command):
            return command.asset_id, f"{command.id} {command_words(command)}{_progress(command)}"
        case AboutPlan(plan=plan):
            named = plan.name or plan.id
            return named, f"{plan.id} {plan.slot_count} slots for {len(plan.assets)} assets"
        case AboutTimeline(timeline=t):
            return t.asset_id, f"{t.plan_id} {len(t.slots)} rows of {t.channel}"
        case ContextWritten(context):
            return context.column, context.plan_id
        case Measured(measurement):
            return measurement.asset_id, _measured(measurement)
        case StateChanged(state):
            reason = f" ({state.reason})" if state.reason else ""
            return state.asset_id, f"{state.previous or '?'} -> {state.state}{reason}"
        case Unplugged(asset_id, plan_id, rows):
            cancelled = sum(end - begin for begin, end in rows)
            return asset_id, f"{plan_id} {cancelled} rows cancelled"
        case Passed(asset_id, plan_id, channel, row):
            return asset_id, f"{plan_id} {channel} up to row {row}"
        case Opened(run):
            return "run", _run(run)
        case _:
            return fact.thing, ""


def _progress(command: Command) -> str:
    progress = command.progress
    words = f" try {progress.attempt}" if progress.attempt else ""
    if command.dry_run:
        words += " dry run"
    if progress.status is CommandStatus.DISPATCHED and progress.doubtful:
        words += " after a read-back"
    if progress.late:
        words += " late"
    if progress.applied_kw is not None:
        words += f" applied {kw(progress.applied_kw)} kW"
    if progress.superseded_by:
        words += f" by {progress.superseded_by}"
    return words + (f": {progress.error}" if progress.error else "")


def _measured(measurement: Measurement) -> str:
    m = measurement
    soc = "" if m.soc_percent is None else f" SoC {m.soc_percent:.0f} %"
    return (
        f"{kw(m.average_kw)} kW ({kw(m.least_kw)} to {kw(m.most_kw)}) "
        f"charged {m.charged_kwh:.3f} kWh discharged {m.discharged_kwh:.3f} kWh{soc}"
    )


def _run(run: Run) -> str:
    dry = " dry run" if run.dry_run else ""
    return f"{run.number} at {run.speed:g} times{dry} by process {run.pid}"
