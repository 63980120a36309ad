"""What the driver promises beyond the rules: never stale, never twice unread, never held up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.entity import Rejected
from pointsman.core.values import replace
from pointsman.devices import DeviceFailed, Reading, Taken
from pointsman.devices.driver import Driver, shows
from pointsman.runtime.clock import LoopClock
from pointsman.schedules.facts import Dispatched, Fact, PlanActivated, Superseded, TimedOut
from pointsman.schedules.intents import Acknowledge, Answer, Intent
from pointsman.schedules.model import Command, CommandStatus, CommandType, Mark, Progress
from tests.simulation.world import EPOCH, play
from tests.unit.schedules.given import BAY, hand_made, plan

SENT = Progress(CommandStatus.DISPATCHED, attempt=1, run=1, dispatched_at=EPOCH)
ASSETS = {BAY: Asset(BAY, AssetKind.EV_CHARGER, rating_kw=22.0)}


class Charger:
    """Answers as it is told to, and remembers what reached it."""

    def __init__(self, *answers: Taken | Exception, reading: Reading | None = None) -> None:
        self.answers = list(answers)
        self.reading = reading or Reading()
        self.told: list[str] = []
        self.takes_seconds = 0.0

    async def send(self, command: Command) -> Taken:
        self.told.append(f"send {command.id}")
        await asyncio.sleep(self.takes_seconds)
        answer = self.answers.pop(0) if self.answers else Taken(command.signed_kw)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def read(self) -> Reading:
        self.told.append("read")
        return self.reading


def command(**also: Any) -> Command:  # noqa: ANN401
    given: dict[str, Any] = {"scheduled_at": EPOCH, "progress": SENT}
    return hand_made(**(given | also))


def drive(
    charger: Charger,
    *facts: Fact,
    seconds: float = 100,
    run: int = 1,
    happening: AsyncIterator[Fact] | None = None,
) -> list[Intent]:
    """What the driver submits within some time of these facts."""
    told: list[Intent] = []

    async def submit(intent: Intent) -> None:
        told.append(intent)
        if isinstance(intent, Answer) and intent.error == "reject me":
            raise Rejected("too late")

    async def all_at_once() -> AsyncIterator[Fact]:
        for fact in facts:
            yield fact
        await asyncio.Event().wait()

    async def story() -> None:
        driver = Driver(
            submit, {BAY: charger}, ASSETS, LoopClock(EPOCH), run_number=run, opened_at=EPOCH
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await driver.run(happening or all_at_once())

    play(story)
    return told


def test_what_is_dispatched_is_sent_and_answered() -> None:
    charger = Charger()
    [answer] = drive(charger, Dispatched(command()))
    assert charger.told == ["send cmd_by_hand"]
    assert isinstance(answer, Answer)
    assert (answer.command_id, answer.attempt, answer.success) == ("cmd_by_hand", 1, True)
    assert answer.applied_kw == 5.0


def test_what_another_run_dispatched_is_not_sent() -> None:
    charger = Charger()
    assert drive(charger, Dispatched(command()), run=2) == []
    assert charger.told == []


def test_nothing_is_sent_whose_time_is_over() -> None:
    charger = Charger()
    [answer] = drive(charger, Dispatched(command(expires_at=EPOCH)))
    assert isinstance(answer, Answer)
    assert not answer.success
    assert "its time was over" in answer.error
    assert not answer.doubtful, "it did not arrive for sure"
    assert charger.told == []


def test_a_doubtful_command_is_read_back_and_not_sent_if_it_is_so() -> None:
    charger = Charger(reading=Reading(setpoint_kw=5.01, controlled=True))
    doubtful = command(progress=replace(SENT, attempt=2, doubtful=True))
    [answer] = drive(charger, Dispatched(doubtful))
    assert charger.told == ["read"]
    assert isinstance(answer, Answer)
    assert answer.success


def test_a_doubtful_command_is_sent_if_the_device_shows_another_value() -> None:
    charger = Charger(reading=Reading(setpoint_kw=4.0, controlled=True))
    drive(charger, Dispatched(command(progress=replace(SENT, doubtful=True))))
    assert charger.told == ["read", "send cmd_by_hand"]


def test_every_further_try_reads_back_first_even_after_a_refusal() -> None:
    charger = Charger(reading=Reading(setpoint_kw=4.0, controlled=True))
    drive(charger, Dispatched(command(progress=replace(SENT, attempt=2))))
    assert charger.told == ["read", "send cmd_by_hand"]


def test_what_was_given_up_is_looked_at_once_more() -> None:
    charger = Charger(reading=Reading(setpoint_kw=5.0, controlled=True))
    given_up = replace(SENT, status=CommandStatus.TIMED_OUT, doubtful=True)
    [answer] = drive(charger, TimedOut(command(progress=given_up)))
    assert isinstance(answer, Answer)
    assert answer.success


@pytest.mark.parametrize("permanent", [True, False])
def test_a_failure_is_told_as_the_device_tells_it(*, permanent: bool) -> None:
    charger = Charger(DeviceFailed("no", permanent=permanent))
    [answer] = drive(charger, Dispatched(command()))
    assert isinstance(answer, Answer)
    assert (answer.error, answer.permanent, answer.doubtful) == ("no", permanent, False)


def test_silence_ends_with_the_commands_time_out_in_doubt() -> None:
    charger = Charger()
    charger.takes_seconds = 1000
    [answer] = drive(charger, Dispatched(command()), seconds=40)
    assert isinstance(answer, Answer)
    assert answer.doubtful
    assert answer.error == "no answer within 30 s"


def test_a_session_that_breaks_its_promises_harms_nobody_else() -> None:
    charger = Charger(RuntimeError("a bug"))
    first, second = drive(charger, Dispatched(command()), Dispatched(command(id="cmd_2")))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.error, first.doubtful) == ("RuntimeError: a bug", True)
    assert second.success


def test_an_asset_without_a_device_is_refused() -> None:
    [answer] = drive(Charger(), Dispatched(command(asset="elsewhere")))
    assert isinstance(answer, Answer)
    assert answer.refused


def test_a_late_answer_that_is_rejected_stops_nobody() -> None:
    charger = Charger(DeviceFailed("reject me"))
    told = drive(charger, Dispatched(command()), Dispatched(command(id="cmd_2")))
    assert len(told) == 2


def test_a_device_that_acts_later_is_acknowledged_and_watched() -> None:
    charger = Charger(Taken(later=True), reading=Reading(available=False))
    change = command(
        type=CommandType.CHANGE_AVAILABILITY, power_kw=None, parameters={"available": False}
    )
    acknowledged, answer = drive(charger, Dispatched(change))
    assert acknowledged == Acknowledge("cmd_by_hand", 1, patient=True)
    assert isinstance(answer, Answer)
    assert answer.success
    assert charger.told == ["send cmd_by_hand", "read"]


def test_a_device_that_acts_later_is_watched_no_more_once_something_newer_was_sent() -> None:
    charger = Charger(Taken(later=True), reading=Reading(available=True))
    change = command(
        type=CommandType.CHANGE_AVAILABILITY, power_kw=None, parameters={"available": False}
    )

    async def story() -> AsyncIterator[Fact]:
        yield Dispatched(change)
        await asyncio.sleep(12)
        yield Superseded(change)
        await asyncio.Event().wait()

    assert len(drive(charger, happening=story())) == 1, "the acknowledgement"
    assert charger.told == ["send cmd_by_hand", "read", "read", "read"]


def test_a_device_that_is_watched_is_called_by_one_at_a_time() -> None:
    class Slow(Charger):
        inside, most = 0, 0

        async def read(self) -> Reading:
            await self.alone()
            return await super().read()

        async def send(self, command: Command) -> Taken:
            await self.alone()
            return await super().send(command)

        async def alone(self) -> None:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(3)
            self.inside -= 1

    charger = Slow(Taken(later=True), reading=Reading(available=True))
    change = command(type=CommandType.CHANGE_AVAILABILITY, parameters={"available": False})

    async def story() -> AsyncIterator[Fact]:
        yield Dispatched(change)
        await asyncio.sleep(4)
        yield Dispatched(command(id="cmd_2"))
        await asyncio.Event().wait()

    drive(charger, happening=story(), seconds=20)
    assert "send cmd_2" in charger.told
    assert charger.most == 1


def test_what_is_handed_out_ahead_is_sent_at_its_time() -> None:
    soon = EPOCH + timedelta(seconds=5)
    progress = replace(SENT, dispatched_at=soon)
    ahead = Dispatched(command(scheduled_at=soon, progress=progress))
    charger = Charger()
    assert drive(charger, ahead, seconds=4.99) == []
    assert charger.told == []
    [answer] = drive(charger, ahead, seconds=5.01)
    assert isinstance(answer, Answer)
    assert answer.success
    assert answer.lateness_seconds == pytest.approx(0, abs=0.01)


def test_lateness_counts_from_due_or_from_when_it_could_be_known() -> None:
    early = command(scheduled_at=EPOCH - timedelta(hours=1), plan_id="morning")
    [first] = drive(Charger(), Dispatched(early))
    assert isinstance(first, Answer)
    assert first.lateness_seconds == pytest.approx(0, abs=0.01), "the run opened just now"

    async def later() -> AsyncIterator[Fact]:
        await asyncio.sleep(7)
        yield PlanActivated(plan())
        await asyncio.sleep(2)
        yield Dispatched(early)
        await asyncio.Event().wait()

    [second] = drive(Charger(), happening=later())
    assert isinstance(second, Answer)
    assert second.lateness_seconds == pytest.approx(2, abs=0.01), "the plan came only then"


def test_another_try_has_no_lateness_as_it_is_late_on_purpose() -> None:
    [answer] = drive(Charger(), Dispatched(command(progress=replace(SENT, attempt=2))))
    assert isinstance(answer, Answer)
    assert answer.lateness_seconds is None


@pytest.mark.parametrize(
    ("type", "also", "reading", "so"),
    [
        (CommandType.SET_CHARGE_RATE, {"power_kw": 5.0}, Reading(5.04, controlled=True), True),
        (CommandType.SET_CHARGE_RATE, {"power_kw": 5.0}, Reading(5.06, controlled=True), False),
        (CommandType.SET_CHARGE_RATE, {"power_kw": 5.0}, Reading(5.0, controlled=False), False),
        (CommandType.SET_CHARGE_RATE, {"power_kw": 5.0}, Reading(), False),
        (CommandType.SET_DISCHARGE_RATE, {"power_kw": 5.0}, Reading(-5.0, controlled=True), True),
        (CommandType.SET_DISCHARGE_RATE, {"power_kw": 5.0}, Reading(5.0, controlled=True), False),
        (CommandType.SET_POWER_LIMIT, {"power_kw": 5.0}, Reading(9.0, limit_kw=5.0), True),
        (CommandType.SET_CHARGE_RATE, {"reason": Mark.RELEASE}, Reading(controlled=False), True),
        (CommandType.SET_CHARGE_RATE, {"reason": Mark.RELEASE}, Reading(controlled=True), False),
        (CommandType.START_CHARGING, {}, Reading(session_running=True), True),
        (CommandType.START_CHARGING, {}, Reading(), False),
        (CommandType.STOP_CHARGING, {}, Reading(session_running=False), True),
        (CommandType.STOP_CHARGING, {}, Reading(), False),
        (
            CommandType.SET_SOC_TARGET,
            {"parameters": {"soc_target_percent": 80.0}},
            Reading(soc_target_percent=80.0),
            True,
        ),
        (CommandType.CHANGE_AVAILABILITY, {}, Reading(available=True), True),
        (CommandType.CHANGE_AVAILABILITY, {}, Reading(), False),
    ],
)
def test_a_reading_shows_a_command_only_if_it_says_so(
    type: CommandType,
    also: dict[str, Any],
    reading: Reading,
    so: bool,
) -> None:
    assert shows(reading, command(type=type, **also), 0.05) is so
