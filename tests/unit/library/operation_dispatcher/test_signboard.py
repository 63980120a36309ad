"""What users import, by the names that were ever documented, and without noise."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import pointsman.operation_dispatcher as sign
from tests.unit.library.operation_dispatcher.given import ROBOT, op

SOURCE = Path(sign.__file__).parents[2]
DOCUMENTED = {
    "BrowserEventVisualizer",
    "ChangeRecord",
    "DependencyType",
    "DispatchEvent",
    "DispatchQueue",
    "EventType",
    "ExecutionOutcome",
    "ExecutionState",
    "History",
    "HistoryAnalyzer",
    "Operation",
    "OperationDependency",
    "OperationDispatcher",
    "OperationDispatcherMCPServer",
    "OperationDispatcherMCPUtility",
    "OperationDispatcherOpenAPI",
    "OperationDispatcherRuntimeController",
    "OperationDispatcherState",
    "OperationExecution",
    "RequestDecision",
    "SimulatedOperationRunner",
    "SortDirection",
    "SortField",
    "SortRule",
    "TerminationReason",
    "TimeWindow",
    "build_history_gantt_figure",
    "show_history_gantt",
}


def test_all_documented_names_are_there() -> None:
    assert set(dir(sign)) >= DOCUMENTED
    assert all(hasattr(sign, name) for name in (*DOCUMENTED, *sign.__all__))
    assert not hasattr(sign, "OperationDispatcherCoffeeMachine")


def test_importing_it_says_nothing_and_needs_no_extra() -> None:
    without = "import sys; sys.modules |= dict.fromkeys(['fastapi', 'mcp', 'plotly', 'uvicorn']); "
    told = _run(f"{without} from pointsman.operation_dispatcher import *")
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("OperationDispatcherOpenAPI", "fastapi", "rest"),
        ("OperationDispatcherMCPServer", "mcp", "mcp"),
    ],
)
def test_a_missing_extra_is_told_in_one_line(name: str, module: str, extra: str) -> None:
    told = _run(
        f"import sys; sys.modules['{module}'] = None;"
        f" from pointsman.operation_dispatcher import {name}"
    )
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"ModuleNotFoundError: {name} needs the extra: pip install 'pointsman[{extra}]'"
    )


def test_a_dispatcher_that_nobody_holds_is_gone() -> None:
    dispatcher = sign.OperationDispatcher(ROBOT, on_notification_callback=lambda _: None)
    dispatcher.start()
    dispatcher.add(op())
    seen = weakref.ref(dispatcher)
    del dispatcher
    gc.collect()
    assert seen() is None


def test_a_closed_dispatcher_remembers_and_takes_nothing_more() -> None:
    with sign.OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
    dispatcher.close()
    assert dispatcher.get_operation(lift.id) == lift
    for call in (lambda: dispatcher.add(op()), dispatcher.start, dispatcher.pause):
        with pytest.raises(RuntimeError, match="the dispatcher of robot-1 is closed"):
            call()


def _run(code: str) -> "subprocess.CompletedProcess[str]":
    paths = {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=paths)
