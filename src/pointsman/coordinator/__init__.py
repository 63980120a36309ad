"""The signboard of the coordinator: what users import, by its documented names."""

from pointsman.devices.adapters import ModbusAdapter, OCPPAdapter
from pointsman.library.coordinator.adapters import Adapter, AdapterRegistry, NoAdapterError
from pointsman.library.coordinator.commands import Command
from pointsman.library.coordinator.engine import DispatchEngine
from pointsman.library.coordinator.events import Event, EventBus, EventType
from pointsman.library.coordinator.imports import StaleScheduleError
from pointsman.library.coordinator.settings import CoordinatorConfig, DispatchError
from pointsman.library.coordinator.states import (
    InvalidTransition,
    StateMachine,
    create_battery_state_machine,
    create_ev_charger_state_machine,
)
from pointsman.schedules.model import CommandStatus, CommandType
from pointsman.schedules.reports import ImportReport
from pointsman.schedules.table import ScheduleError

__all__ = [
    "Adapter",
    "AdapterRegistry",
    "Command",
    "CommandStatus",
    "CommandType",
    "CoordinatorConfig",
    "DispatchEngine",
    "DispatchError",
    "Event",
    "EventBus",
    "EventType",
    "ImportReport",
    "InvalidTransition",
    "ModbusAdapter",
    "NoAdapterError",
    "OCPPAdapter",
    "ScheduleError",
    "StaleScheduleError",
    "StateMachine",
    "create_battery_state_machine",
    "create_ev_charger_state_machine",
]
