"""What happens to one command: the arrows of the drawing in `lifecycle`, a function each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pointsman.core.entity import Rejected
from pointsman.schedules.facts import (
    Acknowledged,
    Added,
    Cancelled,
    CommandFact,
    Completed,
    Dispatched,
    Expired,
    Failed,
    Refused,
    Requeued,
    Superseded,
    TimedOut,
)
from pointsman.schedules.intents import Acknowledge, Answer, Cancel
from pointsman.schedules.model import (
    Channel,
    Command,
    CommandStatus,
    CommandType,
    Progress,
    Source,
)
from pointsman.schedules.rows import command_id
from pointsman.schedules.site import FLYING, Desk, Site, due_at

LONGEST_BACKOFF: Final = timedelta(seconds=60)
JITTER: Final = 0.1
SAFETY_PRIORITY: Final = 100


def move(site: Site, command: Command) -> None:
    """Take a command from wherever it is, and put it where its status says."""
    desk = site.desk(command.asset_id)
    site.commands[command.id] = command
    site.sequence = max(site.sequence, command.sequence)
    desk.queue.drop(command.id)
    if desk.in_flight is not None and desk.in_flight.id == command.id:
        desk.in_flight = None
    if command.progress.status is CommandStatus.PENDING:
        desk.queue.put(command.id, due_at(command))
    elif command.progress.status in FLYING:
        desk.in_flight = command
    if command.row >= 0:
        desk.say(command.plan_id, command.channel, command.row)
    if command.progress.attempt:
        lane = desk.lane(command.channel)
        if lane.last is None or lane.last.sequence <= command.sequence:
            lane.last = command
    site.clear(command.asset_id)


def handed_out(site: Site, command: Command, now: datetime) -> Dispatched:
    progress = replace(
        command.progress,
        status=CommandStatus.DISPATCHED,
        attempt=command.progress.attempt + 1,
        not_before=None,
        patient=False,
        run=site.run_number,
        dispatched_at=now,
        error="",
    )
    return Dispatched(replace(command, progress=progress))


def numbered(site: Site, facts: Iterable[Dispatched]) -> list[Dispatched]:
    """The order of sending, written into the commands."""
    return [
        Dispatched(replace(fact.command, sequence=n))
        for n, fact in enumerate(facts, start=site.sequence + 1)
    ]


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
    if status in FLYING and desk.in_flight == command:
        raise Rejected(f"{command.id} is {status} already: answer it, or wait for its time-out")
    if status is not CommandStatus.PENDING:
        raise Rejected(f"{command.id} is {status}: only a pending command can be dispatched")
    if command.row >= 0 and command.plan_id not in site.plans:
        raise Rejected(f"{command.id} is a row of {command.plan_id}, which is not in force")
    if command.expires_at is not None and command.expires_at <= now:
        return [Expired(ended(command, CommandStatus.EXPIRED, now))]
    if command.row >= 0 and command.id not in site.commands:
        said = desk.said.get((command.plan_id, command.channel), -1)
        if command.row <= said or replaced(desk, command):
            return [Superseded(ended(command, CommandStatus.SUPERSEDED, now))]
    if desk.in_flight is not None:
        raise Rejected(
            f"{command.id} must wait: {desk.in_flight.id} to {command.asset_id} is"
            f" {desk.in_flight.progress.status}, and one command at a time is sent to an asset"
        )
    return list(numbered(site, [handed_out(site, command, now)]))


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
        return [*_completed(command, intent, now, late=True), *_safe_after_all(site, command, now)]
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


def superseded(command: Command, by: str, now: datetime) -> Superseded:
    return Superseded(ended(command, CommandStatus.SUPERSEDED, now, superseded_by=by))


def backoff(command: Command) -> timedelta:
    """How long to wait after the tries so far. The jitter is the same whenever it is asked."""
    policy, attempt = command.policy, command.progress.attempt
    dice = sha256(f"{command.id}\n{attempt}".encode()).digest()
    jitter = 1 + JITTER * (int.from_bytes(dice[:4]) / 2**31 - 1)
    longest = LONGEST_BACKOFF.total_seconds()
    growth = min(policy.backoff_factor, longest) ** min(attempt - 1, 64)
    return timedelta(seconds=min(policy.backoff_base_seconds * growth * jitter, longest))


def _no(site: Site, command: Command, intent: Answer, now: datetime) -> list[CommandFact]:
    if intent.refused:
        return [Refused(ended(command, CommandStatus.REJECTED, now, error=intent.error))]
    return try_failed(site, command, now, intent)


def try_failed(site: Site, command: Command, now: datetime, why: Answer) -> list[CommandFact]:
    """Another try, if there is one left and it could help; else the end, and what is safe."""
    tries_left = command.progress.attempt <= command.policy.max_retries
    if tries_left and not why.permanent:
        at = now if command.progress.run < site.run_number else now + backoff(command)
        if command.expires_at is not None:
            at = min(at, max(command.expires_at, now))
        progress = replace(
            command.progress,
            status=CommandStatus.PENDING,
            not_before=at,
            doubtful=command.progress.doubtful or why.doubtful,
            error=why.error,
            lateness_seconds=_first(command, why),
        )
        return [Requeued(replace(command, progress=progress))]
    status = CommandStatus.TIMED_OUT if why.doubtful else CommandStatus.FAILED
    failed = ended(command, status, now, error=why.error, lateness_seconds=_first(command, why))
    fact = TimedOut(failed) if why.doubtful else Failed(failed)
    return [fact, *_safe_default(site, failed, now)]


def _safe_default(site: Site, failed: Command, now: datetime) -> list[Added]:
    """Where nobody knows what an asset does, it is told what is safe, if the site says so."""
    lane = site.look(failed.asset_id).lanes.get(Channel.POWER)
    segments = lane.segments if lane else []
    safe_kw = next((s.timeline.safe_default_kw for s in reversed(segments)), None)
    over = failed.expires_at is not None and failed.expires_at <= now
    if safe_kw is None or over or failed.source is Source.SAFETY:
        return []
    if failed.channel is not Channel.POWER or failed.signed_kw == safe_kw:
        return []
    command = Command(
        id=_safe_id(failed),
        asset_id=failed.asset_id,
        type=CommandType.SET_DISCHARGE_RATE if safe_kw < 0 else CommandType.SET_CHARGE_RATE,
        scheduled_at=now,
        expires_at=failed.expires_at,
        power_kw=abs(safe_kw),
        plan_id=failed.plan_id,
        priority=SAFETY_PRIORITY,
        policy=failed.policy,
        source=Source.SAFETY,
        reason=f"{failed.id} {failed.progress.status}",
        dry_run=failed.dry_run,
        sequence=site.sequence + 1,
        progress=Progress(doubtful=True),
    )
    return [Added(command)]


def _safe_after_all(site: Site, failed: Command, now: datetime) -> list[Superseded]:
    """What was to be told as nobody knew what the asset does, unless it was told already."""
    safe = site.commands.get(_safe_id(failed))
    if safe is None or safe.progress.status is not CommandStatus.PENDING:
        return []
    return [superseded(safe, failed.id, now)]


def _safe_id(failed: Command) -> str:
    key = sha256(f"{failed.id}\n{failed.progress.attempt}\nsafe".encode())
    return command_id(key.hexdigest())


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
        lateness_seconds=_first(command, intent),
        error="",
    )
    return [Completed(done)]


def ended(command: Command, status: CommandStatus, now: datetime, **also: object) -> Command:
    progress = replace(command.progress, status=status, answered_at=now, **also)  # type: ignore[arg-type]
    return replace(command, progress=progress)


def _may_still_complete(site: Site, command: Command, now: datetime) -> bool:
    """A yes that comes late counts while its command is the last one sent and not over."""
    lane = site.look(command.asset_id).lanes.get(command.channel)
    last = lane is not None and lane.last is not None and lane.last.id == command.id
    over = command.expires_at is not None and command.expires_at <= now
    waits = (CommandStatus.TIMED_OUT, CommandStatus.PENDING)
    return last and not over and command.progress.status in waits


def silence(command: Command, *, lost: bool) -> Answer:
    error = "the run that sent it ended" if lost else "no answer in time"
    return Answer(command.id, command.progress.attempt, success=False, error=error, doubtful=True)


def _first(command: Command, answer: Answer) -> float | None:
    """How late the first try was: later ones were late on purpose."""
    known = command.progress.lateness_seconds
    return answer.lateness_seconds if known is None else known


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
