"""The line of each kind of fact."""

from zoneinfo import ZoneInfo

import pytest

from pointsman.cli.lines import line_of
from pointsman.core.values import replace
from pointsman.schedules.facts import (
    Completed,
    ContextWritten,
    Dispatched,
    Fact,
    Measured,
    Opened,
    Passed,
    StateChanged,
    Superseded,
    TimelineWritten,
    Unplugged,
)
from pointsman.schedules.model import (
    AssetState,
    Channel,
    CommandStatus,
    CommandType,
    Context,
    Measurement,
    Progress,
    Run,
)
from tests.unit.schedules.given import BAY, at, hand_made, plan, timeline

SENT = hand_made(progress=Progress(CommandStatus.DISPATCHED, attempt=2, doubtful=True))


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (Dispatched(SENT), "bay-1 Dispatched cmd_by_hand SET_CHARGE_RATE 5 kW try 2"),
        (
            Completed(replace(SENT, dry_run=True, progress=Progress(applied_kw=-4.85, late=True))),
            "bay-1 Completed cmd_by_hand SET_CHARGE_RATE 5 kW dry run late applied -4.85 kW",
        ),
        (
            Superseded(hand_made(reason="away", progress=Progress(superseded_by="cmd_2"))),
            "bay-1 Superseded cmd_by_hand SET_CHARGE_RATE 5 kW (away) by cmd_2",
        ),
        (
            Dispatched(
                hand_made(
                    type=CommandType.SET_SOC_TARGET,
                    power_kw=None,
                    parameters={"soc_target_percent": 80.0, "release": True},
                )
            ),
            "bay-1 Dispatched cmd_by_hand SET_SOC_TARGET soc_target_percent=80.0 release",
        ),
        (
            TimelineWritten(timeline(plan(), {0: 1.0})),
            "bay-1 TimelineWritten morning 2 rows of power",
        ),
        (ContextWritten(Context("morning", "price", ())), "price ContextWritten morning"),
        (
            Measured(Measurement(BAY, at(8), at(9), 5.0, 4.5, 5.5, 10.0, 0.25, 66.6)),
            "bay-1 Measured 5 kW (4.5 to 5.5) charged 10.000 kWh discharged 0.250 kWh SoC 67 %",
        ),
        (
            StateChanged(AssetState(BAY, "suspended", "charging", "SuspendedEV")),
            "bay-1 StateChanged charging -> suspended (SuspendedEV)",
        ),
        (
            Unplugged(BAY, "morning", ((1, 3), (4, 5))),
            "bay-1 Unplugged morning 3 rows cancelled",
        ),
        (Passed(BAY, "morning", Channel.POWER, 3), "bay-1 Passed morning power up to row 3"),
        (
            Opened(Run(2, 960.0, dry_run=True, started_at=at(8), pid=7)),
            "run Opened 2 at 960 times dry run by process 7",
        ),
    ],
)
def test_each_fact_is_a_line(fact: Fact, line: str) -> None:
    shown = line_of(fact, at(8), ZoneInfo("America/Los_Angeles"))
    prefix = "2026-01-01 00:00:00-08:00 "
    assert shown.startswith(prefix)
    assert shown.removeprefix(prefix).replace(" after a read-back", "") == line


def test_a_try_that_is_read_back_first_says_so() -> None:
    assert line_of(Dispatched(SENT), at(8), None).endswith("try 2 after a read-back")
