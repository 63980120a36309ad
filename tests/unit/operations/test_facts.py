"""Facts of operations go to bytes and back, whatever they hold."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.entity import Forgotten
from pointsman.journal import RECORD_LIMIT
from pointsman.operations import OPERATIONS, facts
from pointsman.operations.checks import (
    BY_LENGTH_MOST,
    DEPENDENCIES_MOST,
    DURATION_MOST,
    ID_LENGTH_MOST,
    INTEGER_MOST,
    JOB_ID_LENGTH_MOST,
    META_BYTES,
    PAYLOAD_BYTES,
    TEXT_LENGTH_MOST,
    check_work,
)
from pointsman.operations.facts import Fact, job_of
from pointsman.operations.intents import Add, Answer, Cancel, Fail, ReportProgress, Update
from pointsman.operations.model import (
    Dependency,
    DependencyType,
    Ending,
    OnFailure,
    Operation,
    Progress,
    Reason,
    Request,
    Work,
)
from pointsman.operations.policy import Header, Job, Policy
from pointsman.runtime.codec import Codec
from tests.unit.operations.given import Story, at, new

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IDS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
NUMBERS = st.integers(0, 1_000)
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DURATIONS = st.timedeltas(timedelta(microseconds=1), DURATION_MOST)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MOST, INTEGER_MOST) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
DEPENDENCIES = st.builds(
    Dependency, IDS, st.sampled_from(DependencyType), st.sampled_from(OnFailure)
)
WORK = st.builds(
    Work,
    OBJECTS,
    INSTANTS,
    priority=st.integers(-INTEGER_MOST, INTEGER_MOST),
    release_date=st.none() | INSTANTS,
    planned_duration=st.none() | DURATIONS,
    job_id=st.none() | st.text(string.printable.strip(), min_size=1, max_size=20),
    dependencies=st.lists(DEPENDENCIES, max_size=3).map(tuple),
)
REQUESTS = st.builds(Request, by=TEXT, meta=OBJECTS, asked_at=INSTANTS, answer_by=INSTANTS)
OPERATION = st.builds(
    Operation,
    IDS,
    NUMBERS,
    WORK,
    INSTANTS,
    held=st.booleans(),
    request=st.none() | REQUESTS,
    start_time=st.none() | INSTANTS,
    ran=DURATIONS,
    progress=st.none() | st.builds(Progress, INSTANTS, st.floats(0, 1), TEXT),
    ending=st.none() | st.builds(Ending, error=TEXT, result=JSON),
    failure=TEXT,
)
HEADERS = st.builds(
    Header, st.builds(Policy, order=st.just(Policy().order)), st.none() | INSTANTS, why=TEXT
)


def some(fact: type[Any]) -> st.SearchStrategy[Any]:
    if fact is Forgotten:
        return st.builds(Forgotten, IDS)
    if fact is facts.JobChanged:
        return st.builds(fact, st.builds(Job, TEXT.filter(bool), st.booleans()), TEXT, OBJECTS)
    if issubclass(fact, facts.AboutResource):
        return st.builds(fact, HEADERS, TEXT, OBJECTS)
    also: dict[str, st.SearchStrategy[Any]] = {}
    if issubclass(fact, facts.AboutRequest):
        also["request"] = st.none() | REQUESTS
    if fact is facts.Updated:
        also["old"] = st.none() | WORK
    return st.builds(fact, OPERATION, by=TEXT, meta=OBJECTS, **also)


@pytest.mark.parametrize("fact", get_args(Fact))
def test_a_fact_reads_as_it_was_written(fact: type[Any]) -> None:
    codec = Codec([OPERATIONS])

    @settings(max_examples=10)
    @given(some(fact))
    def round_trips(one: Any) -> None:  # noqa: ANN401
        key, data = codec.record("operations/depot/robot", one, at(8))
        if fact is Forgotten:
            assert data == b""
            return
        assert codec.decode(key, data) == ("operations/depot/robot", one, at(8))

    round_trips()


@settings(max_examples=50)
@given(WORK)
def test_all_work_that_is_made_here_would_be_taken_in(work: Work) -> None:
    check_work(work)


def test_the_largest_facts_fit_into_the_journal() -> None:
    """Though all that is sent is as long as it may be, in characters that take six bytes."""
    text, meta = "\x01" * TEXT_LENGTH_MOST, {"m": "x" * (META_BYTES - 20)}
    said: dict[str, Any] = {"by": "\x01" * BY_LENGTH_MOST, "meta": meta}
    story = Story(retries=9)
    ids = [f"{n:0{ID_LENGTH_MOST}}" for n in range(DEPENDENCIES_MOST)]
    story.ask(Add(tuple(new(id) for id in ids)))
    payloads = [{"p": letter * (PAYLOAD_BYTES - 20)} for letter in "ab"]
    starts = [Dependency(id, DependencyType.START_TO_START, OnFailure.WAIT) for id in ids]
    story.add("lift", payload=payloads[0], priority=9, job_id="ä" * JOB_ID_LENGTH_MOST)
    story.wake()
    story.ask(Answer("lift", 1, True, text, meta, **said))
    story.ask(ReportProgress("lift", 0.5, text, **said))
    story.ask(Fail("lift", Reason.INTERNAL_ERROR, text, text, **said))
    story.ask(Cancel("lift", **said))
    story.ask(Update("lift", {"dependencies": tuple(starts)}, **said))
    story.ask(Update("lift", {"payload": payloads[1]}, **said))
    story.ask(Answer("lift", story["lift"].requests, False, text, meta, **said))
    codec = Codec([OPERATIONS])
    longest = max(len(codec.record("operations/a/b", fact, at(8))[1]) for fact in story.facts)
    assert 700_000 < longest < RECORD_LIMIT


@pytest.mark.parametrize("id", ["one", "a b", "ä/~%", "job", "job~x"])
def test_a_job_is_told_apart_from_every_operation(id: str) -> None:
    assert job_of(facts.JobChanged(Job(id)).thing) == id


@pytest.mark.parametrize("thing", ["job", "job-one", "lift", ""])
def test_an_operation_is_no_job(thing: str) -> None:
    assert job_of(thing) is None
