"""The commands that carry out a plan, or are the equipment that it is carried out on."""

import asyncio
import sys
from pathlib import Path

import msgspec

from pointsman import app
from pointsman.cli import output
from pointsman.cli.errors import FlagError
from pointsman.cli.live import watching
from pointsman.cli.reports import show_report
from pointsman.config import read_site
from pointsman.library.running import Options
from pointsman.library.simulating import simulate as devices
from pointsman.schedules.report import Report


def run(
    plan: str, site_file: Path, report_file: Path | None, options: Options, *, as_json: bool
) -> None:
    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise FlagError(f"--report {report_file}: there is no folder {report_file.parent}")
    with watching(sys.stderr if as_json else sys.stdout) as watcher:
        report = asyncio.run(app.run(plan, site_file, options, watcher))
    if report_file is not None:
        report_file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    _show(report, as_json=as_json)


def demo(*, as_json: bool) -> None:
    with watching(sys.stderr if as_json else sys.stdout) as watcher:
        report, journal = asyncio.run(app.demo(watcher))
    _show(report, as_json=as_json)
    if not as_json:
        output.line(f"look further: pointsman why CA-311 --journal {journal}")


def simulate(site_file: Path, faults: Path | None, ocpp: str | None, log: Path | None) -> None:
    where = options(ocpp=ocpp).ocpp
    asyncio.run(devices(read_site(site_file), faults=faults, ocpp=where, log=log))


def options(**flags: object) -> Options:
    """The flags that were given; what was not is as it is by default.

    Raises:
        FlagError: If one of them cannot be used.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Options(**given)  # type: ignore[arg-type]  # commands.py says their types.
    except ValueError as error:
        raise FlagError(str(error)) from error


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        output.json(report)
    else:
        show_report(report)
