"""What may be said over REST, and what it means to the rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.api.rest.bodies import Cancellation, Changes, Decision, Failure, NewOperation
from pointsman.operations.checks import UPDATABLE
from pointsman.operations.model import Dependency, DependencyType, OnFailure, Reason, Work

LIFT = "123e4567-e89b-12d3-a456-426614174000"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_an_operation_is_what_was_said_of_it_and_no_more() -> None:
    assert NewOperation(payload={"task": "pickup"}).work(NOW) == Work({"task": "pickup"}, NOW)
    said = NewOperation.model_validate(
        {
            "payload": {},
            "job_id": "pallets",
            "priority": -3,
            "release_date": "2026-01-01T12:00:00",
            "due_date": "2026-01-01T15:00:00+02:00",
            "planned_duration": 1500,
            "dependencies": [{"depends_on_operation_id": LIFT, "on_failure": "SKIP"}],
        }
    )
    assert said.work(NOW) == Work(
        {},
        NOW,
        -3,
        NOW,
        NOW + timedelta(hours=1),
        timedelta(seconds=1.5),
        "pallets",
        (Dependency(LIFT, DependencyType.FINISH_TO_START, OnFailure.SKIP),),
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-01-01T12:00:00", NOW),
        ("2026-01-01T12:00:00Z", NOW),
        ("2026-01-01T17:30:00+05:30", NOW),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_in_utc_and_one_without_a_zone_is_meant_so(
    text: str, right: datetime
) -> None:
    assert NewOperation.model_validate({"payload": {}, "due_date": text}).due_date == right


def test_only_what_is_named_is_changed() -> None:
    assert Changes.model_validate({}).values() == {}
    said: dict[str, Any] = {"priority": 3, "planned_duration": 1, "job_id": None}
    said["dependencies"] = []
    assert Changes.model_validate(said).values() == {
        "priority": 3,
        "planned_duration": timedelta(milliseconds=1),
        "job_id": None,
        "dependencies": (),
    }


def test_each_field_that_may_be_changed_can_be_named_and_no_other() -> None:
    assert set(Changes.model_fields) == set(UPDATABLE)
    with pytest.raises(ValidationError):
        Changes.model_validate({"state": "COMPLETED"})


def test_a_reason_is_a_word_or_a_line() -> None:
    assert Failure(reason="TIMEOUT").meant() == (Reason.TIMEOUT, "")
    assert Failure(reason="jammed").meant() == (Reason.EXTERNAL_ERROR, "jammed")
    assert Failure(reason="NONE").meant() == (Reason.EXTERNAL_ERROR, "NONE")


def test_by_default_it_is_the_user_who_cancels() -> None:
    assert Cancellation().termination_reason is Reason.USER_REQUEST
    with pytest.raises(ValidationError, match="NONE is no reason"):
        Cancellation.model_validate({"termination_reason": "NONE"})


@pytest.mark.parametrize("accepted", [1, 0, "true", "yes", None])
def test_only_yes_is_yes(accepted: Any) -> None:  # noqa: ANN401  Any JSON.
    with pytest.raises(ValidationError):
        Decision.model_validate({"accepted": accepted})
