"""A report as people read it."""

from pointsman.cli import output
from pointsman.schedules.report import Report, Totals

_ENERGIES = ("planned", "requested", "acknowledged", "delivered")


def show_report(report: Report) -> None:
    plan, totals = report["plan"], report["totals"]
    dry = ", a dry run" if report["dry_run"] else ""
    pace = "" if report["speed"] == 1 else f", at speed {report['speed']:g}"
    output.line(
        f"{plan['file']} ({plan['id']}) at {report['site']}{pace}{dry}: "
        f"{plan['slots']} slots from {plan['start']} to {plan['end']}"
    )
    headers = ("asset", *(f"{word} kWh" for word in _ENERGIES), "commands")
    rows = [_row(asset_id, asset) for asset_id, asset in report["assets"].items()]
    output.table(headers, [*rows, _row("all", totals)])
    output.line("kWh are charged / discharged")
    late = totals["lateness_seconds"]
    if late["max"] is not None:
        shown = ", ".join(f"{word} {1000 * (late[word] or 0.0):.1f} ms" for word in ("p50", "p99"))
        output.line(f"lateness: {shown}, at most {1000 * late['max']:.1f} ms")
    output.line(f"{totals['clamps']} values clamped, {totals['gaps']} gaps")


def _row(name: str, totals: Totals) -> tuple[str, ...]:
    pairs = (
        (totals["planned_charge_kwh"], totals["planned_discharge_kwh"]),
        (totals["requested_charge_kwh"], totals["requested_discharge_kwh"]),
        (totals["acknowledged_charge_kwh"], totals["acknowledged_discharge_kwh"]),
        (totals["delivered_charge_kwh"], totals["delivered_discharge_kwh"]),
    )
    energies = (
        "unknown" if charged is None else f"{output.kwh(charged)} / {output.kwh(discharged)}"
        for charged, discharged in pairs
    )
    return (name, *energies, output.counts(totals["commands"]))
