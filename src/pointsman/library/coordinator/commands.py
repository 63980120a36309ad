"""A command as users hold it: what one asset is told, and how far that got.

What it tells is the user's until the engine has it. How far it got is read from the engine each
time, so a command in hand is never out of date.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import uuid4

from pointsman.library.coordinator.checks import (
    check_instant,
    check_names,
    check_parameters,
    check_patience,
    type_of,
)
from pointsman.schedules.model import (
    PATIENT,
    UNTRIED,
    CommandStatus,
    CommandType,
    Policy,
    Progress,
    Source,
)
from pointsman.schedules.model import Command as Value
from pointsman.schedules.rows import command_id as id_of
from pointsman.schedules.rows import idempotency_key


class Keeper(Protocol):
    """Who knows how far commands got: the engine's book."""

    def latest(self, command: "Command", given: Value) -> Value:
        """The command as it stands now. It was known as `given`."""


@dataclass(eq=False, repr=False, slots=True, weakref_slot=True)
class Command:
    """What one asset is told at one instant. Two commands are equal only if they are one.

    Raises:
        ValueError: If something of it makes no sense; the message says what would work.
    """

    asset_id: str
    command_type: CommandType
    parameters: dict[str, Any]
    """`power_kw` is a magnitude, above or equal to 0. Besides: `soc_target_percent`,
    `available`, `release`, and whatever an adapter understands and JSON can hold."""
    scheduled_at: datetime
    """From here on it may be sent. Aware of its zone."""
    command_id: str = ""
    """Default: `cmd_` and the first 12 digits of `idempotency_key`."""
    max_retries: int = 3
    """Tries after the first one."""
    timeout_seconds: float = 30.0
    """How long silence is waited for."""
    priority: int = 1
    """Higher goes first."""
    expires_at: datetime | None = None
    """From here on it must not be sent. None: it stays due until it is done or superseded."""
    source: Source = Source.OPERATOR
    reason: str = ""
    requested_kw: float | None = None
    """What the plan said, signed, where the command says something else."""
    dry_run: bool = False
    """It never reaches an adapter, and counts as done."""
    idempotency_key: str = ""
    """Two commands with one key are one to the engine. Default: one of its own."""
    plan_id: str = field(default="", init=False)
    """Empty: it comes from no plan."""
    plan_rev: int | None = field(default=None, init=False)
    slot: int | None = field(default=None, init=False)
    """The slot of the plan that it begins in."""
    supersedes: str | None = field(default=None, init=False)
    """The id of the pending command that it took the place of."""
    _kept: tuple[Keeper, Value] | None = field(default=None, init=False)
    """Who has it, and as what. None: nobody yet."""

    def __post_init__(self) -> None:
        self.command_type = type_of(self.command_type)
        self.source = Source(self.source)
        check_instant("scheduled_at", self.scheduled_at)
        if self.expires_at is not None:
            check_instant("expires_at", self.expires_at)
        self.parameters = dict(self.parameters)
        if not self.idempotency_key:
            at, type = self.scheduled_at, self.command_type
            self.idempotency_key = idempotency_key(uuid4().hex, self.asset_id, at, type, 0.0)
        if not self.command_id:
            digits = sha256(self.idempotency_key.encode()).hexdigest()
            plain = re.fullmatch(r"[0-9a-f]{64}", self.idempotency_key)
            self.command_id = id_of(self.idempotency_key if plain else digits)
        self.value_of(PATIENT)

    @property
    def status(self) -> CommandStatus:
        return self._progress.status

    @property
    def attempt(self) -> int:
        """Tries so far."""
        return self._progress.attempt

    @property
    def error(self) -> str | None:
        """Why the latest try failed. None: it did not."""
        return self._progress.error or None

    @property
    def late(self) -> bool:
        """Whether it was completed by an answer that came after its time-out."""
        return self._progress.late

    @property
    def doubtful(self) -> bool:
        """Whether an earlier try may have arrived, though nobody said so."""
        return self._progress.doubtful

    @property
    def applied_kw(self) -> float | None:
        """What the device says that it applied, signed. None: it did not say."""
        return self._progress.applied_kw

    @property
    def not_before(self) -> datetime | None:
        """When the next try may go out. None: as soon as it is due."""
        return self._progress.not_before

    @property
    def dispatched_at(self) -> datetime | None:
        return self._progress.dispatched_at

    @property
    def superseded_by(self) -> str | None:
        """The id of the command, or of the plan, that took its place."""
        return self._progress.superseded_by or None

    @property
    def value(self) -> Value:
        """The command as the rules see it: frozen, with signed power. Devices take this."""
        if self._kept is None:
            return self.value_of(PATIENT)
        keeper, given = self._kept
        return keeper.latest(self, given)

    @property
    def _progress(self) -> Progress:
        return UNTRIED if self._kept is None else self.value.progress

    def value_of(self, policy: Policy) -> Value:
        """What it says, as it stands. `policy` tells what it does not say: how to back off.

        Raises:
            ValueError: If something of it makes no sense by now.
        """
        parameters = dict(self.parameters)
        power_kw = parameters.pop("power_kw", None)
        who = f"{self.command_type} for {self.asset_id!r}"
        check_names(self.asset_id, self.command_id)
        check_parameters(who, self.command_type, self.parameters)
        check_patience(who, self.max_retries, self.timeout_seconds)
        return Value(
            id=self.command_id,
            asset_id=self.asset_id,
            type=self.command_type,
            scheduled_at=self.scheduled_at,
            expires_at=self.expires_at,
            power_kw=None if power_kw is None else float(power_kw),
            parameters=parameters or None,
            priority=self.priority,
            policy=Policy(
                self.max_retries,
                self.timeout_seconds,
                policy.backoff_base_seconds,
                policy.backoff_factor,
            ),
            source=self.source,
            reason=self.reason,
            requested_kw=self.requested_kw,
            dry_run=self.dry_run,
        )

    def keep(self, keeper: Keeper, value: Value) -> None:
        """Belong to an engine from now on, which knows the command as `value`."""
        self._kept = keeper, value

    def let_go(self) -> None:
        """Belong to nobody, as before."""
        self._kept = None

    @property
    def keeper(self) -> Keeper | None:
        """Which engine has it."""
        return self._kept[0] if self._kept else None

    @property
    def given(self) -> Value:
        """The command as its engine knew it when it was last asked."""
        return self._kept[1] if self._kept else self.value_of(PATIENT)

    def __repr__(self) -> str:
        power_kw = self.parameters.get("power_kw")
        power = "" if power_kw is None else f" {power_kw:g} kW"
        at = self.scheduled_at.isoformat()
        return (
            f"<Command {self.command_id} {self.command_type}{power} to {self.asset_id!r}"
            f" at {at} {self.status}>"
        )


def command_of_value(value: Value, key: str = "", plan_rev: int | None = None) -> Command:
    """A command that the rules made, as users hold it."""
    command = Command(
        value.asset_id,
        value.type,
        parameters_of(value),
        value.scheduled_at,
        value.id,
        value.policy.max_retries,
        value.policy.timeout_seconds,
        value.priority,
        value.expires_at,
        value.source,
        value.reason,
        value.requested_kw,
        value.dry_run,
        key or value.id,
    )
    command.plan_id, command.plan_rev = value.plan_id, plan_rev
    command.slot = value.slot if value.slot >= 0 else None
    return command


def parameters_of(value: Value) -> dict[str, Any]:
    """What a command tells, as users write it."""
    power = {} if value.power_kw is None else {"power_kw": value.power_kw}
    return power | (value.parameters or {})
