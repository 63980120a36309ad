"""The signboard of the operation dispatcher: what users import, by its documented names.

Some of them need an extra, and are imported when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from pointsman.library.operation_dispatcher.analyzing import (
    HistoryAnalyzer,
    HistoryReport,
    OperationFigures,
    Spread,
)
from pointsman.library.operation_dispatcher.charting import (
    build_history_gantt_figure,
    show_history_gantt,
)
from pointsman.library.operation_dispatcher.controlling import (
    OperationDispatcherRuntimeController,
)
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher
from pointsman.library.operation_dispatcher.errors import DispatcherError
from pointsman.library.operation_dispatcher.events import (
    ChangeRecord,
    DispatchEvent,
    RequestDecision,
)
from pointsman.library.operation_dispatcher.history import (
    History,
    OperationDispatcherState,
    TimeWindow,
)
from pointsman.library.operation_dispatcher.operation import (
    ExecutionOutcome,
    ExecutionState,
    Operation,
    OperationDependency,
    OperationExecution,
    OperationId,
    TerminationReason,
)
from pointsman.library.operation_dispatcher.queue import DispatchQueue
from pointsman.library.operation_dispatcher.simulating import SimulatedOperationRunner
from pointsman.library.operation_dispatcher.visualizing import BrowserEventVisualizer
from pointsman.operations.events import EventType
from pointsman.operations.model import DependencyType, OnFailure
from pointsman.operations.policy import SortDirection, SortField, SortRule

if TYPE_CHECKING:
    from pointsman.app.dispatcher_agents import (
        OperationDispatcherMCPServer as OperationDispatcherMCPServer,
    )
    from pointsman.app.dispatcher_agents import (
        OperationDispatcherMCPUtility as OperationDispatcherMCPUtility,
    )
    from pointsman.app.dispatcher_doors import (
        OperationDispatcherOpenAPI as OperationDispatcherOpenAPI,
    )

__all__ = [
    "BrowserEventVisualizer",
    "ChangeRecord",
    "DependencyType",
    "DispatchEvent",
    "DispatchQueue",
    "DispatcherError",
    "EventType",
    "ExecutionOutcome",
    "ExecutionState",
    "History",
    "HistoryAnalyzer",
    "HistoryReport",
    "OnFailure",
    "Operation",
    "OperationDependency",
    "OperationDispatcher",
    "OperationDispatcherRuntimeController",
    "OperationDispatcherState",
    "OperationExecution",
    "OperationFigures",
    "OperationId",
    "RequestDecision",
    "SimulatedOperationRunner",
    "SortDirection",
    "SortField",
    "SortRule",
    "Spread",
    "TerminationReason",
    "TimeWindow",
    "build_history_gantt_figure",
    "show_history_gantt",
]

_EXTRAS = {
    "OperationDispatcherOpenAPI": ("rest", "pointsman.app.dispatcher_doors"),
    "OperationDispatcherMCPServer": ("mcp", "pointsman.app.dispatcher_agents"),
    "OperationDispatcherMCPUtility": ("mcp", "pointsman.app.dispatcher_agents"),
}


def __getattr__(name: str) -> object:
    if name not in _EXTRAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    extra, module = _EXTRAS[name]
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"{name} needs the extra: pip install 'pointsman[{extra}]' ({missing})",
            name=missing.name,
        ) from missing


def __dir__() -> list[str]:
    return sorted([*__all__, *_EXTRAS])
