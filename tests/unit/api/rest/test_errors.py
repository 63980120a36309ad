"""What went wrong, in one shape, and with what would work."""

import json
import logging
from typing import Any

import pytest

from pointsman.api.keys import Forbidden, Unauthenticated
from pointsman.api.rest.errors import LINE_LIMIT, Problem, problem_of, response_of
from pointsman.core.entity import Rejected
from pointsman.journal import Fenced, Unknown
from pointsman.operations.checks import Conflict, Invalid, NotFound
from pointsman.operations.model import Phase
from pointsman.runtime.ask import Overloaded


def body_of(problem: Problem) -> Any:  # noqa: ANN401  Any JSON.
    return json.loads(bytes(response_of(problem).body))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Problem(418, "teapot", "no coffee"), 418, "teapot"),
        (Conflict("not_running", "it is stopped"), 409, "not_running"),
        (Invalid("priority is 5"), 400, "invalid_request"),
        (NotFound("there is none"), 404, "not_found"),
        (Rejected("no"), 409, "rejected"),
        (Unauthenticated("key is missing"), 401, "unauthenticated"),
        (Forbidden("you may not"), 403, "forbidden"),
        (Overloaded("too many wait"), 429, "overloaded"),
        (Fenced("another one owns it"), 503, "unavailable"),
        (Unknown("it was stopped"), 503, "unavailable"),
    ],
)
def test_each_error_that_is_expected_has_its_status_and_says_its_line(
    error: Exception, status: int, code: str
) -> None:
    problem = problem_of(error, "POST /operations/add")
    assert (problem.status, problem.code, problem.line) == (status, code, str(error))
    body = body_of(problem)
    assert body == {"error": str(error), "message": str(error), "code": code}


def test_a_conflict_says_the_state_that_was_met_and_what_is_allowed() -> None:
    conflict = Conflict("not_paused", "it runs", phase=Phase.RUNNING, allowed=("pause",))
    body = body_of(problem_of(conflict, ""))
    assert body["details"] == {"state": "RUNNING", "allowed": ["pause"]}


def test_what_may_work_later_says_when() -> None:
    for error in (Overloaded("too many"), Fenced("gone"), Unknown("gone")):
        assert response_of(problem_of(error, "")).headers["retry-after"] == "1"


def test_an_error_of_ours_is_logged_and_told_to_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        problem = problem_of(KeyError("secret"), "GET /operations")
    assert (problem.status, problem.code) == (500, "internal_error")
    assert "secret" not in problem.line
    assert caplog.records[0].exc_info


def test_a_line_is_not_endless_and_quotes_whatever_it_must() -> None:
    body = body_of(Problem(400, "x", "\ud800" + "y" * LINE_LIMIT))
    assert len(body["error"]) == LINE_LIMIT + 1
    assert body["error"].startswith("\ud800y")
