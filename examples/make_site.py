"""Write a site file for the chargers and vehicles of a sessions file.

    python examples/make_site.py SESSIONS.csv --id depot --timezone Europe/Berlin > site.toml

The sessions file is a CSV with the columns `vehicle_id` and `station_id`, as ACN-Data has them.
Each station becomes a charger, and each vehicle a column `ev_<vehicle_id>` of a plan. Without
`--sockets` the equipment is simulated inside `pointsman run`; with it, the chargers speak OCPP
1.6 and the battery SunSpec, to be played by `pointsman simulate --site` in another process.
"""

import argparse
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

HEAD = """\
# Made by make_site.py from {sessions}. Who the data is from: README.md.

[site]
id = {id}
timezone = {timezone}
import_limit_kw = {limit_kw:.1f}
"""
CHARGER = """
[[asset]]
id = {id}
kind = "ev_charger"
rating_kw = {rating_kw}
device = {device}
"""
BATTERY = """
[[asset]]
id = "battery"
kind = "battery"
max_charge_kw = {kw:.1f}
max_discharge_kw = {kw:.1f}
capacity_kwh = {kwh:.1f}
soc_start_percent = {soc_percent:.1f}
device = {device}
"""


def quoted(text: str) -> str:
    """A TOML text. TOML escapes what JSON escapes."""
    return json.dumps(text, ensure_ascii=False)


def vehicles_and_stations(path: Path) -> dict[str, str]:
    """Which station each vehicle went to, in the order of the file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"vehicle_id", "station_id"} <= rows[0].keys():
        raise SystemExit(f"{path}: has no rows with vehicle_id and station_id")
    return {row["vehicle_id"]: row["station_id"] for row in rows}


def site(options: argparse.Namespace) -> Iterator[str]:
    """The site file, piece by piece."""
    sessions = options.sessions.name
    station_of = vehicles_and_stations(options.sessions)
    yield HEAD.format(
        sessions=sessions,
        id=quoted(options.id),
        timezone=quoted(options.timezone),
        limit_kw=options.import_limit_kw,
    )
    for station in sorted(set(station_of.values())):
        wire = f'protocol = "ocpp1.6", charge_point = {quoted(station)}, simulated = true'
        how = wire if options.sockets else 'protocol = "simulated"'
        device = f"{{ {how}, sessions = {quoted(sessions)} }}"
        yield CHARGER.format(id=quoted(station), rating_kw=options.rating_kw, device=device)
    if options.battery_kwh:
        wire = 'protocol = "sunspec", host = "127.0.0.1", port = 1502, unit = 1, simulated = true'
        how = wire if options.sockets else 'protocol = "simulated"'
        yield BATTERY.format(
            kw=options.battery_kw,
            kwh=options.battery_kwh,
            soc_percent=options.soc_start_percent,
            device=f"{{ {how} }}",
        )
    yield "\n[asset_map]\n"
    for vehicle, station in station_of.items():
        column = f"ev_{vehicle}"
        bare = re.fullmatch("[A-Za-z0-9_-]+", column)
        yield f"{column if bare else quoted(column)} = {quoted(station)}\n"
    if options.battery_kwh:
        yield 'battery = "battery"\n'


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a site file for a sessions file.")
    parser.add_argument("sessions", type=Path, help="CSV file of charging sessions")
    parser.add_argument("--id", default="site", help="the site's id")
    parser.add_argument("--timezone", default="UTC", help="as in Europe/Berlin")
    parser.add_argument("--import-limit-kw", type=float, default=60.0)
    parser.add_argument("--rating-kw", type=float, default=6.6, help="of each charger")
    parser.add_argument("--battery-kw", type=float, default=30.0, help="charging and discharging")
    parser.add_argument("--battery-kwh", type=float, default=120.0, help="0: there is no battery")
    parser.add_argument("--soc-start-percent", type=float, default=50.0, help="of the battery")
    parser.add_argument("--sockets", action="store_true", help="OCPP and SunSpec on loopback")
    print("".join(site(parser.parse_args())), end="")


if __name__ == "__main__":
    main()
