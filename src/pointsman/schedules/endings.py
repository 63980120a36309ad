"""How a command ends: over, replaced, failed; and what follows when a try has failed."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pointsman.core.values import replace
from pointsman.schedules.facts import Added, CommandFact, Failed, Requeued, Superseded, TimedOut
from pointsman.schedules.intents import Answer
from pointsman.schedules.model import Channel, Command, CommandStatus, CommandType, Progress, Source
from pointsman.schedules.rows import command_id
from pointsman.schedules.site import Site

LONGEST_BACKOFF: Final = timedelta(seconds=60)
JITTER: Final = 0.1
SAFETY_PRIORITY: Final = 100


def superseded(command: Command, by: str, now: datetime) -> Superseded:
    return Superseded(ended(command, CommandStatus.SUPERSEDED, now, superseded_by=by))


def ended(command: Command, status: CommandStatus, now: datetime, **also: object) -> Command:
    progress = replace(command.progress, status=status, answered_at=now, **also)
    return replace(command, progress=progress)


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
            lateness_seconds=first_lateness_seconds(command, why),
        )
        return [Requeued(replace(command, progress=progress))]
    status = CommandStatus.TIMED_OUT if why.doubtful else CommandStatus.FAILED
    failed = ended(
        command,
        status,
        now,
        error=why.error,
        doubtful=command.progress.doubtful or why.doubtful,
        lateness_seconds=first_lateness_seconds(command, why),
    )
    fact = TimedOut(failed) if why.doubtful else Failed(failed)
    return [fact, *_safe_default(site, failed, now)]


def silence(command: Command, *, lost: bool) -> Answer:
    error = "the run that sent it ended" if lost else "no answer in time"
    return Answer(command.id, command.progress.attempt, success=False, error=error, doubtful=True)


def backoff(command: Command) -> timedelta:
    """How long to wait after the tries so far. The jitter is the same whenever it is asked."""
    policy, attempt = command.policy, command.progress.attempt
    dice = sha256(f"{command.id}\n{attempt}".encode()).digest()
    jitter = 1 + JITTER * (int.from_bytes(dice[:4]) / 2**31 - 1)
    longest = LONGEST_BACKOFF.total_seconds()
    growth = min(policy.backoff_factor, longest) ** min(attempt - 1, 64)
    return timedelta(seconds=min(policy.backoff_base_seconds * growth * jitter, longest))


def _safe_default(site: Site, failed: Command, now: datetime) -> list[Added]:
    """Where nobody knows what an asset does, it is told what is safe, if the site says so."""
    lane = site.look(failed.asset_id).lanes.get(Channel.POWER)
    segments = lane.segments if lane else []
    safe_kw = next((s.timeline.safe_default_kw for s in reversed(segments)), None)
    over = failed.expires_at is not None and failed.expires_at <= now
    if safe_kw is None or over:
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


def safe_after_all(site: Site, failed: Command, now: datetime) -> list[Superseded]:
    """What was to be told as nobody knew what the asset does, unless it was told already."""
    safe = site.commands.get(_safe_id(failed))
    if safe is None or safe.progress.status is not CommandStatus.PENDING:
        return []
    return [superseded(safe, failed.id, now)]


def _safe_id(failed: Command) -> str:
    key = sha256(f"{failed.id}\n{failed.progress.attempt}\nsafe".encode())
    return command_id(key.hexdigest())


def first_lateness_seconds(command: Command, answer: Answer) -> float | None:
    """How late the first try was: later ones were late on purpose."""
    known = command.progress.lateness_seconds
    return answer.lateness_seconds if known is None else known
