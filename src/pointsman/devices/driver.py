"""The driver: carries what is dispatched to the devices, and brings back how it ended.

    Dispatched --follow--> [ read back, if sent before ] --> send --> Answer
                                       |                      `--> Acknowledge, then watch
                                       `-- it is so already: Answer(yes), nothing is sent

It holds no rule: what to send, when to try again and when to give up is decided in `schedules`.
It only keeps two promises that no rule can: nothing goes out whose time is over at that very
moment, and nothing is sent a second time before the device was asked what it did with the first.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

from pointsman.core.assets import DEADBAND_LEAST_KW, Asset
from pointsman.core.entity import Rejected
from pointsman.devices import Device, DeviceFailed, Reading, Taken
from pointsman.runtime.clock import Clock, sleep_until
from pointsman.schedules.facts import Dispatched, Failed, PlanActivated, Superseded, TimedOut
from pointsman.schedules.intents import Acknowledge, Answer, Intent
from pointsman.schedules.model import Channel, Command, CommandType

AHEAD_SECONDS: Final = 0.04
"""How long before its time a command may come here, so that it can be sent on time."""
HELD_SECONDS_MOST: Final = 1.0
"""How long one device call may keep a run's clock still, by the wall clock."""
LOOK_AGAIN_SECONDS: Final = 5.0
"""Between two looks at a device that will act when it can, by the wall clock."""

log = logging.getLogger(__name__)

Answered = TypeVar("Answered")
Submit = Callable[[Intent], Awaitable[object]]


class Driver:
    """One task a command in flight, so a slow device holds up no other."""

    def __init__(
        self,
        submit: Submit,
        devices: Mapping[str, Device],
        assets: Mapping[str, Asset],
        clock: Clock,
        *,
        run_number: int = 0,
        opened_at: datetime | None = None,
    ) -> None:
        self._submit = submit
        self._devices = devices
        self._assets = assets
        self._clock = clock
        self._run_number = run_number
        self._opened_at = opened_at
        """No command of this run was due before."""
        self._known_since: dict[str, float] = {}
        """By plan: when it was seen to come into force, in seconds of the event loop."""
        self._looking: dict[str, asyncio.Task[None]] = {}
        """By asset: who looks after a command that was given up, until a newer one comes."""
        self._watching: dict[str, asyncio.Task[None]] = {}
        """By command: who waits for a device that will act when it can."""
        self._turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
        """By asset: one call to a device at a time."""

    async def run(self, facts: AsyncIterator[Any]) -> None:
        """Carry out this run's part of `facts`, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            async for fact in facts:
                match fact:
                    case Dispatched(command) if self._mine(command):
                        if looking := self._looking.pop(command.asset_id, None):
                            looking.cancel()
                        tasks.create_task(self._carry(command, tasks))
                    case Superseded(command) if watching := self._watching.get(command.id):
                        watching.cancel()
                    case Failed(command) | TimedOut(command) if self._mine(command):
                        look = tasks.create_task(self._look_again(command))
                        self._looking[command.asset_id] = look
                    case PlanActivated(plan):
                        self._known_since[plan.id] = asyncio.get_running_loop().time()

    async def _carry(self, command: Command, tasks: asyncio.TaskGroup) -> None:
        device = self._devices.get(command.asset_id)
        if device is None:
            await self._no(command, f"{command.asset_id!r} has no device", refused=True)
            return
        if command.progress.dispatched_at is not None:  # It may be handed out ahead of its time.
            await sleep_until(self._clock, command.progress.dispatched_at)
        lateness_seconds = self._lateness_seconds(command)
        try:
            async with self._standing_still(), self._turns[command.asset_id]:
                if _sent_before(command) and await self._is_so(device, command):
                    await self._yes(command, command.signed_kw, None)
                    return
                if command.expires_at is not None and command.expires_at <= self._clock.now():
                    await self._no(command, "its time was over before it could be sent")
                    return
                taken = await self._ask(command, device.send(command))
                if not taken.later:
                    await self._yes(command, taken.applied_kw, lateness_seconds)
                    return
        except DeviceFailed as failed:
            await self._tell(
                Answer(
                    command.id,
                    command.progress.attempt,
                    success=False,
                    error=str(failed),
                    permanent=failed.permanent,
                    doubtful=failed.doubtful,
                    lateness_seconds=lateness_seconds,
                )
            )
        else:
            watch = tasks.create_task(self._watch(device, command, taken, lateness_seconds))
            self._watching[command.id] = watch
            watch.add_done_callback(lambda _: self._watching.pop(command.id))

    async def _ask(self, command: Command, call: Coroutine[Any, Any, Answered]) -> Answered:
        """What the device answers in time.

        Raises:
            DeviceFailed: Also if the device breaks its own promises; that is its affair alone.
        """
        seconds = command.policy.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError:
            raise DeviceFailed(f"no answer within {seconds:g} s", doubtful=True) from None
        except DeviceFailed:
            raise
        except Exception as bug:
            log.exception("%s: the device's session failed", command.asset_id)
            raise DeviceFailed(f"{type(bug).__name__}: {bug}", doubtful=True) from bug

    async def _is_so(self, device: Device, command: Command) -> bool:
        """Whether a read-back shows that an earlier try of the command is in effect."""
        reading = await self._ask(command, device.read())
        asset = self._assets.get(command.asset_id)
        return shows(reading, command, asset.least_change_kw if asset else DEADBAND_LEAST_KW)

    async def _watch(
        self, device: Device, command: Command, taken: Taken, lateness_seconds: float | None
    ) -> None:
        """Look again and again at a device that will act when it can."""
        await self._tell(Acknowledge(command.id, command.progress.attempt, patient=True))
        while command.expires_at is None or self._clock.now() < command.expires_at:
            try:
                async with self._turns[command.asset_id]:
                    so = await self._is_so(device, command)
                if so:
                    await self._yes(command, taken.applied_kw, lateness_seconds)
                    return
            except DeviceFailed as failed:
                log.warning("%s: %s is not confirmed yet: %s", command.asset_id, command.id, failed)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _look_again(self, command: Command) -> None:
        """A command that was given up may be in effect all the same."""
        device = self._devices.get(command.asset_id)
        if device is None or not command.progress.doubtful:
            return
        try:
            async with self._turns[command.asset_id]:
                so = await self._is_so(device, command)
            if so:
                await self._yes(command, command.signed_kw, None)
        except DeviceFailed as failed:
            log.warning(
                "%s: cannot tell what became of %s: %s", command.asset_id, command.id, failed
            )

    async def _yes(
        self, command: Command, applied_kw: float | None, lateness_seconds: float | None
    ) -> None:
        await self._tell(
            Answer(
                command.id,
                command.progress.attempt,
                success=True,
                applied_kw=applied_kw,
                lateness_seconds=lateness_seconds,
            )
        )

    async def _no(self, command: Command, error: str, *, refused: bool = False) -> None:
        await self._tell(
            Answer(
                command.id, command.progress.attempt, success=False, error=error, refused=refused
            )
        )

    async def _tell(self, intent: Intent) -> None:
        try:
            await self._submit(intent)
        except Rejected as late:
            log.info("%s", late)

    def _mine(self, command: Command) -> bool:
        return command.progress.run == self._run_number

    def _lateness_seconds(self, command: Command) -> float | None:
        """From due to now, by the wall clock. None for another try: it was late on purpose."""
        if command.progress.attempt > 1:
            return None
        due = max(command.scheduled_at, self._opened_at or command.scheduled_at)
        late_seconds = self._clock.wall_seconds_since(due)
        if (known_since := self._known_since.get(command.plan_id)) is not None:
            known_seconds = asyncio.get_running_loop().time() - known_since
            late_seconds = min(late_seconds, known_seconds)
        return max(late_seconds, 0.0)

    @asynccontextmanager
    async def _standing_still(self) -> AsyncIterator[None]:
        """A device call takes none of the run's time, unless it takes too long."""
        with ExitStack() as held:
            held.enter_context(self._clock.held())
            too_long = asyncio.get_running_loop().call_later(HELD_SECONDS_MOST, held.close)
            try:
                yield
            finally:
                too_long.cancel()


def shows(reading: Reading, command: Command, tolerance_kw: float) -> bool:
    """Whether a device that reads so has done what the command says. What it cannot tell: no."""
    match command.type:
        case CommandType.START_CHARGING:
            return reading.session_running is True
        case CommandType.STOP_CHARGING:
            return reading.session_running is False
        case CommandType.CHANGE_AVAILABILITY:
            return reading.available is not None and reading.available == _wanted(command)
        case CommandType.SET_SOC_TARGET:
            wanted = (command.parameters or {}).get("soc_target_percent")
            return reading.soc_target_percent is not None and reading.soc_target_percent == wanted
    if command.release:
        return reading.controlled is False
    read_kw = reading.limit_kw if command.channel is Channel.LIMIT else reading.setpoint_kw
    if read_kw is None or command.signed_kw is None:
        return False
    return reading.controlled is not False and abs(read_kw - command.signed_kw) <= tolerance_kw


def _sent_before(command: Command) -> bool:
    """Whether something of it may be in effect already, even if the last try was refused."""
    return command.progress.doubtful or command.progress.attempt > 1


def _wanted(command: Command) -> bool:
    return bool((command.parameters or {}).get("available", True))
