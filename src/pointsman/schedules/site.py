"""The state of a site's schedules: its plans, the desk of each asset, and what is observed.

Facts may come in any order, for that is how a site is rebuilt. So whatever depends on more than
one fact is derived from all of them: a lane's segments from every plan that is in force, the row
it has said from every command, the latest of anything by its number.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pointsman.core.agenda import Agenda
from pointsman.schedules.desk import Desk
from pointsman.schedules.model import (
    AssetState,
    Channel,
    Command,
    Measurement,
    Plan,
    Run,
    Timeline,
)

TOGETHER: Final = 8
"""That part of the time that commands are handed out ahead may vary."""


@dataclass(slots=True)
class Site:
    """One owner changes it in place."""

    run: Run | None = None
    plans: dict[str, Plan] = field(default_factory=dict)
    """Every activated plan that the journal still holds."""
    places: dict[str, dict[str, int]] = field(default_factory=dict, compare=False)
    """By plan: where each of its assets stands in its table."""
    staged: dict[str, dict[tuple[str, Channel], Timeline]] = field(default_factory=dict)
    """Timelines of plans that are not in force yet, and may never be."""
    things: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    """What else the journal holds of each plan: what it is, and the rest of its name's words."""
    desks: dict[str, Desk] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    """Every command that the journal still holds a fact of."""
    measured: dict[str, Measurement] = field(default_factory=dict)
    states: dict[str, AssetState] = field(default_factory=dict)
    sequence: int = 0
    """The greatest of any command."""
    newest: Plan | None = None
    """The plan that was put in force last."""
    agenda: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    """When each asset (`asset ID`) or plan (`plan ID`) needs a look."""

    @property
    def run_number(self) -> int:
        return self.run.number if self.run else 0

    @property
    def ahead(self) -> timedelta:
        """How long before its time a command is handed out."""
        return timedelta(seconds=self.run.ahead_seconds) if self.run else timedelta()

    @property
    def together(self) -> timedelta:
        """How much sooner still, so that what is due at about one time shares a commit."""
        return self.ahead / TOGETHER

    def __copy__(self) -> "Site":
        """A site that evolves apart from this one. What is frozen, both have."""
        return replace(
            self,
            plans=self.plans.copy(),
            places=self.places.copy(),
            staged={plan_id: timelines.copy() for plan_id, timelines in self.staged.items()},
            things={plan_id: things.copy() for plan_id, things in self.things.items()},
            desks={asset_id: copy(desk) for asset_id, desk in self.desks.items()},
            commands=self.commands.copy(),
            measured=self.measured.copy(),
            states=self.states.copy(),
            agenda=copy(self.agenda),
        )

    def hold(self, plan_id: str, *thing: str) -> None:
        """Take note that the journal holds a thing of a plan."""
        self.things.setdefault(plan_id, set()).add(thing)

    def look(self, asset_id: str) -> Desk:
        """An asset's desk, to look at only."""
        return self.desks.get(asset_id) or Desk()

    def desk(self, asset_id: str) -> Desk:
        """An asset's desk, to change."""
        desk = self.desks.get(asset_id)
        if desk is None:
            desk = self.desks[asset_id] = Desk()
        return desk

    def clear(self, asset_id: str) -> None:
        """Take a desk away that has nothing on it, as if it had never been."""
        desk = self.desks.get(asset_id)
        if desk is not None and desk.bare:
            del self.desks[asset_id]

    def due_desks(self, now: datetime) -> Iterator[Desk]:
        """Of every asset that needs a look at `now`, in an order that any rebuilt site has too."""
        for _, key in sorted(self.agenda.until(now)):
            what, _, id = key.partition(" ")
            if what == "asset":
                yield self.desks[id]

    def newest_for(self, plan: Plan) -> bool:
        """Whether some asset has no plan after this one."""
        desks = (desk for id in plan.assets if (desk := self.desks.get(id)))
        lanes = (lane for desk in desks for lane in desk.lanes.values())
        return any(lane.segments and lane.segments[-1].plan.id == plan.id for lane in lanes)

    def rearm(self, asset_id: str) -> None:
        """Set an asset's alarm to when it next needs a look."""
        at = self.look(asset_id).due(self.run_number, self.ahead)
        if at is None:
            self.agenda.drop(f"asset {asset_id}")
        else:
            self.agenda.put(f"asset {asset_id}", at)

    def rearm_by(self, asset_id: str, at: datetime) -> None:
        """As `rearm`, when all that is new is that something waits for this instant."""
        if self.desks[asset_id].in_flight is None:
            self.agenda.advance(f"asset {asset_id}", at - self.ahead)
