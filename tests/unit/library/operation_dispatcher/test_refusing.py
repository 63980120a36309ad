"""What is of no fitting kind is refused before it happened, for what happened is kept for ever."""

from typing import Any

import pytest

from pointsman.operation_dispatcher import OperationDispatcher
from tests.unit.library.operation_dispatcher.given import ROBOT, op


@pytest.mark.parametrize(
    ("call", "positional", "named", "line"),
    [
        ("complete_operation", ["well done"], {}, "meta_data is 'well done': a dict would work"),
        ("fail_operation", [], {"meta_data": 5}, "meta_data is 5: a dict would work"),
        ("fail_operation", [], {"error": 5}, "error is 5: text would work"),
        ("fail_operation", [], {"error_code": 5}, "error_code is 5: text would work"),
        ("resume_operation", [], {"meta_data": [1]}, "meta_data is"),
        ("cancel_operation", [], {"meta_data": "ann"}, "meta_data is 'ann'"),
        ("update_operation", [{"priority": 2}, "ann"], {}, "meta_data is 'ann'"),
        ("update_operation", [5], {}, "updates is 5: a dict would work"),
        ("report_progress", ["half"], {}, "fraction is 'half': a number would work"),
        ("report_progress", [True], {}, "fraction is True: a number would work"),
        ("report_progress", [10**400], {}, "0 to 1 are allowed"),
        ("report_progress", [0.5], {"note": 5}, "note is 5: text would work"),
    ],
)
def test_a_call_with_arguments_of_another_kind_leaves_no_trace(
    call: str, positional: list[Any], named: dict[str, Any], line: str
) -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
        dispatcher.step()
        dispatcher.pause_operation(lift.id)
        before = dispatcher.get_events()
        with pytest.raises(ValueError, match=line):
            getattr(dispatcher, call)(lift.id, *positional, **named)
        assert dispatcher.get_events() == before


@pytest.mark.parametrize("call", ["add_operation", "add_operations"])
def test_what_comes_with_an_operation_is_a_mapping(call: str) -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        given: Any = op() if call == "add_operation" else [op()]
        with pytest.raises(ValueError, match="meta_data is 'ann': a dict would work"):
            getattr(dispatcher, call)(given, meta_data="ann")
        assert dispatcher.get_events() == []


@pytest.mark.parametrize("given", [None, "lift", {"resource_id": ROBOT}])
def test_only_an_operation_can_be_added(given: Any) -> None:  # noqa: ANN401
    with (
        OperationDispatcher(ROBOT) as dispatcher,
        pytest.raises(ValueError, match="an Operation would work"),
    ):
        dispatcher.add(given)


@pytest.mark.parametrize("call", ["hold_job", "release_job", "cancel_job"])
def test_a_job_is_named_by_text(call: str) -> None:
    with (
        OperationDispatcher(ROBOT) as dispatcher,
        pytest.raises(ValueError, match="job_id is 5: text would work"),
    ):
        getattr(dispatcher, call)(5)


def test_a_resource_is_named_by_text() -> None:
    given: Any = 5
    with pytest.raises(ValueError, match="resource_id is 5: text would work"):
        OperationDispatcher(given)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"request_event_timeout_seconds": 1e9}, "request_event_timeout_seconds must be at most"),
        ({"heartbeat_seconds": 1e9}, "heartbeat_seconds must be at most 315360000"),
        ({"start_request_max_retries": 10**7}, "start_request_max_retries must be at most"),
        ({"finished_kept": 10**7}, "finished_kept must be at most 1000000"),
        ({"dispatch_queue_sort_rules": [5]}, "sort_rules hold a int: a SortRule would work"),
        ({"on_request_callback": 5}, "a callback is 5: a function would work"),
        ({"on_notification_callback": "print"}, "a callback is 'print': a function would work"),
        ({"on_history_callback": []}, "a function would work"),
    ],
)
def test_what_nobody_could_live_by_is_refused_by_its_name(
    settings: dict[str, Any], line: str
) -> None:
    with pytest.raises(ValueError, match=line):
        OperationDispatcher(ROBOT, **settings)
