"""The states that chargers and batteries go through, as tables of triggers.

EV charger                                                        Battery

AVAILABLE --plug_in--> PREPARING --start_charge--> CHARGING       IDLE --charge---> CHARGING
    ^                      |                     suspend| ^        ^                 |   ^
    |                      |                            v |resume  |        discharge|   |charge
    |<-------unplug--------+                      SUSPENDED        |                 v   |
    |                                                   |          +----stop--- DISCHARGING
    +<--unplug-- FINISHING <----------complete----------+
                              (from CHARGING as well)

Both: any state --fault--> FAULTED --reset--> the first one; any but a faulted one
--disable--> UNAVAILABLE --enable--> the first one. A car may be unplugged at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

Moves: TypeAlias = Mapping[str, Mapping[str, str]]
"""By state: what each trigger leads to."""

EV_CHARGER: Final[Moves] = MappingProxyType(
    {
        "AVAILABLE": {"plug_in": "PREPARING", "fault": "FAULTED", "disable": "UNAVAILABLE"},
        "PREPARING": {
            "start_charge": "CHARGING",
            "unplug": "AVAILABLE",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "CHARGING": {
            "suspend": "SUSPENDED",
            "complete": "FINISHING",
            "unplug": "AVAILABLE",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "SUSPENDED": {
            "resume": "CHARGING",
            "complete": "FINISHING",
            "unplug": "AVAILABLE",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "FINISHING": {"unplug": "AVAILABLE", "fault": "FAULTED", "disable": "UNAVAILABLE"},
        "FAULTED": {"reset": "AVAILABLE", "disable": "UNAVAILABLE"},
        "UNAVAILABLE": {"enable": "AVAILABLE", "fault": "FAULTED"},
    }
)
BATTERY: Final[Moves] = MappingProxyType(
    {
        "IDLE": {
            "charge": "CHARGING",
            "discharge": "DISCHARGING",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "CHARGING": {
            "discharge": "DISCHARGING",
            "stop": "IDLE",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "DISCHARGING": {
            "charge": "CHARGING",
            "stop": "IDLE",
            "fault": "FAULTED",
            "disable": "UNAVAILABLE",
        },
        "FAULTED": {"reset": "IDLE", "disable": "UNAVAILABLE"},
        "UNAVAILABLE": {"enable": "IDLE", "fault": "FAULTED"},
    }
)


class InvalidTransition(ValueError):
    """The state has no such trigger. Nothing was moved."""

    def __init__(self, current_state: str, trigger: str, valid_triggers: tuple[str, ...]) -> None:
        super().__init__(
            f"{trigger!r} does not fit {current_state}; {', '.join(valid_triggers)} would"
        )
        self.current_state = current_state
        self.trigger = trigger
        self.valid_triggers = valid_triggers


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a machine's history. `trigger` is empty where equipment reported a state."""

    before: str
    trigger: str
    after: str


@dataclass(slots=True)
class StateMachine:
    """The state of one asset. A step that its table does not have is refused."""

    moves: Moves
    state: str
    history: list[Transition] = field(default_factory=list)
    """Every step so far, oldest first."""

    def __post_init__(self) -> None:
        self._check(self.state)

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.moves)

    @property
    def valid_triggers(self) -> tuple[str, ...]:
        """What the present state answers to."""
        return tuple(self.moves[self.state])

    def can(self, trigger: str) -> bool:
        return trigger in self.moves[self.state]

    def knows(self, trigger: str) -> bool:
        """Whether any state answers to `trigger`."""
        return any(trigger in row for row in self.moves.values())

    def trigger(self, name: str) -> str:
        """Take the step that `name` is in the present state, and return the state it leads to.

        Raises:
            InvalidTransition: If the present state has none of that name.
        """
        if not self.can(name):
            raise InvalidTransition(self.state, name, self.valid_triggers)
        return self._move(name, self.moves[self.state][name])

    def report(self, state: str) -> str:
        """Follow equipment that says what it is in, whether or not the table leads there.

        Raises:
            ValueError: If there is no such state.
        """
        self._check(state)
        return self.state if state == self.state else self._move("", state)

    def _move(self, trigger: str, state: str) -> str:
        self.history.append(Transition(self.state, trigger, state))
        self.state = state
        return state

    def _check(self, state: str) -> None:
        if state not in self.moves:
            raise ValueError(f"{state!r} is no state; {', '.join(self.moves)} are")


def create_ev_charger_state_machine(state: str = "AVAILABLE") -> StateMachine:
    """A charger's machine: seven states, from `AVAILABLE` on."""
    return StateMachine(EV_CHARGER, state)


def create_battery_state_machine(state: str = "IDLE") -> StateMachine:
    """A battery's machine: five states, from `IDLE` on. It may turn from charge to discharge."""
    return StateMachine(BATTERY, state)
