"""What programs ask of a dispatcher: to add, change, hold, end and look at operations."""

import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest

from pointsman.operation_dispatcher import (
    DependencyType,
    DispatcherError,
    DispatchEvent,
    EventType,
    ExecutionOutcome,
    ExecutionState,
    OnFailure,
    Operation,
    OperationDependency,
    OperationDispatcher,
    OperationDispatcherState,
    TerminationReason,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, Told, dispatching, op

SOON = datetime(2100, 1, 1, tzinfo=UTC)


def after(operation: Operation, **also: Any) -> OperationDependency:  # noqa: ANN401
    return OperationDependency(depends_on_operation_id=operation.id, **also)


# Adding


def test_the_callers_own_object_says_how_it_stands() -> None:
    with dispatching() as (dispatcher, told):
        lift = op(priority=3)
        assert dispatcher.add_operation(lift, meta_data={"who": "ann"}) is lift
        assert told.until(EventType.OPERATION_ADDED).meta_data == {"who": "ann"}
        told.until(EventType.OPERATION_STARTED)
        assert (lift.state, lift.start_time is None) == (ExecutionState.RUNNING, False)
        dispatcher.update_operation(dispatcher.add(op()).id, priority=4)


def test_what_is_handed_out_besides_is_a_snapshot() -> None:
    with dispatching(start_paused=True) as (dispatcher, _):
        lift = dispatcher.add(op(payload={"to": ["A"]}))
        seen = dispatcher.get_operation(lift.id)
        assert seen == lift
        assert seen is not lift
        assert seen is not None
        seen.payload["to"].append("B")
        lift.payload["to"].append("C")
        history = dispatcher.get_history(resolve_operations=True)
        dispatcher.cancel(lift.id)
        [again] = history.operations or []
        assert (again.payload, again.state) == ({"to": ["A"]}, ExecutionState.QUEUED)
        assert seen.state is ExecutionState.QUEUED


def test_nothing_is_queued_twice() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
        for again in (lift, op(id=lift.id), op(id=lift.id, priority=5)):
            with pytest.raises(ValueError, match="was added before"):
                dispatcher.add(again)
        twice = op()
        with pytest.raises(ValueError, match="an operation is there twice"):
            dispatcher.add_operations([twice, twice])
        dispatcher.step()
        dispatcher.complete_current()
        with pytest.raises(ValueError, match="is COMPLETED: one that is QUEUED can be added"):
            dispatcher.add(lift)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"priority": 10**400}, "priority is a number of many digits"),
        ({"payload": {"at": object()}}, "payload holds a object, which is no JSON"),
        ({"payload": {"a": "\ud800"}}, "cannot be written as UTF-8"),
        ({"job_id": ""}, "job_id"),
        ({"id": "no-uuid"}, "a UUID would work"),
    ],
)
def test_what_nobody_could_carry_is_refused_and_changes_nothing(
    wrong: dict[str, Any], line: str
) -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        with pytest.raises(ValueError, match=line):
            dispatcher.add(op(**wrong))
        dispatcher.add(op())
        assert dispatcher.get_state().queue_size == 1


def test_a_payload_that_holds_itself_is_refused() -> None:
    payload: dict[str, Any] = {}
    payload["me"] = payload
    with (
        OperationDispatcher(ROBOT) as dispatcher,
        pytest.raises(ValueError, match="nested deeper"),
    ):
        dispatcher.add(op(payload=payload))


def test_an_operation_of_another_resource_is_refused() -> None:
    with (
        OperationDispatcher(ROBOT) as dispatcher,
        pytest.raises(ValueError, match="resource_id does not match schedule resource_id"),
    ):
        dispatcher.add(Operation(resource_id="other"))


def test_all_of_a_batch_are_added_or_none() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        with pytest.raises(ValueError, match="does not know"):
            dispatcher.add_operations([op(), op(dependencies=[after(op())])])
        assert dispatcher.get_operations() == []


def test_a_default_planned_duration_is_in_milliseconds() -> None:
    with OperationDispatcher(ROBOT, default_planned_duration=1_500) as dispatcher:
        lift = dispatcher.add(op())
        assert lift.planned_duration == 1_500
        assert dispatcher.add(op(planned_duration=7)).planned_duration == 7
        plain = dispatcher.add_operation(op(), apply_default_planned_duration=False)
        assert plain.planned_duration is None


def test_nothing_is_lost_that_many_threads_add_at_once_while_it_is_stopped() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        together, missed = Barrier(9), []

        def add() -> None:
            together.wait()
            for _ in range(50):
                dispatcher.add(op())

        threads = [Thread(target=add) for _ in range(8)]
        lift = dispatcher.add(op())
        for thread in threads:
            thread.start()
        together.wait()
        while any(thread.is_alive() for thread in threads):
            missed += [1] * (dispatcher.get_operation(lift.id) is None)
        assert (len(dispatcher.get_operations()), missed) == (401, [])


def test_nothing_is_lost_that_many_threads_add_at_once_while_it_runs() -> None:
    def work(event: DispatchEvent) -> None:
        told(event)
        if event.event_type is EventType.OPERATION_STARTED and event.operation_id is not None:
            dispatcher.complete_operation(event.operation_id)

    def add() -> None:
        for _ in range(25):
            dispatcher.add(op())

    told = Told()
    with dispatching(lambda _: True, on_notification_callback=work) as (dispatcher, _):
        threads = [Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        told.until(EventType.OPERATION_COMPLETED, 100)
        for thread in threads:
            thread.join()
        started = [
            e.operation_id for e in told.events if e.event_type is EventType.OPERATION_STARTED
        ]
        assert len(started) == len(set(started)) == 100
        assert dispatcher.get_operations() == []


def test_adding_costs_the_same_with_many_in_the_queue() -> None:
    def cost(dispatcher: OperationDispatcher) -> float:
        tries = []
        for _ in range(5):
            new = [op() for _ in range(200)]
            before = time.process_time()
            for one in new:
                dispatcher.add(one)
            tries.append(time.process_time() - before)
        return min(tries)

    with OperationDispatcher(ROBOT) as dispatcher:
        few = cost(dispatcher)
        for _ in range(12):
            dispatcher.add_operations(op() for _ in range(900))
        assert cost(dispatcher) < 3 * few


# Changing


def test_an_update_says_what_has_changed() -> None:
    with dispatching(start_paused=True) as (dispatcher, told):
        lift = dispatcher.add(op())
        updates = {"priority": 9, "planned_duration": 2_000, "due_date": SOON}
        assert dispatcher.update_operation(lift.id, updates) is lift
        assert (lift.priority, lift.planned_duration, lift.due_date) == (9, 2_000, SOON)
        changes = told.until(EventType.OPERATION_UPDATED).changes
        assert {(one.field, one.old_value, one.new_value) for one in changes} == {
            ("priority", 0, 9),
            ("planned_duration", None, 2_000),
            ("due_date", None, SOON),
        }
        dispatcher.update_operation(lift.id, {"priority": 9})
        assert told.types.count("updated") == 1, "nothing has changed"
        assert dispatcher.update_operation(uuid4(), {"priority": 1}) is None


def test_an_update_says_what_it_depends_on_now() -> None:
    with dispatching(start_paused=True) as (dispatcher, told):
        lift, weld = dispatcher.add(op()), dispatcher.add(op())
        dispatcher.update_operation(weld.id, dependencies=[after(lift)])
        [change] = told.until(EventType.OPERATION_UPDATED).changes
        assert (change.field, change.old_value) == ("dependencies", [])
        [told_as] = change.new_value
        assert told_as == {
            "depends_on_operation_id": str(lift.id),
            "dependency_type": "FINISH_TO_START",
            "on_failure": "FAIL",
        }


def test_what_becomes_of_an_operation_is_never_updated() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
        for fate in ({"state": "COMPLETED"}, {"outcome": "SUCCESS"}, {"finish_time": SOON}):
            with pytest.raises(ValueError, match="unsupported operation update fields"):
                dispatcher.update_operation(lift.id, fate)
        dispatcher.step()
        with pytest.raises(RuntimeError, match="cannot update a running operation"):
            dispatcher.update_operation(lift.id, {"priority": 1})
        dispatcher.complete_current()
        with pytest.raises(RuntimeError, match="cannot be updated"):
            dispatcher.update_operation(lift.id, {"priority": 1})
    with pytest.raises(ValueError, match="never updated"):
        OperationDispatcher(ROBOT, updatable_fields={"priority", "state"})
    with pytest.raises(ValueError, match="unsupported updatable fields"):
        OperationDispatcher(ROBOT, updatable_fields={"colour"})
    with OperationDispatcher(ROBOT, updatable_fields={"payload"}) as dispatcher:
        lift = dispatcher.add(op())
        with pytest.raises(ValueError, match=r"unsupported .*\['priority'\]"):
            dispatcher.update_operation(lift.id, priority=1)


def test_held_operations_and_jobs_wait_until_they_are_released() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op(job_id="night"))
        dispatcher.hold_operation(lift.id)
        assert dispatcher.step() is None
        dispatcher.release_operation(lift.id)
        dispatcher.hold_job("night")
        assert [block.cause for block in dispatcher.why(lift.id)] == [
            "resource_stopped",
            "job_held",
        ]
        dispatcher.release_job("night")
        assert dispatcher.step() is lift


def test_a_job_is_cancelled_as_a_whole() -> None:
    with OperationDispatcher(ROBOT, on_request_callback=lambda _: True) as dispatcher:
        first, second, other = (op(job_id="night"), op(job_id="night"), op())
        dispatcher.add_operations([first, second, other])
        assert sorted(one.created_at for one in dispatcher.cancel_job("night")) == [
            first.created_at,
            second.created_at,
        ]
        assert dispatcher.get_operations() == [other]
        with pytest.raises(RuntimeError, match="no operation of the job"):
            dispatcher.cancel_job("day")


# Dependencies


@pytest.mark.parametrize(
    ("on_failure", "outcome"),
    [(OnFailure.FAIL, ExecutionOutcome.FAILURE), (OnFailure.SKIP, ExecutionOutcome.CANCELLED)],
)
def test_what_depends_on_something_that_failed_does_not_start(
    on_failure: OnFailure, outcome: ExecutionOutcome
) -> None:
    with dispatching() as (dispatcher, told):
        first = op()
        second = op(priority=9, dependencies=[after(first, on_failure=on_failure)])
        dispatcher.add_operations([first, second])
        assert told.until(EventType.OPERATION_STARTED).operation_id == first.id
        dispatcher.fail_operation(first.id, TerminationReason.EXTERNAL_ERROR, error="jammed")
        deadline = time.monotonic() + 5
        while second.outcome is ExecutionOutcome.NONE and time.monotonic() < deadline:
            time.sleep(0.01)
        assert second.outcome is outcome
        assert second.termination_reason is TerminationReason.DEPENDENCY_FAILED
        assert told.types.count("started") == 1


def test_start_to_start_waits_for_the_start_alone() -> None:
    type = DependencyType.START_TO_START
    with OperationDispatcher(ROBOT) as dispatcher:
        first = op(release_date=datetime(2000, 1, 1, tzinfo=UTC))
        second = op(priority=9, dependencies=[after(first, dependency_type=type)])
        dispatcher.add_operations([second, first])
        assert dispatcher.step() is first
        assert [block.cause for block in dispatcher.why(second.id)][-1] == "resource_busy"


def test_circles_are_refused() -> None:
    first, second = op(), op()
    first.dependencies = [after(second)]
    second.dependencies = [after(first)]
    with OperationDispatcher(ROBOT) as dispatcher:
        with pytest.raises(ValueError, match="would depend on itself"):
            dispatcher.add_operations([first, second])
        with pytest.raises(ValueError, match="operation cannot depend on itself"):
            dispatcher.add(op(id=first.id, dependencies=[after(first)]))


# Ending, by both sets of names


def test_both_sets_of_names_work() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lifts = [dispatcher.add(op()) for _ in range(4)]
        assert dispatcher.step() is lifts[0]
        assert dispatcher.pause_current_operation()
        assert dispatcher.resume_current_operation()
        assert dispatcher.complete_current() is lifts[0]
        assert dispatcher.step() is lifts[1]
        assert dispatcher.fail_current() is lifts[1]
        assert lifts[1].termination_reason is TerminationReason.INTERNAL_ERROR
        assert dispatcher.cancel(lifts[2].id) is lifts[2]
        assert dispatcher.step() is lifts[3]
        assert dispatcher.cancel_operation(lifts[3].id, TerminationReason.TIMEOUT) is lifts[3]
        states = [one.state for one in lifts]
        assert states == [
            ExecutionState.COMPLETED,
            ExecutionState.FAILED,
            ExecutionState.CANCELLED,
            ExecutionState.CANCELLED,
        ]
        assert dispatcher.get_operations("FAILED") == [lifts[1]]
        assert lifts[3].termination_reason is TerminationReason.TIMEOUT


def test_what_does_not_go_on_cannot_be_ended_or_paused() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        first, second = dispatcher.add_operations([op(), op()])
        for call in (dispatcher.complete_operation, dispatcher.pause_operation):
            with pytest.raises(RuntimeError, match="no current operation"):
                call(first.id)
        for current in (dispatcher.complete_current, dispatcher.pause_current_operation):
            with pytest.raises(RuntimeError, match="no current operation"):
                current()
        dispatcher.step()
        with pytest.raises(RuntimeError, match="operation is not current"):
            dispatcher.fail_operation(second.id)
        with pytest.raises(RuntimeError, match="current operation is not paused"):
            dispatcher.resume_operation(first.id)
        assert dispatcher.resume_operation(first.id, enforce_paused_state=False) is False
        dispatcher.pause_operation(first.id)
        with pytest.raises(RuntimeError, match="current operation is not running"):
            dispatcher.pause_operation(first.id)
        assert dispatcher.cancel_operation(uuid4()) is None
        with pytest.raises(DispatcherError) as refused:
            dispatcher.heartbeat(second.id)
        assert refused.value.allowed == ("update", "hold", "release", "cancel")


def test_failures_are_tried_again_and_then_left_to_people() -> None:
    settings: dict[str, Any] = {
        "operation_retries": 1,
        "operation_retry_backoff_seconds": 0.01,
    }
    with dispatching(**settings) as (dispatcher, told):
        lift = dispatcher.add(op())
        told.until(EventType.OPERATION_STARTED)
        dispatcher.fail_operation(lift.id, error="jammed")
        told.until(EventType.OPERATION_STARTED, 2)
        assert lift.retry_count == 1
        dispatcher.fail_operation(lift.id, error="jammed")
        assert lift.state is ExecutionState.FAILED
        assert dispatcher.retry_operation(lift.id) is lift
        told.until(EventType.OPERATION_STARTED, 3)


def test_a_silent_executor_is_lost_and_a_long_run_is_told() -> None:
    with dispatching(heartbeat_seconds=0.3) as (dispatcher, told):
        lift = dispatcher.add(op(planned_duration=50))
        told.until(EventType.OPERATION_OVERRAN)
        dispatcher.report_progress(lift.id, 0.5, "half way")
        failed = told.until(EventType.OPERATION_FAILED)
        assert lift.termination_reason is TerminationReason.EXTERNAL_ERROR
        assert "no sign of life" in failed.meta_data["error"]


def test_what_runs_too_long_fails_by_timeout() -> None:
    with dispatching(timeout_factor=2) as (dispatcher, told):
        lift = dispatcher.add(op(planned_duration=50))
        told.until(EventType.OPERATION_FAILED)
        assert lift.termination_reason is TerminationReason.TIMEOUT


def test_a_due_date_that_passes_is_told_once() -> None:
    with dispatching() as (dispatcher, told):
        dispatcher.add(op(due_date=datetime.now(UTC) + timedelta(milliseconds=50)))  # noqa: TID251
        told.until(EventType.OPERATION_OVERDUE)
        time.sleep(0.1)
        assert told.types.count("overdue") == 1


# Looking


def test_the_state_says_what_goes_on() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        assert dispatcher.get_state() == OperationDispatcherState(resource_id=ROBOT)
        first, _ = dispatcher.add_operations([op(), op()])
        dispatcher.start()
        deadline = time.monotonic() + 5
        while dispatcher.current_operation is None and time.monotonic() < deadline:
            time.sleep(0.01)
        state = dispatcher.state
        assert (state.is_running, state.is_paused, state.queue_size) == (True, False, 1)
        assert state.current_operation == first
        assert state.uptime_seconds is not None
        assert 0 <= state.uptime_seconds < 10


def test_an_execution_is_what_became_of_an_operation() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
        execution = dispatcher.get_execution(lift.id)
        assert execution is not None
        assert (execution.operation_id, execution.state) == (lift.id, ExecutionState.QUEUED)
        [added] = dispatcher.get_events(lift.id)
        assert added.execution_id == execution.id
        assert dispatcher.get_execution(uuid4()) is None


def test_whoever_wants_to_know_why_is_told() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op(release_date=SOON))
        assert [block.line for block in dispatcher.why(lift.id)] == [
            "the dispatcher is stopped",
            "it is released at 2100-01-01T00:00:00+00:00",
        ]
        with pytest.raises(LookupError):
            dispatcher.why(uuid4())


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"poll_interval_seconds": 0}, "poll_interval_seconds must be greater than 0"),
        ({"start_request_max_retries": 0}, "start_request_max_retries must be greater than 0"),
        (
            {"start_request_retry_cooldown_seconds": -1},
            "start_request_retry_cooldown_seconds must be non-negative",
        ),
        ({"request_event_timeout_seconds": float("nan")}, "must be greater than 0"),
        ({"default_planned_duration": 0}, "default_planned_duration must be greater than 0"),
        ({"default_planned_duration": 1.5}, "must be a whole number"),
        ({"dispatch_queue_sort_rules": []}, "sort_rules must contain at least one rule"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        OperationDispatcher(ROBOT, **settings)


def test_events_are_told_of_in_the_log_of_whoever_asks_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "cell")
    told = Told()
    with OperationDispatcher(
        ROBOT, logger=logging.getLogger("cell"), on_notification_callback=told
    ) as dispatcher:
        lift = dispatcher.add(op())
        dispatcher.pause()
    assert [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "cell"] == [
        ("DEBUG", f"robot-1 operation_added operation_id={lift.id}"),
        ("WARNING", "robot-1 operation_dispatcher_paused"),
    ]
