"""What was journaled of operations for a golden file: each thing that can happen, at least once.

python -m tests.golden.operations_story      writes a new one; an old one is never changed
"""

from datetime import timedelta

from pointsman.journal import Record
from pointsman.operations import OPERATIONS, resource_id
from pointsman.operations.intents import (
    Answer,
    Cancel,
    Complete,
    Configure,
    Confirm,
    Fail,
    Heartbeat,
    Hold,
    HoldJob,
    Pause,
    PauseResource,
    ReportProgress,
    Resume,
    ResumeResource,
    Retime,
    StartResource,
    StopResource,
    Update,
)
from pointsman.operations.model import Dependency, DependencyType, OnFailure, Reason
from pointsman.operations.policy import Policy, SortDirection, SortField, SortRule
from pointsman.runtime.codec import Codec
from tests.golden.replay import write
from tests.unit.operations.given import SECOND, Story, at

GOLDEN = "operations-0.3-short.jsonl"
WHOLE = "operations-0.3.jsonl"
"""The same, written before defaults were left out."""
SET = "operations-0.3-set.jsonl"
"""Of a resource whose clock was set."""
NAME = f"{OPERATIONS.name}/{resource_id('caltech', 'robot 1')}"
ORDER = (SortRule(SortField.PRIORITY, SortDirection.DESC, none_last=False),)


def morning() -> Story:
    """All that happens to a vehicle which confirms what it does."""
    story = Story(
        order=ORDER,
        confirms=True,
        confirm_within=5 * SECOND,
        heartbeat=16 * SECOND,
        timeout_factor=2.0,
        retries=1,
        pause_after_denials=3,
        finished_kept=1,
    )
    story.add("first", payload={"name": "Träger", "deep": [1.5, None, {"a": True}]}, job_id="a b")
    story.add("second", "first", due_date=at(8, 0, 20), planned_duration=4 * SECOND)
    waits = Dependency("second", DependencyType.START_TO_START, OnFailure.WAIT)
    story.add("third", waits, release_date=at(8, 0, 30), priority=-3)
    story.add("fourth", Dependency("third", on_failure=OnFailure.SKIP))
    story.wake()
    story.ask(Answer("first", 1, False, "blocked", {"by": "a pallet"}, by="ann"))
    story.wait(1)
    story.ask(Update("first", {"priority": 9}, by="ann", meta={"ticket": 7}))
    story.wake()
    story.ask(HoldJob("a b", held=True))
    story.ask(HoldJob("a b", held=False))
    story.wake()
    story.ask(Complete("first", {"weight_kg": 12.5}))
    story.ask(Answer("first", story["first"].requests, accepted=True))
    story.wake()
    return story


def noon(story: Story) -> None:
    """The second one starts, is paused, overruns, fails, and is tried again."""
    story.ask(Answer("second", 1, accepted=True))
    story.ask(Confirm("second"))
    for control in (Pause("second"), Resume("second")):
        story.ask(control)
        story.ask(Answer("second", story["second"].requests, accepted=True))
        story.ask(Confirm("second"))
    story.ask(ReportProgress("second", fraction=0.5, note="half"))
    story.wait(5)
    story.ask(Heartbeat("second"))
    story.wait(4)
    story.ask(Confirm("second"))
    story.wait(2)
    story.ask(Answer("second", story["second"].requests, accepted=True))
    story.ask(Fail("second", Reason.EXTERNAL_ERROR, "the gripper is stuck", "E42"))
    story.wait(20)


def evening(story: Story) -> None:
    """The others are cancelled, the resource is paused, stopped, started and resumed."""
    story.ask(Hold("third", held=True, by="bob"))
    story.ask(Cancel("third", Reason.USER_REQUEST, meta={"why": "tea"}))
    story.ask(Answer("third", story["third"].requests, accepted=True))
    story.wake()
    story.ask(PauseResource("tea", by="bob"))
    story.ask(StopResource())
    story.ask(StartResource())
    story.ask(ResumeResource())
    for n in range(3):
        story.add(f"last-{n}")
        story.ask(Cancel(f"last-{n}"))
        story.ask(Answer(f"last-{n}", story[f"last-{n}"].requests, accepted=True))
    story.add("waits", release_date=at(23))
    story.ask(Configure(Policy(order=ORDER, answer_within=timedelta(minutes=2))))


def day() -> Story:
    story = morning()
    noon(story)
    evening(story)
    return story


def set_back() -> Story:
    """The clock is set back by an hour while something goes on."""
    story = Story(ask=False, heartbeat=16 * SECOND)
    story.add("first")
    story.wake()
    story.now = at(7)
    story.ask(Retime(timedelta(hours=-1), by="clock"))
    return story


def records(story: Story) -> list[Record]:
    """All of it, as a journal has it."""
    codec = Codec([OPERATIONS])
    pairs = (codec.record(NAME, fact, at(8)) for fact in story.facts)
    return [Record(0, n, key, data) for n, (key, data) in enumerate(pairs, start=1)]


if __name__ == "__main__":
    write(SET, records(set_back()))
