"""What happens to one command: the arrows of the drawing in `lifecycle`, a function each."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pointsman.core.entity import Rejected
from pointsman.core.values import replace
from pointsman.schedules.desk import FLYING, LIVING, Desk, due_at
from pointsman.schedules.endings import (
    ended,
    first_lateness_seconds,
    safe_after_all,
    superseded,
    try_failed,
)
from pointsman.schedules.facts import (
    Acknowledged,
    Added,
    Cancelled,
    CommandFact,
    Completed,
    Dispatched,
    Expired,
    Refused,
    Superseded,
)
from pointsman.schedules.intents import Acknowledge, Answer, Cancel
from pointsman.schedules.model import UNTRIED, Command, CommandStatus
from pointsman.schedules.site import Site


def joins_queue(site: Site, command: Command) -> bool:
    """Whether all that it changes is that one more command waits."""
    return command.progress is UNTRIED and command.row < 0 and command.id not in site.commands


def queue(site: Site, command: Command) -> None:
    """Let a command wait that was made by hand."""
    site.commands[command.id] = command
    site.sequence = max(site.sequence, command.sequence)
    if site.desk(command.asset_id).queue.put(command.id, command.scheduled_at):
        site.rearm_by(command.asset_id, command.scheduled_at)


def move(site: Site, command: Command) -> bool:
    """Take a command from wherever it is, and put it where its status says.

    Returns whether its asset may have to be looked at sooner or later than before.
    """
    desk, status = site.desk(command.asset_id), command.progress.status
    known = command.id in site.commands
    if known:
        _take_off(desk, command.id)
    site.commands[command.id] = command
    site.sequence = max(site.sequence, command.sequence)
    if status is CommandStatus.PENDING:
        desk.queue.put(command.id, due_at(command))
    elif command.progress.patient and status is CommandStatus.ACKNOWLEDGED:
        desk.promised[command.id] = command
    elif status in FLYING:
        desk.in_flight = command
    said = command.row >= 0 and desk.say(command.plan_id, command.channel, command.row)
    if command.progress.attempt:
        lane = desk.lane(command.channel)
        if lane.last is None or lane.last.sequence <= command.sequence:
            lane.last = command
    site.clear(command.asset_id)
    return known or said or status in LIVING


def _take_off(desk: Desk, id: str) -> None:
    desk.queue.drop(id)
    desk.promised.pop(id, None)
    if desk.in_flight is not None and desk.in_flight.id == id:
        desk.in_flight = None


def handed_out(site: Site, command: Command, now: datetime) -> Dispatched:
    progress = replace(
        command.progress,
        status=CommandStatus.DISPATCHED,
        attempt=command.progress.attempt + 1,
        not_before=None,
        patient=False,
        run=site.run_number,
        dispatched_at=max(now, due_at(command)),
        error="",
    )
    return Dispatched(replace(command, progress=progress))


def numbered(site: Site, facts: Iterable[Dispatched]) -> list[Dispatched]:
    """The order of sending, written into the commands."""
    return [
        Dispatched(replace(fact.command, sequence=n))
        for n, fact in enumerate(facts, start=site.sequence + 1)
    ]


def no_longer_wanted(site: Site, sent: Iterable[Command], now: datetime) -> Iterator[Superseded]:
    """Promises of devices that these commands replace."""
    for command in sent:
        for promise in site.look(command.asset_id).promised.values():
            if promise.channel is command.channel:
                yield superseded(promise, command.id, now)


def submit(site: Site, command: Command) -> list[CommandFact]:
    if command.id in site.commands:
        return []
    if command.row >= 0 or command.progress.attempt:
        raise Rejected(f"{command.id} is a row of {command.plan_id}: import the plan")
    if command.expires_at is not None and command.expires_at <= command.scheduled_at:
        raise Rejected(f"{command.id} would be over before it is due")
    return [Added(replace(command, sequence=site.sequence + 1))]


def dispatch(site: Site, command: Command, now: datetime) -> list[CommandFact]:
    """Hand out what a caller carries himself, if its time is not over and its asset is free."""
    command = site.commands.get(command.id, command)
    desk = site.look(command.asset_id)
    status = command.progress.status
    if status in FLYING:
        raise Rejected(f"{command.id} is {status} already: answer it, or wait for its time-out")
    if status is not CommandStatus.PENDING:
        raise Rejected(f"{command.id} is {status}: only a pending command can be dispatched")
    if command.row >= 0 and command.plan_id not in site.plans:
        raise Rejected(f"{command.id} is a row of {command.plan_id}, which is not in force")
    if command.expires_at is not None and command.expires_at <= now:
        return [Expired(ended(command, CommandStatus.EXPIRED, now))]
    if command.row >= 0 and command.id not in site.commands:
        said = desk.said.get((command.plan_id, command.channel), -1)
        if command.row <= said or replaced(desk, command) or _past(desk, command, now):
            return [Superseded(ended(command, CommandStatus.SUPERSEDED, now))]
    if desk.in_flight is not None:
        raise Rejected(
            f"{command.id} must wait: {desk.in_flight.id} to {command.asset_id} is"
            f" {desk.in_flight.progress.status}, and one command at a time is sent to an asset"
        )
    return [
        *numbered(site, [handed_out(site, command, now)]),
        *no_longer_wanted(site, [command], now),
    ]


def acknowledge(site: Site, intent: Acknowledge) -> list[CommandFact]:
    command = _known(site, intent.command_id)
    if command.progress.attempt != intent.attempt or command.progress.status not in FLYING:
        raise Rejected(_late(command, intent.attempt))
    if command.progress.status is CommandStatus.ACKNOWLEDGED:
        return []
    status = CommandStatus.ACKNOWLEDGED
    progress = replace(command.progress, status=status, patient=intent.patient)
    return [Acknowledged(replace(command, progress=progress))]


def answer(site: Site, intent: Answer, now: datetime) -> list[CommandFact]:
    command = _known(site, intent.command_id)
    progress = command.progress
    if progress.attempt != intent.attempt:
        raise Rejected(_late(command, intent.attempt))
    if progress.status in FLYING:
        return (
            _completed(command, intent, now) if intent.success else _no(site, command, intent, now)
        )
    if progress.status is CommandStatus.COMPLETED and intent.success:
        return []
    if intent.success and _may_still_complete(site, command, now):
        return [*_completed(command, intent, now, late=True), *safe_after_all(site, command, now)]
    raise Rejected(_late(command, intent.attempt))


def cancel(site: Site, intent: Cancel) -> list[CommandFact]:
    command = _known(site, intent.command_id)
    match command.progress.status:
        case CommandStatus.CANCELLED:
            return []
        case CommandStatus.PENDING:
            progress = replace(
                command.progress, status=CommandStatus.CANCELLED, error=intent.reason
            )
            return [Cancelled(replace(command, progress=progress))]
        case status:
            raise Rejected(f"{command.id} is {status}: only a pending command can be cancelled")


def _no(site: Site, command: Command, intent: Answer, now: datetime) -> list[CommandFact]:
    if intent.refused:
        return [Refused(ended(command, CommandStatus.REJECTED, now, error=intent.error))]
    return try_failed(site, command, now, intent)


def _completed(
    command: Command, intent: Answer, now: datetime, *, late: bool = False
) -> list[CommandFact]:
    done = ended(
        command,
        CommandStatus.COMPLETED,
        now,
        late=late,
        doubtful=False,
        applied_kw=intent.applied_kw,
        lateness_seconds=first_lateness_seconds(command, intent),
        error="",
    )
    return [Completed(done)]


def _may_still_complete(site: Site, command: Command, now: datetime) -> bool:
    """A yes that comes late counts while its command is the last one sent and not over."""
    lane = site.look(command.asset_id).lanes.get(command.channel)
    last = lane is not None and lane.last is not None and lane.last.id == command.id
    over = command.expires_at is not None and command.expires_at <= now
    waits = (CommandStatus.TIMED_OUT, CommandStatus.PENDING)
    return last and not over and command.progress.status in waits


def _known(site: Site, id: str) -> Command:
    if id not in site.commands:
        raise Rejected(f"{id} is not known: nothing was dispatched under this id")
    return site.commands[id]


def _late(command: Command, attempt: int) -> str:
    return (
        f"try {attempt} of {command.id} is over: it is {command.progress.status}"
        f" after try {command.progress.attempt}"
    )


def replaced(desk: Desk, command: Command) -> str:
    """The newer plan whose time includes the command's. Empty: there is none."""
    lane = desk.lanes.get(command.channel)
    segments = lane.segments if lane else []
    own = next((s.plan.activation for s in segments if s.plan.id == command.plan_id), 0)
    newer = [s for s in segments if s.plan.activation > own and s.start <= command.scheduled_at]
    return newer[-1].plan.id if newer else ""


def _past(desk: Desk, command: Command, now: datetime) -> bool:
    """Whether a newer plan speaks by now, whenever the command was due."""
    lane = desk.lanes.get(command.channel)
    own = [s for s in lane.segments if s.plan.id == command.plan_id] if lane else []
    return not own or own[-1].until <= now
