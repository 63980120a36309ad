"""The command that looks at a plan, and changes nothing."""

from datetime import datetime
from pathlib import Path

from pointsman.app.operating import executors_of
from pointsman.cli import output
from pointsman.cli.times import show
from pointsman.config import read_site
from pointsman.devices.protocols import check_devices
from pointsman.library.checking import Checked, check_plan
from pointsman.runtime.clock import SystemClock


def check(plan: str, site_file: Path, tz: str | None, *, as_json: bool) -> None:
    site = read_site(site_file)
    check_devices(site.assets.values())
    executors_of(site.resources)
    found = check_plan(plan, site, tz=tz)
    if as_json:
        output.json(found)
        return
    output.line(
        f"{found.file}: {found.slots} slots from {show(found.start, site.timezone)} to "
        f"{show(found.end, site.timezone)}, for {len(found.assets)} assets of {found.site_id}"
    )
    output.line(
        f"{found.commands} commands stand for {found.cells} cells; planned are "
        f"{output.kwh(found.planned_charge_kwh)} kWh of charging and "
        f"{output.kwh(found.planned_discharge_kwh)} kWh of discharging; "
        f"{found.clamps} values clamped, {found.gaps} gaps"
    )
    _assets(found)
    for text in _findings(found, SystemClock().now()):
        output.line(text)


def _assets(found: Checked) -> None:
    headers = ("asset", "columns", "commands", "charge kWh", "discharge kWh", "least kW", "most kW")
    output.table(
        (*headers, "clamps", "gaps"),
        (
            (
                asset_id,
                ", ".join(asset.columns),
                str(sum(asset.commands.values())),
                output.kwh(asset.planned_charge_kwh),
                output.kwh(asset.planned_discharge_kwh),
                output.kw(asset.least_kw),
                output.kw(asset.most_kw),
                str(asset.clamps),
                str(asset.gaps),
            )
            for asset_id, asset in found.assets.items()
        ),
        words=2,
    )


def _findings(found: Checked, now: datetime) -> list[str]:
    lines = [
        f"context, which commands nothing: {', '.join(found.context) or 'none'}",
        f"keys of the asset map without a column: {', '.join(found.unused_keys) or 'none'}",
        f"assets that the plan says nothing of: {', '.join(found.unplanned) or 'none'}",
        *(f"beyond a rating: {excess}" for excess in found.over_rating),
        *(f"beyond the import limit: {excess}" for excess in found.over_import),
    ]
    lines += found.warnings
    if found.end <= now:
        lines.append("the plan is over: to run it all the same, use --speed above 1")
    return lines
