"""A resource keeps the laws of every entity, and some of its own."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from pointsman.core.entity import Forgotten, Rejected
from pointsman.operations import OPERATIONS
from pointsman.operations.facts import AboutOperation, Requested, Started, Starting, Updated
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
    Retime,
    Retry,
    StartResource,
    StopResource,
    TakeTurn,
    Update,
)
from pointsman.operations.model import (
    ACTIVE,
    ENDED,
    Ask,
    Dependency,
    DependencyType,
    OnFailure,
    Phase,
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
from pointsman.operations.why import blocked_by
from tests.laws import EntityLaws
from tests.unit.operations.given import at

IDS = st.sampled_from(["a", "b", "c"])
INSTANTS = st.none() | st.integers(0, 600).map(lambda seconds: at(8, 0, seconds))
DEPENDENCY = st.builds(Dependency, IDS, st.sampled_from(DependencyType), st.sampled_from(OnFailure))
DEPENDENCIES = st.just(()) | st.lists(DEPENDENCY, min_size=1, max_size=2).map(tuple)
JOBS = st.sampled_from(["one", "two"])
PARTS = st.lists(IDS, max_size=3).map(tuple)
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
SOME_SECONDS = st.integers(1, 120).map(lambda seconds: timedelta(seconds=seconds))
POLICIES = st.builds(
    Policy,
    ask=st.booleans(),
    answer_within=SOME_SECONDS,
    cooldown=SECONDS,
    pause_after_denials=st.none() | st.integers(1, 3),
    confirms=st.booleans(),
    confirm_within=SOME_SECONDS,
    heartbeat=st.none() | st.just(timedelta(seconds=45)),
    timeout_factor=st.none() | st.just(2.0),
    retries=st.integers(0, 2),
    backoff=SECONDS,
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
        lambda kind: st.builds(kind, IDS, attempt=st.sampled_from([None, None, 1, 2]))
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
        st.builds(Fail, IDS, st.sampled_from(Reason)) | st.builds(CancelJob, JOBS, PARTS),
        st.builds(Confirm, IDS, st.sampled_from(Phase)) | st.builds(Cancel, IDS),
        st.builds(ReportProgress, IDS, fraction=st.sampled_from([0.0, 0.5, 2.0])),
        st.sampled_from([StartResource(), StopResource(), PauseResource(), ResumeResource()]),
        st.sampled_from([StartResource(paused=True), ResumeResource(), TakeTurn()]),
        st.builds(Retime, st.integers(-90, 90).map(lambda seconds: timedelta(seconds=seconds))),
    )

    @initialize(policy=POLICIES)
    def its_owner_begins(self, policy: Policy) -> None:
        self.apply(self.decide(Configure(policy)))
        self.apply(self.decide(StartResource()))

    @rule(policy=POLICIES)
    @precondition(lambda self: self.now > at(8, 40))
    def its_owner_begins_anew(self, policy: Policy) -> None:
        self.apply(self.decide(Configure(policy)))

    @rule(accepted=st.sampled_from([True, True, False]), seconds=st.integers(0, 150))
    @precondition(lambda self: self.state.asking is not None)
    def somebody_answers(self, *, accepted: bool, seconds: int) -> None:
        """What is asked, and sometimes too late."""
        request = self.state.operations[self.state.asking].request
        self.now += timedelta(seconds=seconds)
        with suppress(Rejected):
            self.apply(self.decide(Answer(self.state.asking, request.number, accepted)))

    @rule()
    def somebody_takes_a_turn(self) -> None:
        self.apply(self.decide(TakeTurn()))

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[tuple[str, int], Requested] = {}
        self.after_update = set[str]()
        """Those that were paused when they were given other dependencies."""

    def decide(self, intent: object) -> Sequence[Any]:
        facts = super().decide(intent)
        if isinstance(intent, Answer):
            request = self.state.operations[intent.id].request
            assert request is not None
            assert request.number == intent.number, "it was asked for"
            assert self.now < request.answer_by, "in time"
        return facts

    def apply(self, facts: Sequence[Any]) -> None:
        for fact in facts:
            match fact:
                case Requested(operation) if operation.asks is Ask.START:
                    assert operation.request is not None
                    self.asked[operation.id, operation.request.number] = fact
                case Updated(operation) if operation.phase in ACTIVE:
                    self.after_update.add(operation.id)
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
        """Nor is anything else known."""
        things = {thing for thing, fact in self.last.items() if isinstance(fact, AboutOperation)}
        assert things == set(self.state.operations)
        assert not any(isinstance(fact, Forgotten) for fact in self.last.values())

    @invariant()
    def each_has_one_place(self) -> None:
        """And what is in no agenda is kept by something that has a name."""
        state = self.state
        for id, one in state.operations.items():
            agendas = (state.ready, state.later, state.doomed)
            places = [any(key == id for _, key in agenda.in_order()) for agenda in agendas]
            places += [id in state.ended, id in state.quarantined, id == state.active]
            assert sum(places) <= 1
            if not any(places):
                assert blocked_by(state, one, self.now)
        assert state.queued == sum(one.phase is Phase.QUEUED for one in state.operations.values())
        spent = {id for _, id in state.spent.in_order()}
        assert spent == {id for id in state.ended if id not in state.dependents}

    @invariant()
    def who_waits_for_leave_is_not_ended(self) -> None:
        for one in self.state.operations.values():
            if one.request is not None:
                assert one.phase not in ENDED
                assert one.asks is not Ask.START or one.id == self.state.asking
                assert (one.asks is Ask.START) <= (one.phase is Phase.QUEUED)

    @invariant()
    def nobody_is_asked_while_something_goes_on(self) -> None:
        assert self.state.active is None or self.state.asking is None

    @invariant()
    def nothing_starts_before_what_it_depends_on(self) -> None:
        if (active := self.state.active) is not None and active not in self.after_update:
            assert not any(self.state.unmet(self.state.operations[active]))

    @invariant()
    def times_are_in_order(self) -> None:
        for one in self.state.operations.values():
            if one.phase in ENDED and one.start_time and one.finish_time:
                assert one.start_time <= one.finish_time


TestOperations = OperationsLaws.TestCase
