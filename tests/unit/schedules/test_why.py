"""Why an asset does what it does, after stories told by the rules themselves."""

from datetime import datetime

import pytest

from pointsman.schedules.intents import Submit
from pointsman.schedules.model import CommandStatus, CommandType, Mark, Policy
from pointsman.schedules.views import UnknownAsset, Why, why
from tests.unit.schedules.given import BAY, at, hand_made, plan, timeline
from tests.unit.schedules.told import Told


def morning() -> Told:
    told = Told()
    told.opens(at(8))
    told.imports(plan(name="morning.csv"), timeline(plan(), {0: 20.0, 2: -10.0}))
    return told


def of(told: Told, when: datetime | None = None, asset_id: str = BAY) -> Why:
    return why(told.facts, asset_id, when)


def what(found: Why) -> list[str]:
    return [step.what for step in found.steps]


def test_the_value_in_force_comes_from_a_command_of_a_row_of_a_plan() -> None:
    told = morning()
    first = told.sends(at(8))
    told.refuses(first, at(8, 1), error="busy")
    told.accepts(told.sends(at(8, 2)), at(8, 3))
    found = of(told)
    assert found.standing.in_force_kw == 20.0
    assert found.command is not None
    assert (found.command.id, found.command.slot, found.command.row) == (first.id, 0, 0)
    assert found.plan is not None
    assert found.plan.name == "morning.csv"
    assert what(found) == ["Dispatched", "Requeued", "Dispatched", "Completed"]
    assert [step.at for step in found.steps] == [at(8), at(8, 1), at(8, 2), at(8, 3)]
    assert (found.tries, found.errors, found.mark) == (2, ("busy",), None)
    assert (found.standing.uncertain, found.standing.in_flight, found.trouble) == ("", None, ())


def test_the_next_row_supersedes_it() -> None:
    told = morning()
    told.says(at(8))
    upcoming = of(told).standing.upcoming
    assert upcoming is not None
    assert (upcoming.at, upcoming.command.signed_kw) == (at(10), -10.0)
    assert upcoming.plan is not None
    assert upcoming.plan.id == "morning"


def test_a_newer_plan_supersedes_it_from_its_first_row_on() -> None:
    told = morning()
    told.says(at(8))
    later = plan("later", start=at(9), activated_at=at(8, 30), created_at=at(8, 30))
    told.imports(later, timeline(later, {0: 7.0}))
    upcoming = of(told).standing.upcoming
    assert upcoming is not None
    assert (upcoming.at, upcoming.plan and upcoming.plan.id) == (at(9), "later")


def test_a_command_that_waits_for_its_time_supersedes_it() -> None:
    told = morning()
    told.says(at(8))
    told.asks(Submit(hand_made(scheduled_at=at(9))), at(8, 30))
    upcoming = of(told).standing.upcoming
    assert upcoming is not None
    assert (upcoming.at, upcoming.command.id, upcoming.plan) == (at(9), "cmd_by_hand", None)


def test_it_can_be_asked_of_an_earlier_instant() -> None:
    told = morning()
    told.says(at(8))
    told.says(at(10))
    assert of(told).standing.in_force_kw == -10.0
    earlier = of(told, at(9, 59))
    assert earlier.standing.in_force_kw == 20.0
    assert earlier.at == at(9, 59)
    assert what(of(told, at(7, 59))) == []


def test_what_expired_is_in_force_no_more_but_still_the_last_that_was_said() -> None:
    told = morning()
    told.says(at(8))
    found = of(told, at(10, 30))
    assert (found.standing.in_force, found.standing.in_force_kw) == (None, None)
    assert found.command is not None
    assert found.command.slot == 0
    assert found.standing.upcoming is not None
    assert found.standing.upcoming.at == at(10, 30)  # Overdue, so at once.


def test_a_newer_command_that_failed_is_told_beside_the_one_in_force() -> None:
    told = morning()
    told.says(at(8))
    told.asks(Submit(hand_made("cmd_other", power_kw=5.0, scheduled_at=at(9))), at(8, 30))
    told.refuses(told.sends(at(9)), at(9, 1), permanent=True, error="not supported")
    found = of(told)
    assert found.standing.in_force_kw == 20.0
    assert [step.what for step in found.trouble] == ["Added", "Dispatched", "Failed"]
    assert found.trouble[-1].command.progress.error == "not supported"
    assert found.standing.uncertain == ""  # It said no, so it goes on with what it had.


def test_silence_makes_it_uncertain() -> None:
    told = Told()
    hasty = plan(policy=Policy(max_retries=0, timeout_seconds=30))
    told.imports(hasty, timeline(hasty, {0: 20.0}))
    sent = told.sends(at(8))
    assert of(told).standing.in_flight == sent
    told.wakes(at(8, 1))
    found = of(told)
    assert found.command is not None
    assert found.command.progress.status is CommandStatus.TIMED_OUT
    assert found.standing.uncertain == f"{sent.id} got no answer: no answer in time"
    assert found.standing.in_force is None


def test_an_unanswered_try_is_uncertain_until_another_one_succeeds() -> None:
    told = morning()
    told.sends(at(8))
    told.refuses(told.commands()[-1], at(8), doubtful=True, error="cut off")
    assert "cut off" in of(told).standing.uncertain
    told.says(at(8, 1))
    assert of(told).standing.uncertain == ""


def test_what_an_earlier_run_left_in_flight_is_uncertain() -> None:
    told = morning()
    sent = told.sends(at(8))
    told.opens(at(8, 5), number=2)
    assert of(told).standing.uncertain == f"{sent.id} was half sent when run 1 ended"


def test_a_release_tells_its_mark() -> None:
    told = morning()
    told.says(at(8))
    told.says(at(10))
    told.says(at(12))
    found = of(told)
    assert found.mark is Mark.RELEASE
    assert (found.standing.in_force_kw, found.standing.upcoming) == (0.0, None)


def test_an_asset_that_was_never_told_anything_has_an_answer() -> None:
    found = of(morning())
    assert (found.command, found.steps, found.plan, found.tries) == (None, (), None, 0)
    assert found.standing.upcoming is not None
    assert found.standing.upcoming.at == at(8)


def test_state_and_meter_are_the_latest_of_the_time() -> None:
    told = Told()
    told.becomes("charging", at(8), previous="preparing")
    told.measures(at(8), at(9), 6.0, 6.0, 0.0)
    told.becomes("suspended", at(9, 30), previous="charging", reason="SuspendedEV")
    found = of(told)
    assert found.standing.state is not None
    assert (found.standing.state.state, found.standing.state.reason) == ("suspended", "SuspendedEV")
    assert found.standing.state_since == at(9, 30)
    assert found.standing.measured is not None
    assert found.standing.measured.soc_percent == 55.0
    assert of(told, at(8, 30)).standing.measured is None


def test_an_unknown_asset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        UnknownAsset, match="nothing was ever heard of 'bay1'; did you mean 'bay-1'"
    ):
        of(morning(), asset_id="bay1")
    with pytest.raises(UnknownAsset, match="of 'zzz'; known: bay-1"):
        of(morning(), asset_id="zzz")
    with pytest.raises(UnknownAsset, match="nor of any other asset"):
        of(Told())


def test_an_asset_that_is_heard_of_only_later_is_known() -> None:
    told = morning()
    told.asks(Submit(hand_made("cmd_2", "bay-2", scheduled_at=at(9))), at(9))
    found = of(told, at(8, 30), asset_id="bay-2")
    assert (found.command, found.standing.upcoming) == (None, None)


def test_what_sets_no_power_supersedes_no_power() -> None:
    told = morning()
    told.says(at(8))
    target = {"soc_target_percent": 80.0}
    soc = hand_made(
        type=CommandType.SET_SOC_TARGET, power_kw=None, parameters=target, scheduled_at=at(9)
    )
    told.asks(Submit(soc), at(8))
    upcoming = of(told).standing.upcoming
    assert upcoming is not None
    assert upcoming.at == at(10)


def test_at_the_very_instant_what_begins_counts_and_what_ends_does_not() -> None:
    told = morning()
    told.says(at(8))
    assert of(told, at(8)).standing.in_force_kw == 20.0
    assert of(told, at(10)).standing.in_force_kw is None
