"""One asset: a connector of a charger, as a device."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, Listener, Reading, Sample, Taken
from pointsman.devices.ocpp16 import messages, reports
from pointsman.devices.ocpp16.link import Heard, Payload, Verdict
from pointsman.devices.ocpp16.messages import Call, Circumstances
from pointsman.runtime.clock import Clock
from pointsman.schedules.model import PATIENT, Command

LEAST_SECONDS = 0.001
NOT_CONNECTED = "not connected"


class Line(Protocol):
    """The way to a charger, whether or not it is there."""

    unit: str | None
    """What its limits are in, as it says."""

    def patience_seconds(self, timeout_seconds: float) -> float:
        """How long one command may take, in wall seconds."""

    async def reachable(self, deadline: float) -> None:
        """Wait for a charger that may be about to come, until `deadline` by the loop's time.

        Raises:
            DeviceFailed: If it is not connected.
        """

    async def call(self, call: Call, deadline: float, late: Heard | None = None) -> Payload:
        """Make a call, and wait for its answer until `deadline` by the loop's time.

        Raises:
            DeviceFailed: If it was refused, or not answered in time.
        """


class Connector:
    """A device. What it knows of its transaction, state and meter, the charger has said."""

    def __init__(self, asset: Asset, line: Line, clock: Clock, listener: Listener) -> None:
        self.asset = asset
        self.number: int = asset.device.get("connector", 1)
        self.transaction_id: int | None = None
        self.state = ""
        """The last state that it reported since it was connected. "": none yet."""
        self._lost_in = ""
        """The state that it was in when the charger went away."""
        self._line = line
        self._clock = clock
        self._listener = listener
        self._metered: reports.Metered | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, command: Command) -> Taken:
        deadline = self._deadline(command.policy.timeout_seconds)
        async with self._one_at_a_time:
            await self._line.reachable(deadline)
            at = self._circumstances()
            taken = Taken()
            calls = messages.calls_of(command, at)
            for call in calls:
                # Only the last answer settles a command.
                late = partial(self._late, command, at, call) if call is calls[-1] else None
                answer = await self._line.call(call, deadline, late)
                taken = messages.taken(command, at, call, answer)
            return taken

    async def read(self) -> Reading:
        deadline = self._deadline(PATIENT.timeout_seconds)
        await self._line.reachable(deadline)
        call = messages.composite_schedule(self._circumstances())
        answer = await self._line.call(call, deadline)
        available = None if not self.state else self.state != "unavailable"
        return reports.reading_of(answer, self.asset, available, self.session_running)

    @property
    def session_running(self) -> bool | None:
        """Whether a transaction runs. None: the charger has not said."""
        if self.transaction_id is not None or self.state in reports.RUNNING_STATES:
            return True
        return False if self.state in reports.IDLE_STATES else None

    def status(self, report: Mapping[str, Any]) -> None:
        """The charger says in what state the connector is."""
        self.state, reason = reports.state_of(report)
        if self.state == "available":
            self.transaction_id = None
            if self._lost_in in reports.RUNNING_STATES:
                # A car that left while nobody could hear of it has left all the same.
                self._listener.changed(self.asset.id, "finishing", NOT_CONNECTED)
        self._lost_in = ""
        self._listener.changed(self.asset.id, self.state, reason)

    def metered(self, report: Mapping[str, Any]) -> None:
        """The charger says what its meter shows, and perhaps which transaction runs."""
        self.transaction_id = report.get("transactionId", self.transaction_id)
        for value in reports.metered(report, self._clock.now()):
            self._sample(reports.sample_of(value, self._metered))
            if value.energy_kwh is not None:
                self._metered = value

    def started(self, transaction_id: int) -> None:
        """A transaction has begun."""
        self.transaction_id = transaction_id

    def stopped(self, report: Mapping[str, Any]) -> None:
        """The transaction is over, and nothing flows."""
        self.transaction_id = None
        at = reports.trusted(report["timestamp"], self._clock.now())
        counted_kwh = report["meterStop"] / 1000
        if self._metered is not None:
            # The message knows whole Wh only, and a register never goes back.
            counted_kwh = max(counted_kwh, self._metered.energy_kwh or 0.0)
        self._metered = reports.Metered(at, 0.0, counted_kwh)
        self._sample(Sample(at, 0.0, counted_kwh))

    def lost(self) -> None:
        """The charger is away. Its transaction may well go on, so that stays known."""
        self._lost_in, self.state = self.state or self._lost_in, ""
        self._listener.changed(self.asset.id, "unavailable", NOT_CONNECTED)

    def _sample(self, sample: Sample | None) -> None:
        if sample is not None:
            self._listener.sampled(self.asset.id, sample)

    def _deadline(self, timeout_seconds: float) -> float:
        return asyncio.get_running_loop().time() + self._line.patience_seconds(timeout_seconds)

    def _circumstances(self) -> Circumstances:
        device = self.asset.device
        return Circumstances(
            asset=self.asset,
            connector=self.number,
            id_tag=device.get("id_tag", messages.VENDOR),
            unit=self._line.unit or device.get("unit", "W"),
            transaction_id=self.transaction_id,
            session_running=self.session_running,
        )

    def _late(self, command: Command, at: Circumstances, call: Call, verdict: Verdict) -> None:
        success = not isinstance(verdict, DeviceFailed)
        if not isinstance(verdict, DeviceFailed):
            try:
                messages.taken(command, at, call, verdict)
            except DeviceFailed:
                success = False
        self._listener.answered_late(command.id, command.progress.attempt, success)
