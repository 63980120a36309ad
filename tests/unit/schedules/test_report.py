"""Reports of small stories, each figure worked out by hand in the comment beside it."""

from typing import Any

import pytest

from pointsman.core.values import replace
from pointsman.schedules.facts import ContextWritten, PlanActivated, PlanEnded
from pointsman.schedules.intents import Submit, Unplug
from pointsman.schedules.model import CommandType, Context, Policy
from pointsman.schedules.report import Report, UnknownPlan, report
from tests.unit.schedules.given import BAY, at, hand_made, plan, timeline
from tests.unit.schedules.told import Told


def of(told: Told, **also: Any) -> Report:  # noqa: ANN401  Any keyword of a report.
    return report(told.facts, **({"site_id": "home"} | also))


def morning(values: dict[int, float], **also: Any) -> Told:  # noqa: ANN401
    """A plan from 8 to 12, in force."""
    told = Told()
    told.opens(at(8))
    told.imports(plan(name="morning.csv"), timeline(plan(), values, **also))
    return told


def energies(told: Told, of_what: str, **also: Any) -> tuple[float | None, float | None]:  # noqa: ANN401
    totals: Any = of(told, **also)["assets"][BAY]
    return totals[f"{of_what}_charge_kwh"], totals[f"{of_what}_discharge_kwh"]


def test_a_report_names_plan_site_and_run() -> None:
    told = morning({0: 20.0})
    found = of(told, plan_id="morning", dry_run=True, speed=960.0)
    assert found["plan"] == {
        "id": "morning",
        "file": "morning.csv",
        "start": "2026-01-01T08:00:00+00:00",
        "end": "2026-01-01T12:00:00+00:00",
        "slots": 4,
    }
    assert (found["site"], found["dry_run"], found["speed"]) == ("home", True, 960.0)
    assert of(told, file="other.csv")["plan"]["file"] == "other.csv"


def test_what_is_not_given_is_as_the_plan_and_the_latest_run_had_it() -> None:
    told = Told()
    told.opens(at(7), speed=2.0)
    told.opens(at(8), number=2, speed=60.0, dry_run=True)
    dry = plan(dry_run=True)
    told.imports(dry, timeline(dry, {0: 1.0}))
    found = of(told)
    assert (found["dry_run"], found["speed"]) == (True, 60.0)


def test_two_commands_and_a_retry() -> None:
    told = morning(
        {0: 20.0, 2: -10.0}, planned_charge_kwh=40.0, planned_discharge_kwh=20.0, clamps=1, gaps=2
    )
    first = told.sends(at(8))
    told.refuses(first, at(8, 3), error="busy", lateness_seconds=0.25)
    again = told.sends(at(8, 5))
    assert again.progress.attempt == 2
    told.accepts(again, at(8, 6), lateness_seconds=99.0)
    second = told.sends(at(10))
    told.accepts(second, at(10, 3), lateness_seconds=0.5)
    told.says(at(12))
    assert energies(told, "planned") == (40.0, 20.0)
    assert energies(told, "requested") == (40.0, 20.0)  # 2 h x 20 kW from the first try; 2 h x 10
    # 8:06 to 10:00 is 1.9 h of 20 kW. 10:03 to 12:00 is 1.95 h of 10 kW.
    assert energies(told, "acknowledged") == (38.0, 19.5)
    found = of(told)["assets"][BAY]
    assert found["commands"] == {"COMPLETED": 3}
    assert (found["clamps"], found["gaps"]) == (1, 2)
    # Of the first try of each; the release was not timed.
    assert found["lateness_seconds"] == {"p50": 0.25, "p99": 0.5, "max": 0.5}


def test_a_command_that_nobody_acknowledged_was_requested_all_the_same() -> None:
    told = morning({0: 20.0, 1: 5.0})
    told.refuses(told.sends(at(8)), at(8, 1), permanent=True)
    told.says(at(9))
    assert energies(told, "requested") == (35.0, 0.0)  # 1 h x 20 kW, then 3 h x 5 kW
    assert energies(told, "acknowledged") == (15.0, 0.0)
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "FAILED": 1, "PENDING": 1}


def test_a_row_that_was_over_before_it_could_be_sent_is_expired_and_asks_for_nothing() -> None:
    told = morning({0: 20.0, 1: 10.0, 2: 4.0, 3: 8.0})
    told.says(at(8))
    told.says(at(11, 30))  # Nobody was there between.
    # 20 kW until 9:00, when it expired; 8 kW from 11:30 to 12:00.
    assert energies(told, "requested") == (24.0, 0.0)
    assert energies(told, "acknowledged") == (24.0, 0.0)
    assert of(told)["totals"]["commands"] == {"COMPLETED": 2, "EXPIRED": 2, "PENDING": 1}


def test_a_plan_ends_where_a_newer_one_begins() -> None:
    told = morning({0: 20.0, 3: 6.0})
    told.says(at(8))
    later = plan("later", start=at(10), slots=3, activated_at=at(9, 30), created_at=at(9))
    told.imports(later, timeline(later, {0: 8.0}))
    told.says(at(10))
    told.measures(at(9), at(10), 20.0, 20.0, 0.0)
    told.measures(at(10), at(11), 8.0, 28.0, 0.0)
    assert energies(told, "requested", plan_id="morning") == (40.0, 0.0)  # until 10:00 only
    assert energies(told, "acknowledged", plan_id="morning") == (40.0, 0.0)
    old = of(told, plan_id="morning")["totals"]["commands"]
    assert old == {"COMPLETED": 1, "SUPERSEDED": 2}  # the row of 11:00, and the release
    assert energies(told, "requested") == (24.0, 0.0)  # 3 h x 8 kW, by the newer one
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "PENDING": 1}
    assert energies(told, "delivered") == (8.0, 0.0)
    assert energies(told, "delivered", plan_id="morning") == (20.0, 0.0)


def test_a_value_that_the_plan_relied_on_counts_on_from_the_plans_beginning() -> None:
    told = Told()
    told.asks(Submit(hand_made(power_kw=22.0, scheduled_at=at(6))), at(6))
    told.says(at(6))
    told.imports(
        plan(),
        timeline(plan(), {0: 22.0, 2: 5.0}, assumed=22.0, planned_charge_kwh=54.0),
        in_force={BAY: 22.0},
    )
    told.says(at(10))
    assert energies(told, "requested") == (54.0, 0.0)  # 2 h x 22 kW from 8:00, then 2 h x 5 kW
    assert energies(told, "acknowledged") == (54.0, 0.0)
    # The assumed row is no command, and what came before is none of this plan's.
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "PENDING": 1}


def test_a_value_that_the_plan_did_not_rely_on_does_not_count() -> None:
    told = Told()
    told.asks(Submit(hand_made(power_kw=22.0, scheduled_at=at(6))), at(6))
    told.says(at(6))
    told.imports(plan(), timeline(plan(), {0: 5.0}))
    told.says(at(9))  # An hour late.
    assert energies(told, "requested") == (15.0, 0.0)
    assert energies(told, "acknowledged") == (15.0, 0.0)


def test_what_somebody_else_asks_for_meanwhile_counts_too() -> None:
    told = morning({0: 20.0})
    told.says(at(8))
    told.asks(Submit(hand_made(power_kw=2.0, scheduled_at=at(9), expires_at=at(10))), at(8, 30))
    told.says(at(9))
    assert energies(told, "requested") == (22.0, 0.0)  # 1 h x 20 kW, 1 h x 2 kW, then nothing
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "PENDING": 1}


def test_rows_of_a_vehicle_that_left_are_cancelled() -> None:
    told = morning({0: 20.0, 1: 10.0, 2: 4.0}, vehicles={0: "ev_1"})
    told.says(at(8))
    told.asks(Unplug(BAY), at(8, 30))
    told.says(at(8, 30))
    assert energies(told, "requested") == (10.0, 0.0)  # half an hour
    found = of(told)["totals"]["commands"]
    assert found == {"CANCELLED": 2, "COMPLETED": 2, "PENDING": 1}


def test_what_is_due_later_is_pending_until_then() -> None:
    told = morning({0: 20.0, 1: 10.0})
    told.says(at(8))
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "PENDING": 2}
    assert of(told, now=at(12))["totals"]["commands"] == {
        "COMPLETED": 1,
        "EXPIRED": 1,
        "PENDING": 1,  # A release is due until it is done.
    }


def test_a_meter_counts_from_the_plans_beginning_to_its_end() -> None:
    told = Told()
    told.measures(at(7, 0), at(7, 50), 6.0, 5.0, 1.0)
    told.imports(plan(), timeline(plan(), {0: 20.0}))
    told.measures(at(7, 50), at(8, 10), 15.0, 10.0, 1.0)  # half of its 5 kWh is before 8:00
    told.measures(at(8, 10), at(11), 0.0, 60.0, 9.0)
    told.measures(at(11), at(13), 0.0, 64.0, 9.0)  # half of its 4 kWh is after 12:00
    assert energies(told, "delivered") == (2.5 + 50.0 + 2.0, 8.0)
    assert of(told)["totals"]["delivered_charge_kwh"] == 54.5


def test_a_meter_that_is_first_read_under_the_plan_counts_from_there() -> None:
    told = morning({0: 20.0})
    told.measures(at(9), at(9, 30), 20.0, 10.0, 0.0)
    assert energies(told, "delivered") == (10.0, 0.0)


def test_what_no_meter_told_is_unknown() -> None:
    told = morning({0: 20.0})
    assert energies(told, "delivered") == (None, None)
    assert of(told)["totals"]["delivered_charge_kwh"] is None


def test_a_meter_that_was_last_read_before_the_plan_tells_nothing_of_it() -> None:
    told = Told()
    told.measures(at(7), at(7, 30), 20.0, 10.0, 0.0)
    told.imports(plan(), timeline(plan(), {0: 20.0}))
    assert energies(told, "delivered") == (None, None)


def test_totals_are_sums_and_lateness_is_over_all() -> None:
    told = Told()
    both = plan(assets=(BAY, "bay-2"))
    told.imports(
        both,
        timeline(both, {0: 10.0}, planned_charge_kwh=40.0, clamps=1),
        timeline(both, {0: -5.0}, "bay-2", planned_discharge_kwh=20.0, clamps=2, gaps=3),
    )
    for late, command in enumerate(told.wakes(at(8)), start=1):
        told.accepts(command, at(8), lateness_seconds=late / 10)
    told.measures(at(8), at(9), 10.0, 10.0, 0.0)
    found = of(told)
    totals = found["totals"]
    assert (totals["planned_charge_kwh"], totals["planned_discharge_kwh"]) == (40.0, 20.0)
    assert (totals["requested_charge_kwh"], totals["requested_discharge_kwh"]) == (40.0, 20.0)
    assert totals["acknowledged_discharge_kwh"] == 20.0
    assert totals["commands"] == {"COMPLETED": 2, "PENDING": 2}
    assert totals["lateness_seconds"] == {"p50": 0.1, "p99": 0.2, "max": 0.2}
    assert (totals["clamps"], totals["gaps"]) == (3, 3)
    assert totals["delivered_charge_kwh"] == 10.0  # What is known of.
    assert found["assets"]["bay-2"]["delivered_charge_kwh"] is None
    assert list(found["assets"]) == [BAY, "bay-2"]


def test_nothing_sent_means_no_lateness() -> None:
    assert of(morning({0: 1.0}))["totals"]["lateness_seconds"] == {
        "p50": None,
        "p99": None,
        "max": None,
    }


def test_the_safe_default_after_a_failure_is_a_command_of_the_plan() -> None:
    told = Told()
    brief = plan(policy=Policy(max_retries=0))
    told.imports(brief, timeline(brief, {0: 20.0}, safe_default_kw=4.0))
    told.refuses(told.sends(at(8)), at(8), permanent=True)
    safe = told.says(at(8, 15))
    assert safe.type is CommandType.SET_CHARGE_RATE
    assert energies(told, "acknowledged") == (15.0, 0.0)  # 3.75 h x 4 kW
    assert of(told)["totals"]["commands"] == {"COMPLETED": 1, "FAILED": 1, "PENDING": 1}


def test_a_plan_that_was_never_in_force_has_no_report() -> None:
    told = morning({0: 1.0})
    with pytest.raises(UnknownPlan, match="no plan 'evening' was ever in force here; known: morn"):
        of(told, plan_id="evening")
    with pytest.raises(UnknownPlan, match="nothing to report"):
        of(Told())


def test_a_command_that_sets_no_power_asks_for_no_energy() -> None:
    told = morning({0: 20.0})
    told.says(at(8))
    target = {"soc_target_percent": 80.0}
    told.asks(
        Submit(hand_made(type=CommandType.SET_SOC_TARGET, power_kw=None, parameters=target)),
        at(9),
    )
    told.says(at(9))
    assert energies(told, "requested") == (80.0, 0.0)


def test_an_asset_that_the_plan_tells_nothing_has_a_row_of_zeros() -> None:
    told = morning({0: 20.0})
    name, activated, happened_at = told.facts[-1]
    assert isinstance(activated, PlanActivated)
    more = replace(activated.plan, assets=(BAY, "bay-2"))
    told.facts[-1] = name, PlanActivated(more), happened_at
    other = of(told)["assets"]["bay-2"]
    assert (other["planned_charge_kwh"], other["requested_charge_kwh"]) == (0.0, 0.0)
    assert (other["commands"], other["delivered_charge_kwh"]) == ({}, None)


def test_facts_of_other_things_change_nothing() -> None:
    told = morning({0: 20.0})
    before = of(told)
    told.facts.append(("", ContextWritten(Context("morning", "price", ())), at(8)))
    assert of(told) == before


def test_a_plan_counts_on_until_a_newer_one_is_really_in_force() -> None:
    told = morning({0: 20.0})
    told.says(at(8))
    late = plan("late", start=at(10), slots=3, activated_at=at(10, 30), created_at=at(9))
    told.imports(late, timeline(late, {0: 8.0}))
    told.says(at(10, 30))
    assert energies(told, "requested", plan_id="morning") == (50.0, 0.0)  # 2.5 h x 20 kW
    assert energies(told, "requested") == (20.0, 0.0)  # 2.5 h x 8 kW


def test_a_plan_that_came_in_force_late_counts_from_there() -> None:
    told = Told()
    told.asks(Submit(hand_made(power_kw=22.0, scheduled_at=at(6))), at(6))
    told.says(at(6))
    late = plan(activated_at=at(8, 30))
    told.imports(late, timeline(late, {0: 22.0, 2: 5.0}, assumed=22.0), in_force={BAY: 22.0})
    told.says(at(10))
    assert energies(told, "requested") == (33.0 + 10.0, 0.0)  # 1.5 h x 22 kW, 2 h x 5 kW


def test_the_end_of_a_plan_takes_nothing_from_what_was_metered() -> None:
    told = morning({0: 20.0})
    told.says(at(8))
    for hour in range(8, 12):
        told.measures(at(hour), at(hour + 1), 20.0, 20.0 * (hour - 7), 0.0)
    told.says(at(12))
    told.wakes(at(13, 1))
    assert isinstance(told.facts[-1][1], PlanEnded)
    assert energies(told, "delivered") == (80.0, 0.0)
