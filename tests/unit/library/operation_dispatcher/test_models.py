"""The models: what they take, what they refuse, and how they are written."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

import pointsman.operation_dispatcher as sign
from pointsman.operation_dispatcher import (
    ChangeRecord,
    DependencyType,
    DispatchEvent,
    EventType,
    ExecutionOutcome,
    ExecutionState,
    History,
    Operation,
    OperationDependency,
    OperationDispatcherState,
    OperationExecution,
    RequestDecision,
    TerminationReason,
    TimeWindow,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, op

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_times_are_in_utc() -> None:
    summer = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    lift = op(release_date=datetime(2026, 1, 1, 12), due_date=summer)  # noqa: DTZ001
    assert (lift.release_date, lift.due_date) == (NOON, datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert lift.due_date is not None
    assert lift.due_date.tzinfo is UTC
    assert op(release_date="2026-01-01T12:00:00Z").release_date == NOON


@pytest.mark.parametrize(("value", "number"), [("5", 5), (5.0, 5), (True, 1), (-3, -3)], ids=repr)
def test_what_can_only_be_a_whole_number_is_one(value: Any, number: int) -> None:  # noqa: ANN401
    assert op(priority=value).priority == number


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"priority": 1.5}, "priority is 1.5: a whole number would work"),
        ({"priority": "high"}, "priority is 'high'"),
        ({"planned_duration": 0}, "planned_duration must be > 0"),
        ({"release_date": NOON, "due_date": NOON}, "due_date must be after release_date"),
        ({"state": "RUNNING"}, "running operation requires actual_start_time"),
        (
            {"start_time": NOON, "finish_time": NOON - timedelta(1)},
            "finish time must be after start time",
        ),
        ({"state": "ASLEEP"}, "state is 'ASLEEP': one of QUEUED, RUNNING, "),
        ({"payload": [1]}, "payload is \\[1\\]: a dict would work"),
        ({"release_date": "noon"}, "release_date is 'noon'"),
        ({"dependencies": [{}]}, "lacks depends_on_operation_id"),
        ({"resource_id": ""}, "resource_id is required"),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(wrong: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        Operation(**{"resource_id": ROBOT} | wrong)


@pytest.mark.parametrize(
    ("model", "given", "line"),
    [
        (OperationDependency, {}, "OperationDependency lacks depends_on_operation_id"),
        (DispatchEvent, {"event_type": "operation_added"}, "DispatchEvent lacks resource_id"),
        (ChangeRecord, {"new_value": 1}, "ChangeRecord lacks field"),
        (History, {}, "History lacks resource_id"),
        (Operation, {"resource_id": ROBOT, "priorty": 5}, "priorty"),
        (Operation, {"resource_id": ROBOT, "dependencies": 5}, "not iterable"),
    ],
)
def test_a_model_of_too_little_or_of_something_else_is_refused(
    model: type[Any], given: dict[str, Any], line: str
) -> None:
    with pytest.raises(ValueError, match=line):
        model(**given)


def test_nothing_depends_on_itself() -> None:
    id = uuid4()
    own = OperationDependency(
        depends_on_operation_id=id, dependency_type=DependencyType.FINISH_TO_START
    )
    with pytest.raises(ValueError, match="operation cannot depend on itself"):
        op(id=id, dependencies=[own])


def test_an_operation_has_the_documented_fields() -> None:
    dumped = op(id=UUID(int=1), created_at=NOON, due_date=NOON).model_dump(mode="json")
    assert dumped == {
        "id": "00000000-0000-0000-0000-000000000001",
        "job_id": None,
        "payload": {},
        "resource_id": "robot-1",
        "priority": 0,
        "release_date": None,
        "planned_duration": None,
        "due_date": "2026-01-01T12:00:00Z",
        "dependencies": [],
        "state": "QUEUED",
        "outcome": "NONE",
        "termination_reason": "NONE",
        "retry_count": 0,
        "start_time": None,
        "finish_time": None,
        "created_at": "2026-01-01T12:00:00Z",
    }


EVENT = DispatchEvent(
    resource_id=ROBOT,
    operation_id=uuid4(),
    event_type=EventType.OPERATION_STARTED,
    changes=[ChangeRecord(field="state", old_value="QUEUED", new_value="RUNNING")],
    meta_data={"by": "ann"},
    created_at=NOON,
)
MODELS = (
    op(dependencies=[{"depends_on_operation_id": uuid4(), "dependency_type": "START_TO_START"}]),
    EVENT,
    OperationExecution(operation_id=uuid4(), state="RUNNING", start_time=NOON),  # type: ignore[arg-type]
    TimeWindow(start=NOON),
    History(resource_id=ROBOT, events=[EVENT], operations=[op(id=EVENT.operation_id)]),
    RequestDecision(accepted=True, reasoning="fine"),
    OperationDispatcherState(resource_id=ROBOT, queue_size=3),
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_what_is_written_as_json_is_read_as_the_same(model: Any) -> None:  # noqa: ANN401
    text = model.model_dump_json(indent=2)
    assert type(model).model_validate_json(text) == model
    later = json.loads(text) | {"a field of a later version": 1}
    assert type(model).model_validate(later) == model
    assert type(model).model_validate(model.model_dump()) == model
    assert type(model).model_validate(model) is model


def test_a_copy_may_differ() -> None:
    lift = op(payload={"to": ["A"]})
    other = lift.model_copy(update={"priority": 9}, deep=True)
    other.payload["to"].append("B")
    assert (lift.priority, lift.payload, other.priority) == (0, {"to": ["A"]}, 9)


def test_a_model_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="a mapping of its fields would work"):
        Operation.model_validate(7)


def test_a_window_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="end time must be after start time"):
        TimeWindow(start=NOON, end=NOON - timedelta(seconds=1))


def test_a_history_holds_each_operation_of_its_events_once() -> None:
    lift = op(id=EVENT.operation_id)
    with pytest.raises(ValueError, match="duplicates"):
        History(resource_id=ROBOT, events=[EVENT], operations=[lift, lift])
    with pytest.raises(ValueError, match="referenced by an event"):
        History(resource_id=ROBOT, events=[EVENT], operations=[op()])


def test_a_history_knows_its_bounds() -> None:
    done = EVENT.model_copy(
        update={
            "event_type": EventType.OPERATION_COMPLETED,
            "created_at": NOON + timedelta(seconds=9),
        }
    )
    history = History(resource_id=ROBOT, events=[EVENT, done])
    assert (history.get_start(), history.get_duration_seconds()) == (NOON, 9)
    assert history.get_operation_ids() == [EVENT.operation_id]
    assert history.get_completed_operations() == [EVENT.operation_id]
    assert History(resource_id=ROBOT).get_duration_seconds() is None
    bound = History(resource_id=ROBOT, window=TimeWindow(end=NOON))
    assert (bound.get_start(), bound.get_end()) == (None, NOON)


def test_the_enums_have_the_documented_words() -> None:
    states = ["QUEUED", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"]
    assert [one.value for one in ExecutionState] == states
    assert [one.value for one in ExecutionOutcome] == ["NONE", "SUCCESS", "FAILURE", "CANCELLED"]
    assert len(TerminationReason) == 6
    assert [one.value for one in EventType][:20] == [one.name.lower() for one in EventType][:20]


def test_all_names_of_the_signboard_can_be_imported() -> None:
    space: dict[str, Any] = {}
    exec("from pointsman.operation_dispatcher import *", space)  # noqa: S102
    assert set(sign.__all__) <= space.keys()
