"""The signboard of the coordinator's commands."""

from pointsman.library.coordinator.commands import Command
from pointsman.schedules.model import CommandStatus, CommandType

__all__ = ["Command", "CommandStatus", "CommandType"]
