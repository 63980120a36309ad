"""Which cars come to which charger, and what they want."""

from pathlib import Path

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.simulated.sessions import (
    REQUESTED,
    SessionsError,
    belonging,
    parse_sessions,
    read_sessions,
    sessions_of,
)

EXAMPLES = Path(__file__).parents[4] / "examples"
DAY = EXAMPLES / "caltech_2019-06-05_sessions.csv"
HEADER = f"vehicle_id,arrival,departure,{REQUESTED},delivered_energy (kWh),station_id"
GOOD = "7,2026-06-01T08:00:00Z,2026-06-01T09:00:00Z,5.5,4.0,A-1"


def charger(id: str = "bay", **device: str) -> Asset:
    return Asset(id, AssetKind.EV_CHARGER, {"protocol": "simulated", **device}, rating_kw=6.6)


def test_the_real_day_has_35_vehicles_on_29_chargers() -> None:
    sessions = read_sessions(DAY)
    assert len(sessions) == len({session.vehicle_id for session in sessions}) == 35
    stations = {session.station_id for session in sessions}
    assert len(stations) == 29
    assert sum(len(belonging(charger(id), sessions, {}, "day")) for id in stations) == 35


def test_a_car_wants_what_was_requested_and_not_what_was_delivered() -> None:
    first = read_sessions(DAY)[0]
    assert (first.vehicle_id, first.wanted_kwh) == ("001", 21.84)


def test_the_plan_gives_no_car_more_than_it_wants_nor_while_it_is_away() -> None:
    table = [
        line.split(",")
        for line in (EXAMPLES / "caltech_2019-06-05_plan.csv").read_text().splitlines()
    ]
    times = parse_sessions(
        [HEADER, *(f"x,{row[0]},2030-01-01T00:00:00Z,0,0,x" for row in table[1:])], "plan"
    )
    for session in read_sessions(DAY):
        column = table[0].index(f"ev_{session.vehicle_id}_kw")
        cells = [
            (time.arrival, float(row[column]))
            for time, row in zip(times, table[1:], strict=True)
            if row[column]
        ]
        # The plan's cells are rounded to a hundredth of a kilowatt.
        assert sum(kw for _, kw in cells) / 4 <= session.wanted_kwh + 0.01 * len(cells) / 4
        assert cells[0][0] >= session.arrival
        assert cells[-1][0] < session.departure


def test_an_empty_request_falls_back_to_what_was_delivered() -> None:
    (session,) = parse_sessions([HEADER, GOOD.replace(",5.5,", ",,")], "day")
    assert session.wanted_kwh == 4.0


@pytest.mark.parametrize("key", ["7", "ev_7"])
def test_the_asset_map_decides_before_the_station(key: str) -> None:
    sessions = parse_sessions([HEADER, GOOD], "day")
    assert belonging(charger("A-1"), sessions, {key: "bay"}, "day") == ()
    assert belonging(charger("bay"), sessions, {key: "bay"}, "day") == sessions


@pytest.mark.parametrize(
    "asset", [charger("A-1"), charger(station="A-1"), charger(charge_point="A-1")]
)
def test_a_station_is_found_by_id_or_key(asset: Asset) -> None:
    sessions = parse_sessions([HEADER, GOOD], "day")
    assert belonging(asset, sessions, {"8": "other"}, "day") == sessions


def test_other_stations_are_left_out() -> None:
    assert belonging(charger("A-2"), parse_sessions([HEADER, GOOD], "day"), {}, "day") == ()


def test_cars_come_in_order_of_arrival() -> None:
    later = GOOD.replace("7,", "8,", 1).replace("T08", "T10").replace("T09", "T11")
    ours = belonging(charger("A-1"), parse_sessions([HEADER, later, GOOD], "day"), {}, "day")
    assert [session.vehicle_id for session in ours] == ["7", "8"]


def test_two_cars_on_one_charger_are_refused() -> None:
    other = GOOD.replace("7,", "8,", 1).replace("T08:00", "T08:59")
    with pytest.raises(SessionsError, match=r"vehicles '7' and '8' are both on asset 'A-1' at"):
        belonging(charger("A-1"), parse_sessions([HEADER, GOOD, other], "day"), {}, "day")


def test_a_device_without_a_file_has_no_sessions_and_one_with_a_file_reads_it() -> None:
    assert sessions_of(charger()) is None
    found = sessions_of(charger("CA-311", sessions=DAY.name), str(EXAMPLES))
    assert [session.vehicle_id for session in found or ()] == ["001", "027"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "day: lacks the column 'vehicle_id'"),
        (["vehicle_id,arrival,departure"], r"day: lacks the column 'requested_energy \(kWh\)'"),
        ([HEADER, "7,2026-06-01T08:00:00Z"], "day: row 2: departure '' is not a time"),
        ([HEADER, GOOD, GOOD.replace("7,", ",", 1)], "day: row 3: vehicle_id is empty"),
        ([HEADER, GOOD.replace("Z", "", 1)], "row 2: arrival '2026-06-01T08:00:00' has no zone"),
        ([HEADER, GOOD.replace("T08", "T09")], "row 2: departure .* is not after arrival"),
        ([HEADER, GOOD.replace("5.5", "much")], "row 2: requested_energy .* 'much' is not an"),
        ([HEADER, GOOD.replace("5.5", "nan")], "'nan' is not an energy"),
        ([HEADER, GOOD.replace("5.5", "-1")], "'-1' is not an energy"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(lines: list[str], message: str) -> None:
    with pytest.raises(SessionsError, match=message) as refused:
        parse_sessions(lines, "day")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"vehicle_id\x00,\n", None])
def test_a_file_that_is_no_text_or_not_there_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "day.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SessionsError, match=r"day\.csv: ") as refused:
        read_sessions(path)
    assert "\n" not in str(refused.value)
