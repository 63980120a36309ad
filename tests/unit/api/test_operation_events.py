"""Events: facts with a number and an id that stay, whatever they are about."""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import pytest

from pointsman.api.operation_events import Event, Numbering
from pointsman.core.entity import Forgotten
from pointsman.core.values import replace
from pointsman.operations.events import EventType
from pointsman.operations.facts import (
    Fact,
    Failed,
    JobChanged,
    Requested,
    ResourcePaused,
    Started,
)
from pointsman.operations.model import Ask, Ending, Operation, Phase, Reason, Request, Work
from pointsman.operations.policy import Header, Job
from pointsman.runtime.codec import Happened

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENTITY = "operations/mill/robot"
LIFT = Operation("lift", 1, Work({}, NOON), NOON, phase=Phase.RUNNING, start_time=NOON)
NUMBERING = Numbering("journal-1", {ENTITY: "robot"})


def event(fact: Fact, seq: int = 7) -> Event | None:
    return NUMBERING.event(seq, Happened(ENTITY, fact, NOON))


def test_an_id_is_made_of_the_journal_and_the_place_in_it() -> None:
    space = uuid5(NAMESPACE_URL, "urn:pointsman:journal:journal-1")
    told = event(Started(LIFT, Phase.QUEUED), 4_711)
    assert told
    assert (told.seq, told.id) == (4_711, uuid5(space, "4711"))


def test_an_event_says_whose_it_is_by_whom_and_what_has_changed() -> None:
    told = event(Started(LIFT, Phase.QUEUED, "ann", {"why": "so"}))
    assert told
    assert (told.resource_id, told.operation_id, told.operation) == ("robot", "lift", LIFT)
    assert (told.by, told.meta, told.at) == ("ann", {"why": "so"}, NOON)
    assert [change.field for change in told.changes] == ["state", "start_time"]
    assert told.documented


def test_a_failure_says_why_beside_what_was_said_with_it() -> None:
    why = Ending(Phase.FAILED, Reason.EXTERNAL_ERROR, "jammed", "E42")
    failed = replace(LIFT, phase=Phase.FAILED, ending=why)
    told = event(Failed(failed, Phase.RUNNING, "ann", {"shift": 2}))
    assert told
    assert told.meta == {"shift": 2, "error": "jammed", "error_code": "E42"}


@pytest.mark.parametrize(
    ("fact", "type"),
    [
        (ResourcePaused(Header(paused=True)), EventType.OPERATION_DISPATCHER_PAUSED),
        (JobChanged(Job("day", held=True)), EventType.JOB_HELD),
    ],
)
def test_what_is_about_no_operation_names_none(fact: Fact, type: EventType) -> None:
    told = event(fact)
    assert told
    assert (told.type, told.operation_id, told.operation) == (type, None, None)
    assert told.documented is (type is EventType.OPERATION_DISPATCHER_PAUSED)


def test_a_request_is_told_as_what_it_asks_for() -> None:
    request = Request(1, Ask.PAUSE, NOON, NOON)
    asked = Operation("lift", 1, Work({}, NOON), NOON, phase=Phase.RUNNING, request=request)
    told = event(Requested(asked))
    assert told
    assert told.type is EventType.OPERATION_PAUSE_REQUESTED


def test_forgetting_is_no_event() -> None:
    assert event(Forgotten("lift")) is None
