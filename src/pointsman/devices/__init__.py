"""Devices: what carries commands to equipment. One protocol a folder.

    Command --session.send--> messages (pure) --> wire --> equipment
    Listener <--sampled, changed-- session <--------------

A protocol's folder has an `__init__.py` with one `PROTOCOL`, cheap to import, which names the
keys of the site file's `device` table and where the rest is; a pure `messages.py`; and a thin
`session.py`. Nothing outside the folder knows the protocol. See `protocols.py` for the finder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from typing import Protocol as Shape

from pointsman.core.assets import Asset
from pointsman.runtime.clock import Clock
from pointsman.schedules.model import Command, Measurement


class DeviceFailed(Exception):
    """The other side did not do it.

    `permanent`: trying again is of no use (not supported, illegal address, refused for good).
    `doubtful`: no answer came, so it may have acted all the same; read back before resending.
    """

    def __init__(self, why: str, *, permanent: bool = False, doubtful: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent
        self.doubtful = doubtful


@dataclass(frozen=True, slots=True)
class Taken:
    """A device's yes. `later`: it took the command and will act on it (OCPP's Scheduled)."""

    applied_kw: float | None = None
    """What it says that it applied, signed: positive for charging. None: it did not say."""
    later: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What is set in a device now, read back from it. None: it cannot tell."""

    setpoint_kw: float | None = None
    """Signed: positive for charging."""
    controlled: bool | None = None
    """Whether a setpoint is in force at all, and not the device's own control."""
    limit_kw: float | None = None
    soc_target_percent: float | None = None
    available: bool | None = None
    session_running: bool | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What a meter says at one instant."""

    at: datetime
    """By the run's clock."""
    power_kw: float
    """Signed: positive for charging."""
    charged_kwh: float | None = None
    """A register that only grows. None: the sum of the samples is taken."""
    discharged_kwh: float | None = None
    soc_percent: float | None = None


class Listener(Shape):
    """Who hears what devices report. Calls never wait and never raise."""

    def sampled(self, asset_id: str, sample: Sample) -> None:
        """A meter was read."""

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        """The asset is in `state` from now on: a state of its kind's state machine.

        EV charger: available, preparing, charging, suspended, finishing, faulted, unavailable.
        Battery: idle, charging, discharging, faulted, unavailable. `reason` tells more, such as
        OCPP's SuspendedEV.
        """

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        """A device answered a try after `send` had given it up as doubtful."""


class Device(Shape):
    """One asset's door to its equipment. Sends at most one command at a time."""

    async def send(self, command: Command) -> Taken:
        """Tell the equipment, and wait for its answer, at most the command's time-out.

        Raises:
            DeviceFailed: If it refused, cannot do it, or did not answer.
        """

    async def read(self) -> Reading:
        """Ask what is set now. Changes nothing.

        Raises:
            DeviceFailed: If it did not answer.
        """


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of an asset from earlier runs."""

    measured: Measurement | None = None
    """What its meter said last. None: nothing."""
    state: str = ""
    commands: tuple[Command, ...] = ()
    """Those that were completed and may be in effect, in the order they were sent."""


@dataclass(frozen=True, slots=True)
class World:
    """What a protocol's devices are given."""

    clock: Clock
    """The run's clock: devices are told its time, and expiry is by it."""
    listener: Listener
    site_id: str = ""
    timezone: str = "UTC"
    """The site's own day is by it."""
    folder: str = "."
    """Relative paths in the site file are relative to this."""
    asset_map: Mapping[str, str] = field(default_factory=dict)
    ocpp: str = "127.0.0.1:9000"
    """HOST:PORT where chargers dial in."""
    dry_run: bool = False
    """Nothing may be written to any equipment. Enforced again in `protocols.open_fleets`."""
    speed: float = 1.0
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    """By asset id. For equipment that lives in this process and ended with the last one."""


class Fleet(Shape):
    """All devices of one protocol at a site."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """By asset id. Usable from the start: a device that is away fails its sends."""

    async def run(self) -> None:
        """Keep the connections, until cancelled. One bad device stops no other."""

    async def reached(self) -> None:
        """Return once each device has been reached. May take for ever: give it a limit."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a `device` table."""

    type: type
    required: bool = False
    default: Any = None
    help: str = ""
    keys: Mapping[str, "Key"] = field(default_factory=dict)
    """Of a key that is a table itself: what may be in it. Empty: anything."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol, as its folder's `__init__.py` declares it. Cheap to import."""

    name: str
    """As in `device = { protocol = NAME }`."""
    extra: str
    """The optional dependency that it needs. "": none."""
    keys: Mapping[str, Key]
    connect: str
    """`module:function` of `(Sequence[Asset], World) -> Fleet`."""
    simulate: str = ""
    """`module:function` of `(Sequence[Asset], SimulatedWorld) -> Simulation`. "": it has none."""
    simulated: bool = False
    """There is no wire: the equipment itself lives in this process."""


@dataclass(frozen=True, slots=True)
class ExecutorKind:
    """A kind of executor, as its package's `__init__.py` declares it. Cheap to import."""

    name: str
    """As in `device = { protocol = NAME }` of a resource."""
    extra: str = ""
    """The optional dependency that it needs. "": none."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    machine: str = ""
    """`module:function` of `(str, Mapping[str, Any], Clock) -> Machine`, given the resource's id
    and its `device` table. "": it has none."""
    simulate: str = ""
    """`module:function` of the same and a `Log` to a `Simulation`: equipment without hardware,
    which speaks the real protocol. "": it has none."""
    confirms: bool = False
    heartbeat: timedelta | None = None
    """When a silent one counts as lost, unless the site file says it."""
    apart: Sequence[str] = ()
    """Keys that tell its equipment apart: two resources that say the same would share it."""


Connect = Callable[[Sequence[Asset], World], Fleet]
