"""A simulated machine: it carries out operations by letting time pass.

    START --> (late) --> runs for its duration --> completed
                 |         | half-way: fails, hangs, or dies
                 `--> refused, or fails at once

How long one takes is said by its payload's `duration_seconds`, else by its planned duration, else
by the `device` table. Pauses do not count. What goes wrong is drawn from the seed, the operation's
id and its attempt, so it is the same for the same seed.

It lives in this process. Started anew, it takes up what goes on as if it had never stopped.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard

from pointsman.devices import DeviceFailed
from pointsman.devices.machines import SILENT, Deed, Shown, Stage
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.simulated.faults import draw
from pointsman.operations.model import Operation, Phase
from pointsman.runtime.clock import Clock, rest_seconds

DURATION_SECONDS: Final = 5.0
DURATION_SECONDS_MOST: Final = 365 * 86_400.0
STEPS: Final = 10
"""So often a run says how far it is."""
HALF_WAY: Final = 0.5
NOTHING: Final = timedelta()


@dataclass(frozen=True, slots=True)
class RunFaults:
    """How often what goes wrong. Shares are from 0, never, to 1, always."""

    refuse: float = 0.0
    """It does not take the operation."""
    fail_start: float = 0.0
    """It takes it, and fails before it has started."""
    fail: float = 0.0
    """It fails half-way."""
    hang: float = 0.0
    """It gets no further than half-way, and lives."""
    die: float = 0.0
    """Half-way nothing is heard of it any more."""
    late: float = 0.0
    """Whatever it is told, it does `late_seconds` later."""
    late_seconds: float = 2.0


@dataclass(slots=True)
class Run:
    """One attempt of one operation."""

    key: tuple[str, int]
    duration: timedelta
    fate: str
    """The fault that strikes it. "": none."""
    late: timedelta
    stage: Stage = Stage.TOLD
    ran: timedelta = NOTHING
    since: datetime | None = None
    """It runs since then, after `ran`. None: it does not run."""
    obeyed: Deed | None = None
    told: Deed | None = None
    told_until: datetime | None = None
    """When it does as it was told."""

    def tell(self, deed: Deed, now: datetime) -> bool:
        """Returns whether this is news to it."""
        if self.told is deed:
            return False
        self.told, self.told_until = deed, now + self.late
        self.move(now)
        return True

    def move(self, now: datetime) -> None:
        """Let all happen that happens by now."""
        if self.told is not None and self.told_until is not None and self.told_until <= now:
            deed, at = self.told, self.told_until
            self.told = self.told_until = None
            self._end(at)
            self._act(deed, at)
            self.obeyed = deed
        self._end(now)

    def time_run(self, now: datetime) -> timedelta:
        running = max(now - self.since, NOTHING) if self.since else NOTHING
        return min(self.ran + running, self._goes_until())

    def next_event(self, now: datetime) -> datetime | None:
        """When it shows something new, if it is told nothing meanwhile."""
        instants = [self.told_until] if self.told_until else []
        ran = self.time_run(now)
        if self.since and ran < self._goes_until():
            step = self.duration / STEPS
            ahead = min((ran // step + 1) * step, self._goes_until())
            instants.append(self.since + (ahead - self.ran))
        return min(instants, default=None)

    def is_dead(self, now: datetime) -> bool:
        return self.fate == "die" and self.time_run(now) >= self._goes_until()

    def _goes_until(self) -> timedelta:
        return self.duration * HALF_WAY if self.fate in ("fail", "hang", "die") else self.duration

    def _act(self, deed: Deed, at: datetime) -> None:
        match deed, self.stage:
            case Deed.START, Stage.TOLD if self.fate in ("refuse", "fail_start"):
                self.stage = Stage.FAILED
            case (Deed.START, Stage.TOLD) | (Deed.RESUME, Stage.PAUSED):
                self.stage, self.since = Stage.RUNNING, at
            case Deed.PAUSE, Stage.RUNNING:
                self.stage, self.ran, self.since = Stage.PAUSED, self.time_run(at), None
            case Deed.CANCEL, Stage.TOLD | Stage.RUNNING | Stage.PAUSED:
                self.stage, self.ran, self.since = Stage.LET_GO, self.time_run(at), None

    def _end(self, now: datetime) -> None:
        if self.stage is Stage.RUNNING and self.time_run(now) >= self._goes_until():
            if self.fate == "fail":
                self.stage, self.ran, self.since = Stage.FAILED, self._goes_until(), None
            elif self.fate not in ("hang", "die"):
                self.stage, self.ran, self.since = Stage.COMPLETED, self.duration, None


_ERRORS: Final = {
    "refuse": "the simulated machine refused it",
    "fail_start": "the simulated machine failed to start",
    "fail": "the simulated machine failed half-way",
}


class SimulatedMachine:
    def __init__(
        self, clock: Clock, duration: timedelta, *, seed: int = 0, faults: RunFaults | None = None
    ) -> None:
        """`duration` is for operations that say none themselves."""
        self._clock = clock
        self._duration = duration
        self._seed = seed
        self._faults = faults or RunFaults()
        self._run: Run | None = None
        self._told = asyncio.Event()

    async def run(self, changed: Callable[[], None]) -> None:
        while True:
            self._told.clear()
            rest = self._let_happen()
            changed()
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._told.wait()

    def shows(self, operation: Operation) -> Shown:
        now = self._clock.now()
        run = self._run_of(operation)
        if run is None:
            return Shown(Stage.NOTHING, now)
        run.move(now)
        if run.is_dead(now):
            return SILENT
        fraction = min(run.time_run(now) * STEPS // run.duration, STEPS) / STEPS
        if run.stage is Stage.FAILED:
            return Shown(run.stage, now, fraction, error=_ERRORS[run.fate], error_code=run.fate)
        return Shown(run.stage, now, fraction, obeyed=run.obeyed)

    async def ask(self) -> None:
        """It shows at any time how it is."""

    async def do(self, operation: Operation, deed: Deed) -> None:
        now = self._clock.now()
        run = self._run_of(operation)
        if run is None and deed is Deed.START:
            check_payload(operation.work.payload)
            run = self._run = self._begun(operation)
        if run is not None and not run.is_dead(now) and run.tell(deed, now):
            self._told.set()

    def _let_happen(self) -> float | None:
        """Returns how long nothing new happens, in seconds of the event loop."""
        if self._run is None:
            return None
        now = self._clock.now()
        self._run.move(now)
        event = self._run.next_event(now)
        return rest_seconds(self._clock, event) if event else None

    def _run_of(self, operation: Operation) -> Run | None:
        """Its run. One that goes on in the books and is not known here, is taken up."""
        run = self._run
        if run and run.key == _key_of(operation):
            return run
        if operation.phase in (Phase.STARTING, Phase.CANCELLING):
            return None
        run = self._begun(operation)
        run.ran = operation.ran
        if operation.phase in (Phase.RUNNING, Phase.PAUSING):
            run.stage, run.since = Stage.RUNNING, operation.phase_since
        else:
            run.stage = Stage.PAUSED
        self._run = run
        self._told.set()
        return run

    def _begun(self, operation: Operation) -> Run:
        key, seed, faults = _key_of(operation), self._seed, self._faults

        def struck(fault: str) -> bool:
            share: float = getattr(faults, fault)
            return draw(seed, key[0], key[1], fault) < share

        fates = ("refuse", "fail_start", "fail", "hang", "die")
        fate = next(filter(struck, fates), "")
        late = timedelta(seconds=faults.late_seconds) if struck("late") else NOTHING
        return Run(key, self._duration_of(operation), fate, late)

    def _duration_of(self, operation: Operation) -> timedelta:
        said = operation.work.payload.get("duration_seconds")
        if _is_duration(said):
            return timedelta(seconds=said)
        return operation.work.planned_duration or self._duration


def check_payload(payload: Mapping[str, Any]) -> None:
    """Refuse what says no duration though it says one.

    Raises:
        DeviceFailed: For good.
    """
    said = payload.get("duration_seconds")
    if said is not None and not _is_duration(said):
        most = f"{DURATION_SECONDS_MOST:g}"
        line = f"its payload has duration_seconds = {said!r}: more than 0, at most {most} would do"
        raise DeviceFailed(line, permanent=True)


def machine_of(resource_id: str, device: Mapping[str, Any], clock: Clock) -> SimulatedMachine:
    """The simulated machine of a resource.

    Raises:
        DeviceTableError: If its `device` table says what cannot be.
    """
    where = f"resource {resource_id!r}: device"
    seconds = device.get("duration_seconds", DURATION_SECONDS)
    if not 0 < seconds <= DURATION_SECONDS_MOST:
        raise DeviceTableError(
            f"{where} key 'duration_seconds' is {seconds!r}: more than 0, at most"
            f" {DURATION_SECONDS_MOST:g} would do"
        )
    table = device.get("faults", {})
    for fault in fields(RunFaults):
        value = table.get(fault.name, 0)
        most = 1 if fault.name != "late_seconds" else DURATION_SECONDS_MOST
        if not 0 <= value <= most:
            raise DeviceTableError(
                f"{where} fault {fault.name!r} is {value!r}: 0 to {most:g} would do"
            )
    seed = device.get("seed", 0)
    return SimulatedMachine(clock, timedelta(seconds=seconds), seed=seed, faults=RunFaults(**table))


def _is_duration(said: object) -> TypeGuard[float]:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    return 0 < said <= DURATION_SECONDS_MOST


def _key_of(operation: Operation) -> tuple[str, int]:
    return operation.id, operation.attempt
