"""The commands that carry out a plan, or are the equipment that it is carried out on."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pointsman import app
from pointsman.cli import output
from pointsman.cli.errors import CommandsFailed, FlagError
from pointsman.cli.live import watching
from pointsman.cli.reports import show_report
from pointsman.cli.stopping import until_stopped
from pointsman.config import Settings, read_settings, read_site
from pointsman.library.running import Options, write_report
from pointsman.library.simulating import simulate as devices
from pointsman.schedules.model import CommandStatus
from pointsman.schedules.report import Report

FAILURES: Final = (CommandStatus.FAILED, CommandStatus.TIMED_OUT, CommandStatus.REJECTED)


def run(
    plan: str, site_file: Path, report_file: Path | None, options: Options, *, as_json: bool
) -> None:
    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise FlagError(f"--report {report_file}: there is no folder {report_file.parent}")
    with watching(sys.stderr if as_json else sys.stdout) as watcher:
        report = until_stopped(app.run(plan, site_file, options, watcher))
    if report_file is not None:
        write_report(report, report_file)
    _show(report, as_json=as_json)
    _refuse_failures(report, options.path)


def demo(*, as_json: bool) -> None:
    with watching(sys.stderr if as_json else sys.stdout) as watcher:
        report, journal = until_stopped(app.demo(watcher))
    _show(report, as_json=as_json)
    if not as_json:
        output.line(f"look further: pointsman why CA-311 --journal {journal}")


def simulate(site_file: Path, faults: Path | None, ocpp: str | None, log: Path | None) -> None:
    where = options(ocpp=ocpp).ocpp
    until_stopped(devices(read_site(site_file), faults=faults, ocpp=where, log=log))


def options(**flags: object) -> Options:
    """The flags that were given; what was not is as it is by default.

    Raises:
        FlagError: If one of them cannot be used.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    settings = _settings(given)
    given["ocpp"] = str(settings.ocpp)
    if "POINTSMAN_JOURNAL" in os.environ and not given.get("dry_run"):
        given["journal"] = settings.journal
    try:
        return Options(**given)  # type: ignore[arg-type]  # commands.py says their types.
    except ValueError as error:
        raise FlagError(str(error)) from error


def _settings(given: Mapping[str, object]) -> Settings:
    try:
        flags = {name: given.get(name) for name in ("journal", "ocpp")}
        return read_settings(os.environ, **flags)  # type: ignore[arg-type]
    except ValueError as error:
        raise FlagError(str(error)) from error


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        output.json(report)
    else:
        show_report(report)


def _refuse_failures(report: Report, journal: Path | None) -> None:
    """A plan was carried out only if every device did what it was told.

    Raises:
        CommandsFailed: If one did not.
    """
    counts = report["totals"]["commands"]
    failed = {status.value: n for status in FAILURES if (n := counts.get(status.value))}
    if failed:
        look = f"pointsman log --journal {journal}" if journal else "run with --journal FILE"
        raise CommandsFailed(
            f"{sum(failed.values())} of {sum(counts.values())} commands failed "
            f"({output.counts(failed)}); to see which and why: {look}"
        )
