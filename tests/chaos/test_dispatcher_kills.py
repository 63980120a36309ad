"""A program with a dispatcher on a file, killed again and again, judged by what the file tells."""

import random
import sys
from collections import Counter
from pathlib import Path
from subprocess import PIPE, Popen
from time import sleep
from typing import Final

import pytest

from pointsman.operation_dispatcher import EventType, History, OperationDispatcher
from tests.seeds import KILLS

TIMES: Final = KILLS if KILLS > 10 else 4
"""How often it is killed. Most of a short life it is only beginning."""
ALIVE_SECONDS: Final = (0.05, 0.6)
PROGRAM: Final = """
import sys
from pointsman.operation_dispatcher import EventType, Operation, OperationDispatcher

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

def may_it(event):
    say("approved", event.operation_id)
    return True

def hear(event):
    if event.event_type is EventType.OPERATION_STARTED:
        cell.complete_operation(event.operation_id)
        say("completed", event.operation_id)

cell = OperationDispatcher(
    "cell",
    on_request_callback=may_it,
    on_notification_callback=hear,
    journal=sys.argv[1],
    events_kept=20,
    finished_kept=5,
)
left = cell.get_current_operation()
if left is not None:
    cell.complete_operation(left.id)
cell.start()
say("alive")
while True:
    say("added", cell.add(Operation(resource_id="cell")).id)
"""
ENDS: Final = {
    EventType.OPERATION_COMPLETED,
    EventType.OPERATION_FAILED,
    EventType.OPERATION_CANCELLED,
}


def killed(path: Path, alive_seconds: float) -> list[list[str]]:
    """What a program said until it was killed. What it was just saying does not count."""
    command = [sys.executable, "-c", PROGRAM, str(path)]
    with Popen(command, stdout=PIPE, text=True) as program:
        assert program.stdout is not None
        alive = program.stdout.readline()
        sleep(alive_seconds)
        program.kill()
        lines = [alive, *program.stdout]
    return [line.split() for line in lines if line.endswith("\n")]


def judge(history: History) -> None:
    """One at a time, each asked for before it starts, and each ends once."""
    active, asked = None, set[object]()
    ended = Counter[object]()
    for event in history.events:
        id = event.operation_id
        match event.event_type:
            case EventType.OPERATION_START_REQUESTED:
                asked.add(id)
            case EventType.OPERATION_STARTED:
                assert active is None, f"{id} starts while {active} goes on"
                assert id in asked, f"{id} starts and nobody was asked"
                active = id
            case event_type if event_type in ENDS:
                assert active == id
                active, ended[id] = None, ended[id] + 1
    assert not [id for id, times in ended.items() if times > 1]


@pytest.mark.timeout(120 + 3 * TIMES)
def test_what_was_acknowledged_is_there_and_nothing_starts_that_was_not_approved(
    tmp_path: Path,
) -> None:
    path, dice = tmp_path / "cell.db", random.Random(TIMES)
    said = [line for _ in range(TIMES) for line in killed(path, dice.uniform(*ALIVE_SECONDS))]
    told = {word: {line[1] for line in said if line[0] == word} for word in ("added", "approved")}
    with OperationDispatcher("cell", journal=path) as dispatcher:
        history = dispatcher.get_history()
        known = {str(event.operation_id) for event in history.events}
        started = Counter(
            str(event.operation_id)
            for event in history.events
            if event.event_type is EventType.OPERATION_STARTED
        )
        assert told["added"], "it never came so far"
        assert told["added"] <= known
        assert started.keys() <= told["approved"]
        assert set(started.values()) <= {1}
        for id in (line[1] for line in said if line[0] == "completed"):
            operation = dispatcher.get_operation(id)
            assert operation is not None
            assert operation.state.value == "COMPLETED"
    judge(history)
