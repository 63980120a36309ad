"""The nouns of schedules: plans, timelines, commands, and what assets report.

A **plan** is a table: a row a **slot**, a column an asset. Change detection turns each column
into a **timeline**: the rows at which something new must be said. A row becomes a **command**
when it is due or asked for, and only then has facts of its own.

Power is signed here: positive for charging, negative for discharging. A command's `power_kw`
alone is the documented positive magnitude; `signed_kw` is its signed form.
"""

from pointsman.schedules.model.command import (
    CHANNEL_OF,
    PATIENT,
    UNTRIED,
    Channel,
    Command,
    CommandStatus,
    CommandType,
    Mark,
    Policy,
    Progress,
    Source,
)
from pointsman.schedules.model.observed import (
    AssetState,
    Measurement,
    Run,
)
from pointsman.schedules.model.plan import (
    SLOTS_LIMIT,
    Context,
    Plan,
    Timeline,
)

__all__ = [
    "CHANNEL_OF",
    "PATIENT",
    "SLOTS_LIMIT",
    "UNTRIED",
    "AssetState",
    "Channel",
    "Command",
    "CommandStatus",
    "CommandType",
    "Context",
    "Mark",
    "Measurement",
    "Plan",
    "Policy",
    "Progress",
    "Run",
    "Source",
    "Timeline",
]
