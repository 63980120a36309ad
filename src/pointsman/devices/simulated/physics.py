"""What all simulated equipment has in common: time, setpoint, limit, registers, states.

    advance(now):   at ---flow--- event ---flow--- event ---flow--- now
                          settle         settle          settle

Power is constant between **events**: a setpoint ends, a car comes or goes, a store is full, the
sun moves on by a minute. Each event happens at its own instant, so it makes no difference in how
many steps time is advanced. No clock is read: time comes in as `now`, and never goes back.

A setpoint or limit that ends, and a setpoint of None, leave the equipment to its own control.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import ClassVar, Final

from pointsman.core.assets import Asset
from pointsman.devices import Sample
from pointsman.schedules.model import Channel, Measurement

TICK: Final = timedelta(microseconds=1)
EMPTY_KWH: Final = 1e-8
"""What flows within one tick is less than a few of these. Less room is no room."""
_HORIZON_HOURS: Final = 24.0 * 366
_CHANGES_LIMIT: Final = 1_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Unsupported(ValueError):
    """This kind of equipment cannot do it, now or ever."""


@dataclass(frozen=True, slots=True)
class Change:
    """A new state, and what the meter said at that instant."""

    state: str
    reason: str
    sample: Sample


class Equipment:
    """One piece of equipment. The base follows its setpoint, and stores nothing."""

    channels: ClassVar[frozenset[Channel]] = frozenset()
    """What it can be told."""

    def __init__(self, asset: Asset, *, own_kw: float = 0.0) -> None:
        self.asset = asset
        self.own_kw = own_kw
        """Power that it aims at under its own control. Positive for charging."""
        self.power_kw = 0.0
        self.charged_kwh = 0.0
        self.discharged_kwh = 0.0
        self.setpoint_kw: float | None = None
        """What it says that it follows. None: it is under its own control."""
        self.limit_kw: float | None = None
        self.soc_target_percent: float | None = None
        self.state = ""
        self.reason = ""
        self.in_service = True
        self._at: datetime | None = None
        self._setpoint_ends = self._limit_ends = NEVER
        self._follows = True
        self._changes: deque[Change] = deque(maxlen=_CHANGES_LIMIT)

    def begin_at(self, at: datetime, measured: Measurement) -> None:
        """Let time begin at `at`, with the registers of the last reading. Then tell, and recall."""
        self._at = at
        self.charged_kwh = measured.register_charged_kwh or 0.0
        self.discharged_kwh = measured.register_discharged_kwh or 0.0
        self._turn(at)

    def recall(self, soc_percent: float | None, state: str) -> None:
        """Be as it was when it was read last. That is the only change that there is to tell."""
        self.in_service = state != "unavailable"
        self._recall(soc_percent, state)
        self._settle()
        self._changes.clear()
        self._changes.append(Change(self.state, self.reason, self.sample()))

    def tell(
        self,
        setpoint_kw: float | None,
        now: datetime,
        expires_at: datetime | None = None,
        *,
        follows: bool = True,
    ) -> float:
        """Set its power until `expires_at`, or give it back to its own control.

        Without `follows` it reports the setpoint and stays under its own control all the same.

        Returns:
            The power that it will aim at, signed, after its own limits.

        Raises:
            Unsupported: If it takes no setpoint, or cannot discharge.
        """
        self._require(Channel.POWER)
        self.advance(now)
        least_kw, most_kw = self._rated()
        if setpoint_kw is not None and setpoint_kw < 0 <= least_kw:
            raise Unsupported(f"{self.asset.kind} {self.asset.id!r} cannot discharge")
        self._follows = follows
        if setpoint_kw is None or (expires_at is not None and expires_at <= now):
            self.setpoint_kw, self._setpoint_ends = None, NEVER
        else:
            self.setpoint_kw = min(max(setpoint_kw, least_kw), most_kw)
            self._setpoint_ends = expires_at or NEVER
        self._settle()
        least_kw, most_kw = self._bounds()
        aim_kw = self.own_kw if self.setpoint_kw is None else self.setpoint_kw
        return min(max(aim_kw, least_kw), most_kw)

    def limit(
        self, limit_kw: float | None, now: datetime, expires_at: datetime | None = None
    ) -> None:
        """Cap its power, in and out, until `expires_at`. None lifts the cap.

        Raises:
            Unsupported: If it takes no limit.
        """
        self._require(Channel.LIMIT)
        self.advance(now)
        self._limit_ends = expires_at or NEVER
        self.limit_kw = None if self._limit_ends <= now else limit_kw
        self._settle()

    def start(self, now: datetime) -> None:
        """Start the session of the car that is there.

        Raises:
            Unsupported: If it has no sessions.
        """
        self._session(now, running=True)

    def stop(self, now: datetime) -> None:
        """Stop the session. The car stays plugged in.

        Raises:
            Unsupported: If it has no sessions.
        """
        self._session(now, running=False)

    def available(self, available: bool, now: datetime) -> bool:
        """Take it in or out of service.

        Returns:
            Whether it is done. False: it will be, once the session is over.

        Raises:
            Unsupported: If it is always in service.
        """
        self._require(Channel.AVAILABILITY)
        self.advance(now)
        done = self._serve(available)
        self._settle()
        return done

    def soc_target(self, percent: float, now: datetime) -> None:
        """Set the state of charge that it goes to, or stops at.

        Raises:
            Unsupported: If it stores nothing.
        """
        self._require(Channel.SOC)
        self.advance(now)
        self.soc_target_percent = percent
        self._settle()

    @property
    def soc_percent(self) -> float | None:
        """How full it is. None: it stores nothing, or does not know."""
        return None

    @property
    def most_kw(self) -> float:
        """The most power that it can be set to now."""
        return self._bounds()[1]

    @property
    def session_running(self) -> bool | None:
        """None: it has no sessions."""
        return None

    def sample(self) -> Sample:
        """What its meter says at the instant that it was last advanced to."""
        at = EPOCH if self._at is None else self._at
        return Sample(at, self.power_kw, self.charged_kwh, self.discharged_kwh, self.soc_percent)

    def changes(self) -> Iterator[Change]:
        """The changes of state since the last call, oldest first. Takes them."""
        while self._changes:
            yield self._changes.popleft()

    def advance(self, now: datetime) -> None:
        """Let time pass until `now`. Does nothing if that is not later."""
        if self._at is None:
            self._at = now
            self._turn(now)
            self._settle()
        while self._at < now:
            until = min(now, self.next_event())
            self._pass(until)
            self._at = until
            self._end_what_expired(until)
            self._turn(until)
            self._settle()

    def next_event(self) -> datetime:
        """When its power or state changes next, if it is told nothing. Far away: never."""
        soonest = min(self._setpoint_ends, self._limit_ends, self._next())
        return soonest if self._at is None else max(soonest, self._at + TICK)

    def _bounds(self) -> tuple[float, float]:
        """The least and the most power that it may have now, in kW."""
        least_kw, most_kw = self._rated()
        if self.limit_kw is None:
            return least_kw, most_kw
        return max(least_kw, -self.limit_kw), min(most_kw, self.limit_kw)

    def _rated(self) -> tuple[float, float]:
        """The least and the most power that it is built for, in kW."""
        charge_kw, discharge_kw = self.asset.charge_limit_kw, self.asset.discharge_limit_kw
        return (
            -inf if discharge_kw is None else -discharge_kw,
            inf if charge_kw is None else charge_kw,
        )

    def _next(self) -> datetime:
        """The next event of its own."""
        return NEVER

    def _turn(self, at: datetime) -> None:
        """What happens by itself at this instant."""

    def _recall(self, soc_percent: float | None, state: str) -> None:
        """What its kind knows besides."""

    def _room_kwh(self) -> tuple[float, float]:
        """How much it can still give, how much it can still take: at the meter, in kWh."""
        return inf, inf

    def _store(self, energy_kwh: float) -> None:
        """Energy came in, or went out if negative."""

    def _aim_kw(self) -> float:
        """The power that it aims at, before its limits."""
        if self.setpoint_kw is None or not self._follows:
            return self.own_kw
        return self.setpoint_kw

    def _describe(self) -> tuple[str, str]:
        """Its state and the reason, for the present power."""
        if not self.in_service:
            return "unavailable", ""
        if self.power_kw == 0:
            return "idle", ""
        return ("charging" if self.power_kw > 0 else "discharging"), ""

    def _serve(self, available: bool) -> bool:
        self.in_service = available
        return True

    def _session(self, now: datetime, *, running: bool) -> None:  # noqa: ARG002
        self._require(Channel.SESSION)

    def _require(self, channel: Channel) -> None:
        if channel not in self.channels:
            raise Unsupported(
                f"{self.asset.kind} {self.asset.id!r} takes no command for {channel}"
                f"; it takes {', '.join(sorted(self.channels)) or 'none'}"
            )

    def _emptied_or_full(self) -> datetime:
        """When there is no room left at the present power."""
        give_kwh, take_kwh = self._room_kwh()
        room_kwh = take_kwh if self.power_kw > 0 else give_kwh
        if self._at is None or self.power_kw == 0:
            return NEVER
        hours = room_kwh / abs(self.power_kw)
        return NEVER if hours > _HORIZON_HOURS else self._at + timedelta(hours=hours) + TICK

    def _pass(self, until: datetime) -> None:
        if self._at is None or self.power_kw == 0:
            return
        flow_kwh = self.power_kw * ((until - self._at) / timedelta(hours=1))
        give_kwh, take_kwh = self._room_kwh()
        flow_kwh = min(max(flow_kwh, -give_kwh), take_kwh)
        self._store(flow_kwh)
        self.charged_kwh += max(flow_kwh, 0.0)
        self.discharged_kwh -= min(flow_kwh, 0.0)

    def _end_what_expired(self, at: datetime) -> None:
        if at >= self._setpoint_ends:
            self.setpoint_kw, self._setpoint_ends = None, NEVER
        if at >= self._limit_ends:
            self.limit_kw, self._limit_ends = None, NEVER

    def _settle(self) -> None:
        """Find the present power and state, and note a change."""
        least_kw, most_kw = self._bounds()
        power_kw = min(max(self._aim_kw(), least_kw), most_kw) if self.in_service else 0.0
        give_kwh, take_kwh = self._room_kwh()
        if (power_kw > 0 and take_kwh <= EMPTY_KWH) or (power_kw < 0 and give_kwh <= EMPTY_KWH):
            power_kw = 0.0
        self.power_kw = power_kw + 0.0  # Never -0.0, which would read as discharging.
        self._note(*self._describe())

    def _note(self, state: str, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._changes.append(Change(state, reason, self.sample()))
