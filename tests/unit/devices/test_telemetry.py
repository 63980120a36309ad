"""What devices report, in portions that are worth keeping."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.entity import Rejected
from pointsman.core.values import replace
from pointsman.devices import Sample
from pointsman.devices.telemetry import PERIOD, WAITING_MOST, Meter, Telemetry
from pointsman.schedules.intents import Answer, Intent, Measure, ReportState, Unplug
from pointsman.schedules.model import AssetState, Measurement

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BAY = Asset("bay", AssetKind.EV_CHARGER)
BATTERY = Asset("battery", AssetKind.BATTERY)
ASSETS = {asset.id: asset for asset in (BAY, BATTERY)}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def sample(
    seconds: float,
    power_kw: float,
    charged_kwh: float | None = None,
    discharged_kwh: float | None = None,
    soc_percent: float | None = None,
) -> Sample:
    return Sample(at(seconds), power_kw, charged_kwh, discharged_kwh, soc_percent)


def metered(*samples: Sample) -> Measurement:
    meter = Meter("bay")
    for one in samples:
        meter.take(one)
    closed = meter.close()
    assert closed is not None
    return closed


def test_a_power_holds_until_the_next_reading() -> None:
    m = metered(sample(0, 6.0), sample(45, 2.0), sample(60, 100.0))
    assert (m.from_, m.until) == (at(0), at(60))
    assert m.average_kw == pytest.approx((6.0 * 45 + 2.0 * 15) / 60)
    assert (m.least_kw, m.most_kw) == (2.0, 100.0)
    assert m.charged_kwh == pytest.approx(m.average_kw / 60)
    assert m.discharged_kwh == 0.0


def test_both_directions_are_counted_apart() -> None:
    m = metered(sample(0, 6.0), sample(30, -3.0), sample(60, 0.0))
    assert m.charged_kwh == pytest.approx(6.0 / 120)
    assert m.discharged_kwh == pytest.approx(3.0 / 120)
    assert m.average_kw == pytest.approx(1.5)


def test_registers_are_believed_more_than_powers() -> None:
    m = metered(sample(0, 6.0, 100.0, 50.0), sample(60, 6.0, 100.3, 50.1, 42.0))
    assert m.charged_kwh == pytest.approx(0.3)
    assert m.discharged_kwh == pytest.approx(0.1)
    assert m.average_kw == 6.0
    assert (m.register_charged_kwh, m.register_discharged_kwh) == (100.3, 50.1)
    assert m.soc_percent == 42.0


def test_a_register_that_went_back_counts_by_power_once() -> None:
    m = metered(sample(0, 6.0, 100.0), sample(60, 6.0, 0.05), sample(120, 6.0, 0.25))
    assert m.charged_kwh == pytest.approx(6.0 / 60 + 0.2)


def test_a_register_that_appears_counts_from_then_on() -> None:
    m = metered(sample(0, 6.0), sample(60, 6.0, 900.0), sample(120, 6.0, 900.1))
    assert m.charged_kwh == pytest.approx(6.0 / 60 + 0.1)


def test_a_sample_that_was_overtaken_is_left_out() -> None:
    straight = metered(sample(0, 6.0), sample(30, 3.0), sample(60, 3.0))
    assert metered(sample(0, 6.0), sample(30, 3.0), sample(10, 99.0), sample(60, 3.0)) == straight


def test_two_samples_of_one_instant_are_both_taken() -> None:
    m = metered(sample(0, 6.0), sample(30, 6.0), sample(30, 0.0), sample(60, 0.0))
    assert m.charged_kwh == pytest.approx(6.0 / 120)


def test_one_reading_alone_is_its_own_average() -> None:
    m = metered(sample(0, 6.0))
    assert (m.average_kw, m.from_, m.until, m.charged_kwh) == (6.0, at(0), at(0), 0.0)


def test_nothing_read_is_nothing_measured() -> None:
    assert Meter("bay").close() is None


def test_a_period_begins_where_the_last_one_ended() -> None:
    meter = Meter("bay")
    for one in (sample(0, 6.0), sample(60, 2.0)):
        meter.take(one)
    first = meter.close()
    meter.take(sample(90, 4.0))
    second = meter.close()
    assert first is not None
    assert second is not None
    assert (second.from_, second.until) == (first.until, at(90))
    assert (second.average_kw, second.least_kw, second.most_kw) == (2.0, 2.0, 4.0)
    assert second.charged_kwh == pytest.approx(first.charged_kwh + 2.0 / 120)


def test_a_later_run_counts_on_by_the_register() -> None:
    earlier = metered(sample(0, 6.0, 100.0), sample(60, 6.0, 100.1))
    meter = Meter.after(earlier)
    meter.take(sample(3600, 6.0, 102.1))
    meter.take(sample(3660, 6.0, 102.2))
    m = meter.close()
    assert m is not None
    assert m.charged_kwh == pytest.approx(2.2)
    assert (m.from_, m.average_kw, m.least_kw) == (at(3600), 6.0, 6.0)


def test_a_later_run_guesses_nothing_without_a_register() -> None:
    meter = Meter.after(metered(sample(0, 6.0), sample(60, 6.0)))
    meter.take(sample(3600, 6.0))
    m = meter.close()
    assert m is not None
    assert m.charged_kwh == pytest.approx(0.1)


def test_a_later_run_whose_register_began_anew_keeps_what_was_counted() -> None:
    meter = Meter.after(metered(sample(0, 6.0, 100.0), sample(60, 6.0, 100.1)))
    meter.take(sample(3600, 0.0, 0.5))
    m = meter.close()
    assert m is not None
    assert m.charged_kwh == pytest.approx(0.1)


def test_an_earlier_run_without_any_new_reading_is_no_news() -> None:
    assert Meter.after(metered(sample(0, 6.0))).close() is None


@given(st.lists(st.tuples(st.integers(0, 90), st.floats(-50, 50)), min_size=2, max_size=40))
def test_no_energy_is_lost_between_periods(steps: list[tuple[int, float]]) -> None:
    """However readings fall into periods, and whenever these are closed."""
    samples, seconds = [], 0
    for step_seconds, power_kw in steps:
        seconds += step_seconds
        samples.append(sample(seconds, power_kw))
    meter, closed = Meter("bay"), []
    for one in samples:
        meter.take(one)
        if meter.period_over():
            closed.append(meter.close())
    closed.append(meter.close())
    last = closed[-1]
    assert last is not None
    flows = [a.power_kw * (b.at - a.at).total_seconds() / 3600 for a, b in pairwise(samples)]
    assert last.charged_kwh == pytest.approx(sum(f for f in flows if f > 0), abs=1e-9)
    assert last.discharged_kwh == pytest.approx(-sum(f for f in flows if f < 0), abs=1e-9)
    hours = sum(m.average_kw * (m.until - m.from_).total_seconds() / 3600 for m in closed if m)
    assert hours == pytest.approx(sum(flows), abs=1e-9)


class Desk:
    """Takes intents, and refuses some."""

    def __init__(self, *, refuse: type[object] | None = None) -> None:
        self.heard: list[Intent] = []
        self._refuse = refuse

    async def submit(self, intent: Intent) -> None:
        await asyncio.sleep(0)
        if self._refuse and isinstance(intent, self._refuse):
            raise Rejected("no")
        self.heard.append(intent)

    def of(self, kind: type[object]) -> list[Intent]:
        return [intent for intent in self.heard if isinstance(intent, kind)]


async def told(
    story: Callable[[Telemetry], object],
    desk: Desk | None = None,
    **earlier: object,
) -> Desk:
    """What is journaled of a story."""
    desk = desk or Desk()
    telemetry = Telemetry(desk.submit, ASSETS, **earlier)  # type: ignore[arg-type]
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(telemetry.run())
        story(telemetry)
        await telemetry.flush()
        running.cancel()
    return desk


async def test_one_measurement_a_minute_is_kept() -> None:
    def story(telemetry: Telemetry) -> None:
        for seconds in range(0, 181, 10):
            telemetry.sampled("bay", sample(seconds, 6.0))

    periods = [m.measurement for m in (await told(story)).of(Measure) if isinstance(m, Measure)]
    spans = [(m.from_, m.until) for m in periods]
    minutes = [(at(60 * n), at(60 * n + 60)) for n in range(3)]
    assert spans == [*minutes, (at(180), at(180))]
    assert minutes[0][1] - minutes[0][0] == PERIOD


async def test_a_change_of_state_closes_the_period_before_it() -> None:
    def story(telemetry: Telemetry) -> None:
        telemetry.sampled("bay", sample(0, 6.0))
        telemetry.sampled("bay", sample(20, 0.0))
        telemetry.changed("bay", "suspended", "SuspendedEV")

    desk = await told(story, states={"bay": AssetState("bay", "charging")})
    first, second = desk.heard[:2]
    assert isinstance(first, Measure)
    assert first.measurement.until == at(20)
    expected = AssetState("bay", "suspended", "charging", "SuspendedEV")
    assert second == ReportState(expected)


async def test_a_state_that_is_reported_again_is_no_news() -> None:
    def story(telemetry: Telemetry) -> None:
        for state, reason in (
            ("suspended", "SuspendedEV"),
            ("suspended", "SuspendedEV"),
            ("suspended", ""),
            ("suspended", "SuspendedEVSE"),
        ):
            telemetry.changed("bay", state, reason)

    known = {"bay": AssetState("bay", "suspended", "charging", "SuspendedEV")}
    assert (await told(story, states=known)).heard == [
        ReportState(AssetState("bay", "suspended", "suspended", "SuspendedEVSE"))
    ]


@pytest.mark.parametrize("plugged", ["preparing", "charging", "suspended", "finishing"])
async def test_a_charger_that_is_free_again_was_left(plugged: str) -> None:
    def story(telemetry: Telemetry) -> None:
        telemetry.changed("bay", plugged)
        telemetry.changed("bay", "available")

    assert (await told(story)).of(Unplug) == [Unplug("bay")]


@pytest.mark.parametrize("before", ["", "faulted", "unavailable", "available"])
async def test_nobody_left_where_nobody_was(before: str) -> None:
    def story(telemetry: Telemetry) -> None:
        if before:
            telemetry.changed("bay", before)
        telemetry.changed("bay", "available")

    assert (await told(story)).of(Unplug) == []


async def test_a_car_that_left_between_two_runs_has_left() -> None:
    states = {"bay": AssetState("bay", "charging")}
    desk = await told(lambda t: t.changed("bay", "available"), states=states)
    assert desk.of(Unplug) == [Unplug("bay")]


async def test_only_chargers_are_left() -> None:
    def story(telemetry: Telemetry) -> None:
        for asset_id in ("battery", "unknown"):
            telemetry.changed(asset_id, "charging")
            telemetry.changed(asset_id, "available")

    assert (await told(story)).of(Unplug) == []


async def test_a_late_answer_is_passed_on() -> None:
    def story(telemetry: Telemetry) -> None:
        telemetry.answered_late("cmd_1", 2, True)
        telemetry.answered_late("cmd_2", 1, False)

    assert (await told(story)).heard == [
        Answer("cmd_1", 2, success=True),
        Answer("cmd_2", 1, success=False, error="a late refusal"),
    ]


async def test_what_is_rejected_stops_nothing_else() -> None:
    def story(telemetry: Telemetry) -> None:
        telemetry.answered_late("cmd_1", 1, True)
        telemetry.sampled("bay", sample(0, 1.0))

    desk = await told(story, Desk(refuse=Answer))
    assert len(desk.of(Measure)) == 1


async def test_beyond_the_limit_only_measurements_are_left_out() -> None:
    async def nothing(_: Intent) -> None:
        raise AssertionError("nobody runs")

    telemetry = Telemetry(nothing, ASSETS)
    for n in range(WAITING_MOST + 50):
        telemetry.sampled("bay", sample(60 * n, 1.0))
    assert telemetry.left_out == 49
    telemetry.changed("battery", "charging")
    telemetry.answered_late("cmd_1", 1, True)
    assert telemetry.left_out == 49


async def test_an_earlier_run_is_counted_on_from() -> None:
    earlier = replace(metered(sample(0, 6.0, 100.0), sample(60, 6.0, 100.1)), asset_id="bay")

    def story(telemetry: Telemetry) -> None:
        telemetry.sampled("bay", sample(120, 6.0, 100.2))

    [measure] = (await told(story, earlier={"bay": earlier})).of(Measure)
    assert isinstance(measure, Measure)
    assert measure.measurement.charged_kwh == pytest.approx(0.2)
