"""Energies of what holds for a time, and of registers."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pointsman.schedules.energy import Energy, Hold, Registers, Window, energy_of
from pointsman.schedules.model import Measurement
from tests.unit.schedules.given import BAY, at

DAY = Window(at(8), at(12))
HOLDS = st.lists(
    st.builds(
        Hold,
        st.integers(0, 24 * 60).map(lambda minutes: at(0) + timedelta(minutes=minutes)),
        st.floats(-50, 50),
        st.none() | st.integers(0, 24 * 60).map(lambda minutes: at(0, minutes)),
    ),
    max_size=8,
)


def measured(*rows: tuple[float, float, float, float]) -> Registers:
    """Rows of: from and until as hours, average kW, register of charged kWh."""
    registers = Registers()
    for start, end, average_kw, charged_kwh in rows:
        span = at(0) + timedelta(hours=start), at(0) + timedelta(hours=end)
        registers.take(Measurement(BAY, *span, average_kw, 0.0, 0.0, charged_kwh, 0.0))
    return registers


def test_a_power_counts_until_the_next_one_or_until_it_expires() -> None:
    holds = [Hold(at(10), -4.0), Hold(at(7), 10.0), Hold(at(9), 6.0, at(9, 30))]
    assert energy_of(holds, DAY) == Energy(10.0 + 3.0, 8.0)


def test_nothing_counts_outside_the_window() -> None:
    assert energy_of([Hold(at(6), 5.0, at(8)), Hold(at(12), 5.0)], DAY) == Energy(0.0, 0.0)
    assert energy_of([Hold(at(6), 5.0)], Window(at(9), at(8))) == Energy(0.0, 0.0)
    assert energy_of([], DAY) == Energy(0.0, 0.0)


@given(HOLDS)
def test_two_halves_of_a_window_hold_what_the_whole_does(holds: Sequence[Hold]) -> None:
    whole = energy_of(holds, DAY)
    halves = [energy_of(holds, Window(at(8), at(9))), energy_of(holds, Window(at(9), at(12)))]
    assert abs(whole.charge_kwh - sum(half.charge_kwh for half in halves)) < 1e-6
    assert abs(whole.discharge_kwh - sum(half.discharge_kwh for half in halves)) < 1e-6
    assert min(whole) >= 0.0


def test_a_register_is_read_in_proportion_between_two_readings() -> None:
    registers = measured((7, 9, 5.0, 10.0), (9, 13, 5.0, 30.0))
    assert registers.counted(DAY) == Energy(20.0, 0.0)


def test_beyond_its_readings_a_register_stands_still() -> None:
    assert measured((9, 10, 5.0, 5.0)).counted(DAY) == Energy(5.0, 0.0)


def test_a_first_reading_tells_where_its_period_began() -> None:
    assert measured((9, 10, 5.0, 105.0)).counted(DAY) == Energy(5.0, 0.0)


def test_what_was_not_read_in_the_window_is_unknown() -> None:
    assert Registers().counted(DAY) is None
    assert measured((6, 8, 5.0, 10.0)).counted(DAY) is None
    assert measured((12, 13, 5.0, 10.0)).counted(DAY) is None
    assert measured((6, 13, 5.0, 10.0)).counted(Window(at(9), at(9))) is None


def test_what_is_forgotten_is_not_needed_from_here_on() -> None:
    registers = measured((6, 7, 1.0, 1.0), (7, 8, 1.0, 2.0), (8, 9, 1.0, 3.0))
    registers.forget()
    registers.take(Measurement(BAY, at(9), at(12), 1.0, 0.0, 0.0, 6.0, 0.0))
    assert registers.counted(DAY) == Energy(4.0, 0.0)
