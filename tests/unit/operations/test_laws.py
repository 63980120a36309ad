"""A resource keeps the laws of every entity, and some of its own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from pointsman.core.entity import Forgotten
from pointsman.operations import OPERATIONS
from pointsman.operations.facts import AboutOperation, Requested, Started, Starting
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    CancelJob,
    Complete,
    Configure,
    Confirm,
    Fail,
    Heartbeat,
    Hold,
    HoldJob,
    New,
    Pause,
    PauseResource,
    ReportProgress,
    Resume,
    ResumeResource,
    Retry,
    StartResource,
    StopResource,
    Update,
)
from pointsman.operations.model import (
    ACTIVE,
    Ask,
    Dependency,
    DependencyType,
    OnFailure,
    Reason,
    Work,
)
from pointsman.operations.policy import (
    DEFAULT_ORDER,
    Policy,
    SortDirection,
    SortField,
    SortRule,
)
from tests.laws import EntityLaws
from tests.unit.operations.given import at

IDS = st.sampled_from(["a", "b", "c"])
INSTANTS = st.none() | st.integers(0, 600).map(lambda seconds: at(8, 0, seconds))
DEPENDENCIES = st.just(()) | st.builds(
    Dependency, IDS, st.sampled_from(DependencyType), st.sampled_from(OnFailure)
).map(lambda one: (one,))
JOBS = st.sampled_from(["one", "two"])
FIELDS = {
    "priority": st.integers(-1, 2),
    "release_date": INSTANTS,
    "due_date": INSTANTS,
    "planned_duration": st.none() | st.just(timedelta(seconds=90)),
    "job_id": st.none() | JOBS,
    "dependencies": DEPENDENCIES,
}
WORK = st.builds(Work, st.just({}), st.just(at(7)), **FIELDS)
SECONDS = st.integers(0, 120).map(lambda seconds: timedelta(seconds=seconds))
POLICIES = st.builds(
    Policy,
    ask=st.booleans(),
    answer_within=SECONDS,
    cooldown=SECONDS,
    pause_after_denials=st.none() | st.integers(1, 3),
    confirms=st.booleans(),
    confirm_within=SECONDS,
    heartbeat=st.none() | st.just(timedelta(seconds=45)),
    timeout_factor=st.none() | st.just(2.0),
    retries=st.integers(0, 2),
    order=st.sampled_from(
        [DEFAULT_ORDER, (SortRule(SortField.PRIORITY, SortDirection.DESC, none_last=False),)]
    ),
    finished_kept=st.integers(0, 2),
)


class OperationsLaws(EntityLaws):
    entity = OPERATIONS.entity
    start = at(8)
    adding = st.builds(Add, st.builds(New, IDS, WORK).map(lambda new: (new,)))
    answering = st.builds(Answer, IDS, st.integers(1, 3), st.sampled_from([True, True, False]))
    controlling = st.sampled_from([Pause, Resume, Cancel, Retry]).flatmap(
        lambda kind: st.builds(kind, IDS)
    )
    reporting = st.sampled_from([Confirm, Confirm, Complete, Fail, Heartbeat]).flatmap(
        lambda kind: st.builds(kind, IDS)
    )
    intents = st.one_of(
        adding,
        adding,
        answering,
        answering,
        controlling,
        reporting,
        reporting,
        st.builds(Add, st.lists(st.builds(New, IDS, WORK), max_size=3).map(tuple)),
        st.builds(Update, IDS, st.fixed_dictionaries({}, optional=FIELDS)),
        st.builds(Hold, IDS, st.booleans()) | st.builds(HoldJob, JOBS, st.booleans()),
        st.builds(Fail, IDS, st.sampled_from(Reason)) | st.builds(CancelJob, JOBS),
        st.builds(ReportProgress, IDS, fraction=st.sampled_from([0.0, 0.5, 2.0])),
        st.sampled_from([StartResource(), StopResource(), PauseResource(), ResumeResource()]),
    )

    @initialize(policy=POLICIES)
    def its_owner_begins(self, policy: Policy) -> None:
        self.apply(self.decide(Configure(policy)))
        self.apply(self.decide(StartResource()))

    @rule(policy=POLICIES)
    @precondition(lambda self: self.now > at(8, 40))
    def its_owner_begins_anew(self, policy: Policy) -> None:
        self.apply(self.decide(Configure(policy)))

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[tuple[str, int], Requested] = {}
        self.starts: dict[tuple[str, int], int] = {}

    def apply(self, facts: Sequence[Any]) -> None:
        for fact in facts:
            match fact:
                case Requested(operation) if operation.asks is Ask.START:
                    assert operation.request is not None
                    self.asked[operation.id, operation.request.number] = fact
                case Started(operation, before) | Starting(operation, before):
                    if before not in ACTIVE:
                        self.was_approved(operation.id, operation.requests)
        super().apply(facts)

    def was_approved(self, id: str, number: int) -> None:
        requested = self.asked.pop((id, number), None)
        assert requested is not None, "what starts was asked for, and starts once for that"
        assert requested.operation.work == self.state.operations[id].work or (
            requested.operation.id not in self.state.operations
        )

    @invariant()
    def one_at_a_time(self) -> None:
        active = [one for one in self.state.operations.values() if one.phase in ACTIVE]
        assert [one.id for one in active] == [id for id in [self.state.active] if id]

    @invariant()
    def nothing_that_is_known_is_lost(self) -> None:
        things = {thing for thing, fact in self.last.items() if isinstance(fact, AboutOperation)}
        assert things == set(self.state.operations)
        assert not any(isinstance(fact, Forgotten) for fact in self.last.values())


TestOperations = OperationsLaws.TestCase
