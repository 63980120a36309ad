"""Machines: what carries out the operations of one resource, and what is to be done next with it.

    operation (what is wanted) --+
                                 +--next_step--> a deed for the machine, or an intent for the books
    shown (what the machine is) -+

Both sides are looked at as they are, and nothing is remembered in between. So it does not matter
what was missed, what comes twice, or which of the two was started anew: the question is always
"are you still at it?", and what is done already is not done again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final, TypeAlias
from typing import Protocol as Shape

from pointsman.operations.intents import Complete, Confirm, Fail, Heartbeat, ReportProgress
from pointsman.operations.model import ACTIVE, Operation, Phase, Reason

BY: Final = "executor"
"""Who reports, as the facts name them."""
BEATS: Final = 4
"""So many signs of life within the time after which an executor counts as lost."""


class Stage(Enum):
    """What a machine is at, as to one attempt of one operation."""

    SILENT = auto()
    """Nobody can tell: it is not heard of."""
    NOTHING = auto()
    """It knows nothing of it, and is free."""
    BUSY = auto()
    """It knows nothing of it, and is at something else."""
    TOLD = auto()
    """It was told to start, and has not shown yet that it knows."""
    RUNNING = auto()
    PAUSED = auto()
    LETTING_GO = auto()
    """It was told to let go, and is at that. Never to be told twice."""
    LET_GO = auto()
    COMPLETED = auto()
    BROKEN = auto()
    """It failed, and holds on to it. It is to be told to let go first."""
    FAILED = auto()
    """It failed, could not be started, or was refused."""


class Deed(Enum):
    """What a machine may be told."""

    START = auto()
    PAUSE = auto()
    RESUME = auto()
    CANCEL = auto()


@dataclass(frozen=True, slots=True)
class Shown:
    stage: Stage
    heard_at: datetime | None = None
    """When it gave its last sign of life."""
    fraction: float = 0.0
    """How far it is, from 0 to 1."""
    note: str = ""
    error: str = ""
    """Of what failed: why, in one line."""
    error_code: str = ""
    result: Any = None
    """Of what completed: any JSON."""
    obeyed: Deed | None = None
    """Which of PAUSE and RESUME it was told last and took. None: neither, as far as it shows."""


SILENT: Final = Shown(Stage.SILENT)


class Machine(Shape):
    """All the machinery of one resource. It keeps operations apart by id and attempt."""

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep in touch with it, until cancelled. Calls `changed` if it may show something new."""

    def shows(self, operation: Operation) -> Shown:
        """What it is at, as to this attempt of the operation. Does not wait."""

    async def ask(self) -> None:
        """Have it give a sign of life, if it gives none unasked. Whether it does, shows later."""

    async def do(self, operation: Operation, deed: Deed) -> None:
        """Tell it. Asked again, it is told again only if it has surely not heard it.

        Raises:
            DeviceFailed: If it could not be told. Permanent: it never can be, so the operation
                fails if it was to start.
        """


Report: TypeAlias = Confirm | Complete | Fail | ReportProgress | Heartbeat
Step: TypeAlias = Deed | Report | None


def next_step(operation: Operation, shown: Shown) -> Step:
    """What brings the books and the machine closer together. None: they agree, or nobody knows."""
    id, attempt, phase = operation.id, operation.attempt, operation.phase
    match phase, shown.stage:
        case phase, _ if phase not in ACTIVE:
            return None
        case _, Stage.SILENT | Stage.LETTING_GO:
            return None
        case _, Stage.COMPLETED:
            return Complete(id, shown.result, attempt=attempt, by=BY)
        case _, Stage.FAILED:
            return _failed(operation, shown.error or "its executor gave no reason", shown)
        case _, Stage.BROKEN:
            return Deed.CANCEL
        case Phase.STARTING, Stage.NOTHING | Stage.TOLD:
            return Deed.START
        case Phase.STARTING, Stage.BUSY:
            return None
        case Phase.CANCELLING, Stage.RUNNING | Stage.PAUSED | Stage.TOLD:
            return Deed.CANCEL
        case Phase.CANCELLING, _:
            return _confirmed(operation)
        case _, Stage.LET_GO:
            return _failed(operation, shown.error or "its executor let go of it by itself", shown)
        case _, Stage.NOTHING | Stage.BUSY | Stage.TOLD:
            return _failed(operation, "its executor does not know it (any more)", shown)
        case _:
            return _at_it(operation, shown)


def _at_it(operation: Operation, shown: Shown) -> Step:
    """The same, while the machine is at it."""
    match operation.phase, shown.stage:
        case Phase.STARTING, _:
            return _confirmed(operation)
        case (Phase.PAUSING, Stage.PAUSED) | (Phase.RESUMING, Stage.RUNNING):
            return _confirmed(operation)
        case Phase.PAUSING, _:
            return Deed.PAUSE
        case Phase.RESUMING, _:
            return Deed.RESUME
        case Phase.PAUSED, Stage.RUNNING if shown.obeyed is Deed.RESUME:
            return Deed.PAUSE  # It was told to resume, and that came too late.
        case Phase.RUNNING, Stage.PAUSED if shown.obeyed is Deed.PAUSE:
            return Deed.RESUME
        case _:
            return None


def _confirmed(operation: Operation) -> Confirm:
    return Confirm(operation.id, operation.phase, attempt=operation.attempt, by=BY)


def sign_of_life(
    operation: Operation, shown: Shown, heartbeat: timedelta | None, now: datetime
) -> Report | None:
    """How far it is, if that is news; else that it lives, as often as somebody watches for it.

    What was heard later than now, was heard before somebody set the clock.
    """
    heard_at = shown.heard_at
    if shown.stage is Stage.SILENT or heard_at is None or operation.phase not in ACTIVE:
        return None
    attempt, said = operation.attempt, operation.progress
    was = (said.fraction, said.note) if said else (0.0, "")
    at_it = shown.stage in (Stage.RUNNING, Stage.PAUSED)
    if at_it and (shown.fraction, shown.note) != was:
        fraction = min(max(shown.fraction, 0.0), 1.0)
        return ReportProgress(operation.id, fraction, shown.note, attempt=attempt, by=BY)
    known_at = operation.heard_at or operation.phase_since or operation.changed_at
    if heartbeat and known_at < heard_at <= now and now - known_at >= heartbeat / BEATS:
        return Heartbeat(operation.id, attempt=attempt, by=BY)
    return None


def is_quiet(shown: Shown, heartbeat: timedelta | None, now: datetime) -> bool:
    """Whether half of the time is over after which a machine that is there would be lost."""
    if heartbeat is None or shown.stage is Stage.SILENT or shown.heard_at is None:
        return False
    return not timedelta() <= now - shown.heard_at < heartbeat / 2


def _failed(operation: Operation, error: str, shown: Shown) -> Fail:
    return Fail(
        operation.id,
        Reason.EXTERNAL_ERROR,
        error,
        shown.error_code,
        attempt=operation.attempt,
        by=BY,
    )
