"""You have a plan; pointsman makes the equipment follow it, and proves that it did."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pointsman.library.running import Watcher
    from pointsman.schedules.report import Report

__all__ = ["run"]
__version__ = "0.2.0"


def run(  # noqa: PLR0913  The flags of `pointsman run` are its keywords.
    plan: Any,  # noqa: ANN401  Whatever a table can be read from.
    *,
    site: "str | Path",
    dry_run: bool = False,
    speed: float = 1.0,
    tz: str | None = None,
    journal: "str | Path | None" = None,
    report: "str | Path | None" = None,
    ocpp: str = "127.0.0.1:9000",
    take_over: bool = False,
    watcher: "Watcher | None" = None,
) -> "Report":
    """Carry out a plan to its end, and return the report. Waits; works in a notebook too.

    Args:
        plan: A pandas, Polars or PyArrow table, a list of dicts, a dict of lists, or the path of
            a .csv or .parquet file: one row a time slot, one column an asset, kW in the cells.
        site: The site file.
        dry_run: Send nothing to any device.
        speed: Above 1, for simulated devices only: at most so many times as fast as time goes by.
        tz: The zone of times that have none.
        journal: The file that makes the run survive anything. Default: `pointsman.db`; in a dry
            run, none. Call again after a crash, and it goes on.
        report: Where to write the report, as JSON, too.
        ocpp: HOST:PORT where chargers dial in.
        take_over: Take the journal from another process that writes it.
        watcher: Whoever wants to see the facts as they happen.

    Raises:
        ScheduleError, SiteError, DeviceTableError, InUse: If the run cannot begin. Nothing was
            written.
        FileNotFoundError: If there is no folder for the report.
    """
    from pathlib import Path

    from pointsman.app import run as carry_out
    from pointsman.library.blocking import wait_for
    from pointsman.library.running import Options, write_report

    if report and not Path(report).absolute().parent.is_dir():
        raise FileNotFoundError(f"report={str(report)!r}: there is no folder {Path(report).parent}")
    options = Options(dry_run, speed, tz, Path(journal) if journal else None, ocpp, take_over)
    result = wait_for(carry_out(plan, site, options, watcher))
    if report:
        write_report(result, Path(report))
    return result
