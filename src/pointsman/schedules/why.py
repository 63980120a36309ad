"""Why an asset does what it does: the facts behind its value at an instant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from pointsman.schedules.facts import AboutCommand, Fact
from pointsman.schedules.model import Command, Mark, Plan
from pointsman.schedules.standing import Present, Standing, assets_of

SHOWN: Final = 10
"""Names that a message lists."""


class UnknownAsset(ValueError):
    """Nothing was ever planned for, told to or heard of such an asset."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fact in the life of a command."""

    at: datetime
    what: str
    """The fact's name."""
    command: Command
    """As it was from then on."""


@dataclass(frozen=True, slots=True)
class Why:
    """What an asset follows at `at`, and how that came to be."""

    at: datetime
    standing: Standing
    command: Command | None
    """The one in force; where none is, the one sent last; where none was, None."""
    steps: tuple[Step, ...]
    """All facts of that command until then, oldest first."""
    plan: Plan | None
    """Where it comes from. None: it comes from no plan."""
    mark: Mark | None
    """Why its row is there, if it is not simply a new value of the plan."""
    tries: int
    errors: tuple[str, ...]
    """What was said of tries that failed."""
    trouble: tuple[Step, ...]
    """The facts of the command that was sent after the one in force, if it is another."""


def why(
    facts: Iterable[tuple[str, Fact, datetime]], asset_id: str, at: datetime | None = None
) -> Why:
    """Why an asset follows what it does at `at`, from all facts of its site in order.

    Args:
        facts: Entity, fact, and when it happened.
        asset_id: The asset.
        at: Later facts are left out. Default: when the last fact happened.

    Raises:
        UnknownAsset: If nothing was ever heard of the asset. Names the nearest that was.
    """
    present = Present()
    later: set[str] = set()
    steps: dict[str, list[Step]] = {}
    for _, fact, happened_at in facts:
        if at is not None and happened_at > at:
            later.update(assets_of(fact))
            continue
        present.take(fact, happened_at)
        if isinstance(fact, AboutCommand) and fact.command.asset_id == asset_id:
            command = fact.command
            steps.setdefault(command.id, []).append(Step(happened_at, type(fact).__name__, command))
    known = sorted(present.known | later)
    now = at or present.at
    if asset_id not in known or now is None:
        raise _unknown(asset_id, known)
    return _told(present, present.standing(asset_id, now), steps, now)


def _told(present: Present, standing: Standing, steps: dict[str, list[Step]], now: datetime) -> Why:
    command = standing.in_force or standing.last
    later = standing.in_flight or standing.last
    behind = steps.get(command.id, []) if command else []
    other = later is not None and command is not None and later.id != command.id
    return Why(
        now,
        standing,
        command,
        tuple(behind),
        present.plans.get(command.plan_id) if command else None,
        Mark(command.reason) if command and command.reason in set(Mark) else None,
        command.progress.attempt if command else 0,
        tuple(dict.fromkeys(s.command.progress.error for s in behind if s.command.progress.error)),
        tuple(steps.get(later.id, ())) if later is not None and other else (),
    )


def _unknown(asset_id: str, known: list[str]) -> UnknownAsset:
    if not known:
        return UnknownAsset(f"nothing was ever heard of {asset_id!r}, nor of any other asset")
    if near := get_close_matches(asset_id, known, n=1):
        return UnknownAsset(f"nothing was ever heard of {asset_id!r}; did you mean {near[0]!r}?")
    more = ", …" if len(known) > SHOWN else ""
    return UnknownAsset(
        f"nothing was ever heard of {asset_id!r}; known: {', '.join(known[:SHOWN])}{more}"
    )
