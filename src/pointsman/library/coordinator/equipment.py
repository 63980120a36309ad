"""What the assets of a site are said to be doing."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import RLock
from typing import Final

from pointsman.core.assets import Asset, AssetKind
from pointsman.library.coordinator.book import Owner
from pointsman.library.coordinator.states import (
    StateMachine,
    create_battery_state_machine,
    create_ev_charger_state_machine,
)
from pointsman.schedules.intents import ReportState
from pointsman.schedules.model import AssetState

_MACHINES: Final[Mapping[AssetKind, Callable[[], StateMachine]]] = {
    AssetKind.EV_CHARGER: create_ev_charger_state_machine,
    AssetKind.BATTERY: create_battery_state_machine,
}
FREE: Final = "AVAILABLE"
_PLUGGED: Final = {"PREPARING", "CHARGING", "SUSPENDED", "FINISHING"}


class Equipment:
    """A state machine an asset. What they are in is journaled, in lower case as devices say it."""

    def __init__(self, owner: Owner, assets: Mapping[str, Asset], stale: timedelta) -> None:
        self._owner = owner
        self.assets = assets
        self._stale = stale
        self._heard_at: dict[str, datetime] = {}
        self._plugged: set[str] = set()
        """Chargers with a vehicle. A fault or a lost connection does not end that."""
        self._lock = RLock()
        self.machines: dict[str, StateMachine] = {}

    def machine(self, asset_id: str, kind: AssetKind | None = None) -> StateMachine:
        """Raises: LookupError: If nobody knows what the asset is."""
        with self._lock:
            if asset_id not in self.machines:
                make = self._maker(asset_id, kind)
                self.machines[asset_id] = machine = make()
                if (state := self.state(asset_id)) in machine.moves:
                    machine.state = state
            return self.machines[asset_id]

    def state(self, asset_id: str) -> str:
        """What was reported last, in upper case. Empty: nothing."""
        with self._owner.looking() as site:
            known = site.states.get(asset_id)
        return known.state.upper() if known else ""

    def is_stale(self, asset_id: str, now: datetime) -> bool:
        heard_at = self._heard_at.get(asset_id)
        return heard_at is None or now - heard_at >= self._stale

    def report(self, asset_id: str, what: str, reason: str, now: datetime) -> bool:
        """Take a trigger or a state. Returns whether a vehicle has left by it.

        Raises:
            InvalidTransition: If the present state has no such trigger. Nothing was changed.
            ValueError: If `what` is neither a trigger nor a state.
        """
        with self._lock:
            machine = self.machine(asset_id)
            before = machine.state
            if machine.knows(what):
                machine.trigger(what)
            else:
                machine.report(what.upper())
            self._heard_at[asset_id] = now
            after = machine.state
            left = asset_id in self._plugged and after == FREE
            if after in _PLUGGED:
                self._plugged.add(asset_id)
            elif left:
                self._plugged.discard(asset_id)
        state = AssetState(asset_id, after.lower(), before.lower(), reason)
        if after != before or not self.state(asset_id):
            self._owner.submit(ReportState(state), now)
        return left

    def _maker(self, asset_id: str, kind: AssetKind | None) -> Callable[[], StateMachine]:
        asset = self.assets.get(asset_id)
        known = asset.kind if asset else kind
        if known is not None and known in _MACHINES:
            return _MACHINES[known]
        found = f"it is a {known}" if known else "no site tells what it is"
        raise LookupError(
            f"{asset_id!r} has no state machine: {found};"
            f" engine.state_machines[{asset_id!r}] = create_ev_charger_state_machine() would give"
            " it one"
        )
