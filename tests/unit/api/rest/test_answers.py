"""What is shown of operations in lists is what their description says."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pointsman.api.rest import answers
from pointsman.operations.model import Dependency, Ending, Operation, Phase, Reason, Work

NOON = datetime(2026, 1, 1, 12, microsecond=5, tzinfo=UTC)
PLAIN = Work({"part": 1}, NOON)
FULL = Work({}, NOON, 7, NOON, NOON, timedelta(seconds=1.5), "day", (Dependency("lift"),))


@pytest.mark.parametrize(
    "operation",
    [
        Operation("turn", 1, PLAIN, NOON),
        Operation("turn", 1, FULL, NOON, phase=Phase.COMPLETED, ending=Ending(Phase.COMPLETED)),
        Operation(
            "turn",
            1,
            FULL,
            NOON,
            phase=Phase.CANCELLED,
            retries=2,
            ending=Ending(Phase.CANCELLED, Reason.USER_REQUEST),
            start_time=NOON,
            finish_time=NOON,
        ),
    ],
    ids=lambda operation: operation.phase,
)
def test_an_operation_is_shown_as_it_is_described(operation: Operation) -> None:
    line = msgspec.json.encode(answers.shown("robot-1", operation))
    described = answers.Operation.model_validate_json(line, extra="forbid", strict=True)
    assert msgspec.json.decode(described.model_dump_json()) == msgspec.json.decode(line)
    assert described == answers.Operation.of("robot-1", operation)


def test_how_it_is_to_end_is_not_how_it_ended() -> None:
    ending = Ending(Phase.CANCELLED, Reason.USER_REQUEST)
    going = Operation("turn", 1, PLAIN, NOON, phase=Phase.CANCELLING, ending=ending)
    assert answers.shown("robot-1", going)["termination_reason"] is Reason.NONE
