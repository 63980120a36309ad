"""What goes wrong with a simulated device, the same for the same seed.

A **fate** is drawn for each command from the seed, the asset, the command's number and the
fault's name, so neither the order of assets nor the time of day changes it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

EVERY_ASSET: Final = "*"
_SHARES: Final = ("drop", "lose", "delay", "refuse", "revert", "ignore")
_SECONDS: Final = ("delay_seconds", "revert_seconds")


class FaultsError(ValueError):
    """A table of faults says what cannot be."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what goes wrong. Shares are from 0, never, to 1, always."""

    drop: float = 0.0
    """The command acts, and its answer is lost."""
    lose: float = 0.0
    """The command does not arrive."""
    delay: float = 0.0
    """The answer is late by `delay_seconds`. The command acts at once."""
    delay_seconds: float = 5.0
    refuse: float = 0.0
    """The answer is no."""
    revert: float = 0.0
    """The device goes back to its own control after `revert_seconds`."""
    revert_seconds: float = 60.0
    ignore: float = 0.0
    """The setpoint is reported, and not followed."""
    silent_from: datetime | None = None
    silent_until: datetime | None = None
    """Between these the device neither acts nor answers. One alone has no other end."""

    def silent_at(self, now: datetime) -> bool:
        """Whether the device is dead to the world, to questions too."""
        if self.silent_from is None and self.silent_until is None:
            return False
        begun = self.silent_from is None or self.silent_from <= now
        return begun and (self.silent_until is None or now < self.silent_until)


FAULTLESS: Final = Faults()


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one command."""

    acts: bool = True
    answers: bool = True
    refused: bool = False
    """It answers no, and does not act."""
    delay_seconds: float = 0.0
    """How late it answers."""
    revert_seconds: float | None = None
    """How soon the device gives the setpoint up."""
    follows: bool = True
    """Whether the equipment does what the device says that it does."""

    def expiry(self, now: datetime, expires_at: datetime | None) -> datetime | None:
        """When a setpoint that is told now will end."""
        if self.revert_seconds is None:
            return expires_at
        gives_up = now + timedelta(seconds=self.revert_seconds)
        return gives_up if expires_at is None else min(gives_up, expires_at)


LUCKY: Final = Fate()


def fate_of(faults: Faults, seed: int, asset_id: str, number: int, now: datetime) -> Fate:
    """What becomes of the command of this number, counted from 0 for each asset."""
    if faults == FAULTLESS:
        return LUCKY
    if faults.silent_at(now):
        return Fate(acts=False, answers=False)

    def struck(fault: str) -> bool:
        share: float = getattr(faults, fault)
        return draw(seed, asset_id, number, fault) < share

    if struck("refuse"):
        return Fate(acts=False, refused=True)
    if struck("lose"):
        return Fate(acts=False, answers=False)
    return Fate(
        answers=not struck("drop"),
        delay_seconds=faults.delay_seconds if struck("delay") else 0.0,
        revert_seconds=faults.revert_seconds if struck("revert") else None,
        follows=not struck("ignore"),
    )


def faults_of_table(where: str, table: Mapping[str, Any]) -> Faults:
    """Faults as a table of a file says them.

    Raises:
        FaultsError: If a key is unknown, a share is not from 0 to 1, seconds are negative, or
            a time has no zone.
    """
    known = {f.name for f in fields(Faults)}
    for name, value in table.items():
        if name not in known:
            close = get_close_matches(name, sorted(known), n=1, cutoff=0.0)
            raise FaultsError(f"{where}: fault {name!r} is not known; did you mean {close[0]!r}?")
        if problem := _problem(name, value):
            raise FaultsError(f"{where}: fault {name!r} must be {problem}, not {value!r}")
    return Faults(**table)


def read_faults(path: Path) -> Mapping[str, Faults]:
    """The faults of a TOML file: a table an asset, and `["*"]` for all that have none.

    Raises:
        FaultsError: If the file cannot be read or says what cannot be.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FaultsError(f"{path}: no faults can be read: {error}") from error
    for asset_id, table in tables.items():
        if not isinstance(table, dict):
            raise FaultsError(
                f'{path}: key {asset_id!r} is in no table; write ["*"] above it, or [ASSET]'
            )
    return {name: faults_of_table(f"{path}: [{name}]", table) for name, table in tables.items()}


def draw(seed: int, asset_id: str, number: int, fault: str) -> float:
    """A number from 0 to 1, without 1."""
    digest = blake2b(f"{seed}/{number}/{fault}/{asset_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def _problem(name: str, value: object) -> str:
    if name in _SHARES + _SECONDS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in _SHARES:
            return "" if number and 0 <= value <= 1 else "a share from 0 to 1"  # type: ignore[operator]
        return "" if number and 0 <= value < float("inf") else "seconds, 0 or more"  # type: ignore[operator]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return ""
    return "a time with its zone, such as 2019-06-05T12:00:00-07:00"
