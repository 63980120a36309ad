"""Change detection: the values of one channel become the rows where something new is said.

    cells     5.0   5.02   None   None   None   7.0        None: no instruction
    filled    5.0   5.02   5.02   5.02   safe   7.0        held for at most `max_hold` slots
    rows      5.0                        safe   7.0   release

A row is new against the last row that was emitted, not against the slot before: otherwise a
value that drifts slowly would never be sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from math import copysign, fsum
from operator import mul
from typing import Literal, TypeAlias

from pointsman.core.assets import Asset, AssetKind, MinPolicy, ZeroPolicy
from pointsman.schedules.cells import NOISE, Series, Values
from pointsman.schedules.model import Channel, Mark, Timeline
from pointsman.schedules.table import ScheduleError

Nan: TypeAlias = Literal["hold", "error", "safe"]
End: TypeAlias = Literal["default", "hold", "zero"]

_EXACT = 1e-9
"""kW by which two floats may differ that were meant to be equal."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all timelines of one import have in common."""

    plan_id: str
    hours: tuple[float, ...]
    """How long each slot is."""
    first: int
    """The slot that rows begin with: what is before it is past."""
    nan: Nan = "hold"
    max_hold: int = 2
    end: End = "default"


def build_timeline(
    frame: Frame, asset: Asset, channel: Channel, series: Series, in_force: float | None = None
) -> Timeline | None:
    """The rows of one channel. None: its cells never say anything that could be told.

    `in_force` is the signed kW that the asset is known to follow.
    """
    power = channel is Channel.POWER
    wanted, empty = _wanted(frame, asset, power, series, in_force)
    first = next((s for s in range(frame.first, len(wanted)) if wanted[s] is not None), None)
    if first is None:
        return None
    planned: list[float] = [0.0 if value is None else value for value in wanted]
    values = _clamped(planned, asset, empty) if power else planned
    deadband = asset.least_change_kw if channel is not Channel.SOC else 0.0
    assumed = in_force if _same(values[first], in_force, deadband) else None
    slots = _news(values, first, deadband + _EXACT, assumed, _departures(series.vehicles))
    rows = [values[slot] for slot in slots]
    mark = Mark.SAFE if series.vehicles is None else Mark.AWAY
    marks, requested = _marks(slots, values, planned, empty, mark)
    charged, discharged = _energy(planned, frame) if power else (0.0, 0.0)
    return Timeline(
        plan_id=frame.plan_id,
        asset_id=asset.id,
        channel=channel,
        slots=(*slots, len(values)),
        values=(*rows, _release(asset, channel, frame.end, rows[-1])),
        marks={**marks, len(slots): Mark.RELEASE},
        requested=requested,
        vehicles={} if series.vehicles is None else _turns(slots, series.vehicles),
        assumed=assumed,
        stop_at_zero=power and _stops_at_zero(asset),
        deadband=deadband,
        safe_default_kw=asset.safe_default_kw if power else None,
        release_offset_seconds=frame.hours[-1] * 3600.0 if frame.end == "hold" else 0.0,
        planned_charge_kwh=charged,
        planned_discharge_kwh=discharged,
        gaps=_gaps(frame, series),
        clamps=_differences(values, planned, frame.first),
    )


def build_release(frame: Frame, asset: Asset) -> Timeline:
    """One row for an asset that the plan takes over and says nothing of: let go at once."""
    return Timeline(
        plan_id=frame.plan_id,
        asset_id=asset.id,
        channel=Channel.POWER,
        slots=(frame.first,),
        values=(asset.safe_default_kw or 0.0,),
        marks={0: Mark.RELEASE},
        deadband=asset.least_change_kw,
        safe_default_kw=asset.safe_default_kw,
    )


def _wanted(
    frame: Frame, asset: Asset, power: bool, series: Series, in_force: float | None
) -> tuple[Values, frozenset[int]]:
    """What each slot is to be told, and the slots where that is not the plan's own word."""
    if series.vehicles is None:
        safe = (asset.safe_default_kw or 0.0) if power else None
        return _filled(series.values, in_force, safe, 0 if frame.nan == "safe" else frame.max_hold)
    if None not in series.vehicles:
        return series.values, frozenset()
    away = frozenset(slot for slot, cell in enumerate(series.values) if cell is None)
    return [0.0 if cell is None else cell for cell in series.values], away


def _filled(
    cells: Values, held: float | None, safe: float | None, max_hold: int
) -> tuple[Values, frozenset[int]]:
    """Cells with their gaps filled, and the slots that hold the safe default.

    Where there is no safe default (a limit, a state of charge), the last value stays.
    """
    if None not in cells:
        return cells, frozenset()
    values: list[float | None] = []
    unsafe: list[int] = []
    silent = 0
    for slot, cell in enumerate(cells):
        if cell is not None:
            silent, held = 0, cell
            values.append(cell)
            continue
        silent += 1
        if safe is not None and (silent > max_hold or held is None):
            unsafe.append(slot)
            values.append(safe)
        else:
            values.append(held)
    return values, frozenset(unsafe)


def _clamped(values: list[float], asset: Asset, empty: frozenset[int]) -> list[float]:
    """Values that the equipment can follow: 0, or at least `min_kw`."""
    zero, least = 0.0, asset.min_kw
    if asset.kind is AssetKind.EV_CHARGER and asset.zero_policy is ZeroPolicy.MIN_CURRENT:
        if least is None:
            raise ScheduleError(
                f"asset {asset.id!r}: zero_policy 'min_current' needs min_kw, such as 1.4"
            )
        zero = least
    if not least:
        return values
    bound = least - NOISE
    small = zero if asset.min_policy is MinPolicy.ZERO else least

    def clamp(slot: int, value: float) -> float:
        if slot in empty or abs(value) >= bound:
            return value
        return zero if abs(value) <= NOISE else copysign(small, value)

    return [clamp(slot, value) for slot, value in enumerate(values)]


def _same(value: float, in_force: float | None, deadband: float) -> bool:
    return in_force is not None and abs(value - in_force) <= deadband + _EXACT


def _stops_at_zero(asset: Asset) -> bool:
    return asset.kind is AssetKind.EV_CHARGER and asset.zero_policy is ZeroPolicy.STOP


def _gaps(frame: Frame, series: Series) -> int:
    if series.vehicles is not None:
        return 0
    return sum(cell is None for cell in series.values[frame.first :])


def _departures(vehicles: Sequence[str | None] | None) -> frozenset[int]:
    """Slots from which on a vehicle is gone: each is told, whatever the value before it."""
    if vehicles is None or len(set(vehicles)) == 1:
        return frozenset()
    return frozenset(
        slot
        for slot, (before, after) in enumerate(pairwise(vehicles), 1)
        if before is not None and before != after
    )


def _turns(slots: Sequence[int], vehicles: Sequence[str | None]) -> dict[int, str]:
    """By row: whose column speaks from here on."""
    turns: dict[int, str] = {}
    if len(set(vehicles)) == 1:
        slots = slots[:1]
    before: str | None = None
    for row, slot in enumerate(slots):
        vehicle = vehicles[slot]
        if vehicle is not None and vehicle != before:
            turns[row] = vehicle
        before = vehicle
    return turns


def _news(
    values: Sequence[float], first: int, band: float, assumed: float | None, forced: frozenset[int]
) -> list[int]:
    """The slots whose value is new. Until row 0 is sent for sure, both it and `assumed` hold."""
    start = values[first]
    other = start if assumed is None else assumed
    high, low = min(start, other) + band, max(start, other) - band
    slots = [first]
    for slot, value in enumerate(values[first + 1 :], first + 1):
        if value > high or value < low or slot in forced:
            slots.append(slot)
            high = value + band
            low = value - band
    return slots


def _marks(
    slots: Sequence[int],
    values: Sequence[float],
    planned: Sequence[float],
    empty: frozenset[int],
    mark: Mark,
) -> tuple[dict[int, Mark], dict[int, float]]:
    """By row: why it is there, and what the plan said where the value is another."""
    marks = {row: mark for row, slot in enumerate(slots) if slot in empty} if empty else {}
    requested: dict[int, float] = {}
    if values is not planned:
        for row, slot in enumerate(slots):
            if values[slot] != planned[slot]:
                marks[row], requested[row] = Mark.MINIMUM, planned[slot]
    return marks, requested


def _differences(values: Sequence[float], planned: Sequence[float], first: int) -> int:
    if values is planned:
        return 0
    return sum(a != b for a, b in zip(values[first:], planned[first:], strict=True))


def _energy(planned: Sequence[float], frame: Frame) -> tuple[float, float]:
    """What the cells charge and discharge from the first slot on, in kWh."""
    energies = list(map(mul, planned[frame.first :], frame.hours[frame.first :]))
    if min(energies) >= 0.0:
        return fsum(energies), 0.0
    charged = fsum(map(max, energies, repeat(0.0)))
    return charged, -fsum(map(min, energies, repeat(0.0)))


def _release(asset: Asset, channel: Channel, end: End, last: float) -> float:
    """What is told with the release, to a device that cannot simply let go."""
    match channel:
        case Channel.POWER:
            return 0.0 if end == "zero" else asset.safe_default_kw or 0.0
        case Channel.LIMIT:
            return asset.charge_limit_kw or last
        case _:
            return last
