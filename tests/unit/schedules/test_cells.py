"""What no device can follow refuses the plan; two directions are one value."""

from math import inf
from typing import Any, ClassVar

import pytest

from pointsman.schedules.model import Channel, Mark
from pointsman.schedules.table import ScheduleError
from tests.unit.schedules.tables import (
    HOUR,
    START,
    imported,
    said,
    said_of,
)

AWAY, SAFE, RELEASE, MINIMUM = Mark.AWAY, Mark.SAFE, Mark.RELEASE, Mark.MINIMUM


class TestWhatNoDeviceCanFollow:
    @pytest.mark.parametrize("cell", [inf, -inf, -0.1, "five", "3,5", True])
    def test_refuses_the_whole_plan_by_row_and_column(self, cell: Any) -> None:  # noqa: ANN401
        with pytest.raises(ScheduleError, match=r"^plan.csv, row 2, column 'ev_1_kw': "):
            imported(columns={"ev_1_kw": [7.0, cell]})

    def test_is_no_matter_in_context(self) -> None:
        result = imported(columns={"ev_1_kw": [7.0, 7.0], "note": ["a", inf]})
        assert [(c.column, c.values) for c in result.contexts] == [("note", ("a", inf))]

    def test_a_decimal_comma_is_told_what_works(self) -> None:
        with pytest.raises(ScheduleError, match=r"a point as decimal mark would work"):
            imported(columns={"ev_1_kw": ["3,5"]}, horizon_end=START + HOUR)

    def test_solver_noise_below_zero_is_zero(self) -> None:
        assert said_of(ev_1_kw=[-1e-9, 0.0])[0] == (0, 0.0, None)

    @pytest.mark.parametrize("column", ["bay_limit_kw", "bay_soc_target_percent"])
    def test_limits_and_targets_have_their_range(self, column: str) -> None:
        with pytest.raises(ScheduleError, match=r"does not fit"):
            imported(columns={column: [80.0, -1.0]})

    def test_a_state_of_charge_ends_at_a_hundred(self) -> None:
        fits = imported(columns={"batt_soc_target_percent": [80.0, 100.0]})
        assert said(fits, Channel.SOC)[1] == (1, 100.0, None)
        with pytest.raises(ScheduleError, match=r"0 to 100 percent"):
            imported(columns={"batt_soc_target_percent": [100.5]}, horizon_end=START + HOUR)


class TestBothDirections:
    crossed: ClassVar = {"battery_charge_kw": [5.0, 5.0], "battery_discharge_kw": [0.0, 2.0]}

    def test_at_once_are_refused_by_row_and_column(self) -> None:
        with pytest.raises(ScheduleError, match=r"row 2, column 'battery_discharge_kw': .*2.0 kW"):
            imported(columns=self.crossed)

    def test_at_once_may_be_netted_and_that_is_told(self) -> None:
        result = imported(columns=self.crossed, both="net")
        assert said(result)[:2] == [(0, 5.0, None), (1, 3.0, None)]
        (warning,) = [line for line in result.report.warnings if "netted" in line]
        assert "in 1 slots, first in row 2, netted (at most 2 kW)" in warning

    def test_make_one_signed_value(self) -> None:
        columns = {"battery_charge_kw": [5.0, 0.0, 0.0], "battery_discharge_kw": [0.0, 4.0, 0.0]}
        assert [value for _, value, _ in said(imported(columns=columns))] == [5.0, -4.0, 0.0, 0.0]

    def test_may_come_alone(self) -> None:
        assert said_of(battery_discharge_kw=[4.0, 0.0])[:2] == [(0, -4.0, None), (1, 0.0, None)]

    def test_may_come_signed(self) -> None:
        assert said_of(batt_setpoint_kw=[-4.0, 4.0])[:2] == [(0, -4.0, None), (1, 4.0, None)]

    def test_below_a_milliwatt_are_noise(self) -> None:
        columns = {"battery_charge_kw": [5.0, 5.0], "battery_discharge_kw": [1e-9, 0.0]}
        assert len(said(imported(columns=columns))) == 2
