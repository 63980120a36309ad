"""Findings: where a plan asks for more than the site or its equipment can do.

They are told, and change nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsman.core.assets import Asset
from pointsman.schedules.cells import NOISE
from pointsman.schedules.model import Channel, Context, Plan, Timeline

NET_LOAD = "net_load_kw"
"""The context column where an optimizer says what the site would draw in all."""


@dataclass(frozen=True, slots=True)
class Excess:
    """One limit, and how often and how far a plan is beyond it."""

    what: str
    """An asset's id, or the sum that was compared."""
    limit_kw: float
    """Signed: a limit of discharging is negative."""
    slots: tuple[int, ...]
    """The slots where a value beyond it begins, or, of a sum, all slots beyond it."""
    worst_slot: int
    worst_kw: float

    def __str__(self) -> str:
        others = len(self.slots) - 1
        more = f", as {'is' if others == 1 else 'are'} {others} more" if others else ""
        return (
            f"{self.what}: {self.worst_kw:g} kW in slot {self.worst_slot} is beyond "
            f"{self.limit_kw:g} kW{more}"
        )


def over_rating(timelines: Sequence[Timeline], assets: Mapping[str, Asset]) -> tuple[Excess, ...]:
    """Rows beyond what their asset can take in or give."""
    found: list[Excess] = []
    for timeline in timelines:
        asset = assets.get(timeline.asset_id)
        if asset is None or timeline.channel is Channel.SOC:
            continue
        most, least = asset.charge_limit_kw, asset.discharge_limit_kw
        if most is not None and max(timeline.values) > most + NOISE:
            found.append(_excess(asset.id, timeline.slots, timeline.values, most, 1))
        if least is not None and min(timeline.values) < -least - NOISE:
            found.append(_excess(asset.id, timeline.slots, timeline.values, -least, -1))
    return tuple(found)


def over_import(
    plan: Plan, timelines: Sequence[Timeline], contexts: Sequence[Context], import_limit_kw: float
) -> tuple[Excess, ...]:
    """Slots where the site would draw more than it may.

    Compared are the power of all that the plan controls and, where a `net_load_kw` column tells
    it, the optimizer's own figure for the whole site.
    """
    slots = range(plan.slot_count)
    sums: list[tuple[str, Sequence[float]]] = [("controlled power", _controlled(plan, timelines))]
    for context in contexts:
        if context.column == NET_LOAD:
            numbers = [v if isinstance(v, float) else 0.0 for v in context.values]
            sums.append((f"column {NET_LOAD!r}", numbers))
    return tuple(
        _excess(what, slots, values, import_limit_kw, 1)
        for what, values in sums
        if max(values) > import_limit_kw + NOISE
    )


def _controlled(plan: Plan, timelines: Sequence[Timeline]) -> list[float]:
    """The power of all timelines together, slot by slot."""
    steps = [0.0] * (plan.slot_count + 1)
    for timeline in timelines:
        if timeline.channel is Channel.POWER:
            before = 0.0
            for slot, value in zip(timeline.slots, timeline.values, strict=True):
                steps[slot] += value - before
                before = value
    total = 0.0
    totals: list[float] = []
    for step in steps[:-1]:
        total += step
        totals.append(total)
    return totals


def _excess(
    what: str, slots: Sequence[int], values: Sequence[float], limit: float, sign: int
) -> Excess:
    beyond = [at for at, value in enumerate(values) if (value - limit) * sign > NOISE]
    worst = max(beyond, key=lambda at: values[at] * sign)
    return Excess(what, limit, tuple(slots[at] for at in beyond), slots[worst], values[worst])
