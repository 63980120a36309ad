"""What does not fit a request, in the documented words."""

from typing import Any

import pytest

from pointsman.api.rest.refusals import ADD, SHOWN, UPDATE, refusal


def error(kind: str, *place: str | int, said: str = "Input should be right") -> dict[str, Any]:
    """As pydantic tells of it."""
    return {"type": kind, "loc": place, "msg": said}


@pytest.mark.parametrize(
    ("route", "found", "code"),
    [
        (ADD, error("list_type", "body"), "invalid_operations"),
        (ADD, error("too_short", "body"), "missing_operations"),
        (ADD, error("missing", "body", 0, "payload"), "missing_payload"),
        (ADD, error("dict_type", "body", 0, "payload"), "invalid_payload"),
        (ADD, error("extra_forbidden", "body", 0, "resource_id"), "resource_id_not_allowed"),
        (ADD, error("extra_forbidden", "body", 0, "priorty"), "invalid_operation"),
        (UPDATE, error("missing", "body"), "invalid_updates"),
        ("cancel_operation", error("dict_type", "body", "meta_data"), "invalid_meta_data"),
        ("fail_operation", error("missing", "body", "reason"), "invalid_request_body"),
        ("get_history", error("int_parsing", "query", "limit"), "invalid_limit"),
        ("stream_events", error("int_parsing", "header", "last-event-id"), "invalid_last_event_id"),
    ],
)
def test_each_mistake_has_its_word(route: str, found: dict[str, Any], code: str) -> None:
    assert (refusal(route, [found]).status, refusal(route, [found]).code) == (400, code)


def test_the_line_names_the_place_and_what_would_fit() -> None:
    found = error("int_type", "body", 2, "priority", said="Input should be a valid integer")
    problem = refusal(ADD, [found])
    assert problem.line == "2.priority: input should be a valid integer"
    assert problem.details == {"index": 2, "field": "priority"}


def test_a_query_and_a_header_that_make_no_sense_are_named_for_programs_too() -> None:
    query = refusal("get_history", [error("int_parsing", "query", "limit")])
    assert query.details == {"field": "limit"}
    header = refusal("hold_operation", [error("too_short", "header", "x-actor")])
    assert header.details == {"field": "x-actor"}


def test_whoever_gets_a_choice_wrong_is_told_the_choices() -> None:
    problem = refusal("list_operations", [error("enum", "query", "state")])
    assert problem.details
    assert problem.details["valid_states"][0] == "QUEUED"
    problem = refusal("cancel_operation", [error("enum", "body", "termination_reason")])
    assert problem.details
    assert "TIMEOUT" in problem.details["valid_termination_reasons"]
    assert problem.line.startswith("termination_reason: USER_REQUEST, TIMEOUT, ")
    assert problem.line.endswith("INTERNAL_ERROR or EXTERNAL_ERROR would work")


def test_a_name_that_somebody_made_up_is_shown_in_part_and_on_one_line() -> None:
    problem = refusal("cancel_operation", [error("extra_forbidden", "body", "x\n" * SHOWN)])
    assert "\n" not in problem.line
    assert problem.details
    assert len(problem.details["field"]) == SHOWN
