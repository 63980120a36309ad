"""Cells: the columns of one channel made one series of checked, signed values.

Charging is positive. None is a cell that gives no instruction, or a vehicle that is away. What
no device could follow (an infinity, a text, a negative charge) refuses the whole plan.
"""

from collections.abc import Sequence
from math import inf, isfinite, isinf
from reprlib import repr as shown
from typing import Final, Literal, NamedTuple, TypeAlias

from pointsman.schedules.columns import Role, Target
from pointsman.schedules.table import Cell, Table

Both: TypeAlias = Literal["error", "net"]
Values: TypeAlias = Sequence[float | None]

NOISE: Final = 1e-6
"""A milliwatt: solvers leave such crumbs where they mean 0."""


class Series(NamedTuple):
    """What one channel of one asset is told, slot by slot."""

    values: Values
    vehicles: Sequence[str | None] | None = None
    """Whose column each value is from. None: these are no vehicles, and an empty cell is a gap."""


_QUIET: Final = frozenset({float, type(None)})


def read_cells(table: Table, targets: Sequence[Target], both: Both, warnings: list[str]) -> Series:
    """The values of one channel of one asset, from its columns.

    Adds a line to `warnings` where both directions were netted.

    Raises:
        ScheduleError: If a cell, or two cells together, are no instruction.
    """
    first = targets[0]
    match first.role:
        case Role.VEHICLE:
            return _one_after_the_other(table, [target.column for target in targets])
        case Role.CHARGE | Role.DISCHARGE:
            columns = {target.role: target.column for target in targets}
            charge, discharge = columns.get(Role.CHARGE), columns.get(Role.DISCHARGE)
            if charge is not None and discharge is not None:
                return Series(_net(table, charge, discharge, both, warnings))
            cells = _magnitudes(table, first.column)
            if discharge is not None:
                cells = [None if cell is None else 0.0 - cell for cell in cells]
            return Series(cells)
        case Role.LIMIT:
            return Series(_within(table, first.column, 0.0, inf, "a limit is 0 or more"))
        case Role.SOC:
            rule = "a state of charge is 0 to 100 percent"
            return Series(_within(table, first.column, 0.0, 100.0, rule))
        case Role.SETPOINT:
            return Series(numbers(table, first.column))


def numbers(table: Table, column: str) -> Values:
    """A column's cells, if all are finite numbers or empty.

    Raises:
        ScheduleError: At the first cell that is neither.
    """
    cells = table.columns[column]
    if _QUIET.issuperset(map(type, cells)):
        known = [cell for cell in cells if cell is not None]
        if isfinite(sum(known)):  # type: ignore[arg-type]  # the line above saw the types
            return cells  # type: ignore[return-value]
    return [_number(table, row, column, cell) for row, cell in enumerate(cells)]


def _number(table: Table, row: int, column: str, cell: Cell) -> float | None:
    if cell is None or cell != cell:  # noqa: PLR0124  # NaN alone differs from itself.
        return None
    if isinstance(cell, str | bool):
        hint = "a point as decimal mark" if "," in str(cell) else "a number or an empty cell"
        raise table.refuse(row, column, f"{shown(cell)} is no power; {hint} would work")
    if isinf(cell):
        raise table.refuse(row, column, f"{cell} is no power; a finite number would work")
    return float(cell)


def _within(table: Table, column: str, least: float, most: float, rule: str) -> Values:
    """A column's cells, if all are in range but for noise, which is taken off."""
    cells = numbers(table, column)
    known = [cell for cell in cells if cell is not None]
    if not known or (min(known) >= least and max(known) <= most):
        return cells
    for row, cell in enumerate(cells):
        if cell is not None and not least - NOISE <= cell <= most + NOISE:
            raise table.refuse(row, column, f"{cell} does not fit, {rule}")
    return [None if cell is None else min(max(cell, least), most) for cell in cells]


def _magnitudes(table: Table, column: str) -> Values:
    rule = "power is 0 or more here; a {asset}_setpoint_kw column is signed"
    return _within(table, column, 0.0, inf, rule)


def _one_after_the_other(table: Table, columns: Sequence[str]) -> Series:
    """Several vehicles on one charger: each slot belongs to at most one of them."""
    if len(columns) == 1:
        cells, column = _magnitudes(table, columns[0]), columns[0]
        return Series(cells, [None if cell is None else column for cell in cells])
    merged: list[float | None] = [None] * len(table.times)
    owners: list[str | None] = [None] * len(table.times)
    for column in columns:
        for row, cell in enumerate(_magnitudes(table, column)):
            if cell is None:
                continue
            if owners[row] is not None:
                raise table.refuse(
                    row,
                    column,
                    f"{cell} kW for a charger to which column {owners[row]!r} gives "
                    f"{merged[row]} kW in the same slot; one of the two cells must be empty",
                )
            owners[row], merged[row] = column, cell
    return Series(merged, owners)


def _net(table: Table, charge: str, discharge: str, both: Both, warnings: list[str]) -> Values:
    """Two directions as one signed series. Where one says 0 and the other nothing: nothing."""
    ups, downs = _magnitudes(table, charge), _magnitudes(table, discharge)
    crossed = [row for row, (up, down) in enumerate(zip(ups, downs, strict=True)) if up and down]
    real = [row for row in crossed if min(ups[row] or 0.0, downs[row] or 0.0) > NOISE]
    if real and both == "error":
        row = real[0]
        raise table.refuse(
            row,
            discharge,
            f"discharging {downs[row]} kW while column {charge!r} charges {ups[row]} kW; "
            'one of them 0, or both="net", would work',
        )
    if real:
        most = max(min(ups[row] or 0.0, downs[row] or 0.0) for row in real)
        warnings.append(
            f"{table.name}, columns {charge!r} and {discharge!r}: both directions at once in "
            f"{len(real)} slots, first in {table.where(real[0])}, netted (at most {most:g} kW)"
        )
    return [_signed(up, down) for up, down in zip(ups, downs, strict=True)]


def _signed(up: float | None, down: float | None) -> float | None:
    if up is None or down is None:
        return up or (-down if down else None)
    return up - down
