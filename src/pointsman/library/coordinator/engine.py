"""The dispatch engine: what is planned becomes commands, each is sent in its time, and followed.

    engine = DispatchEngine(event_bus=EventBus())
    commands = engine.schedule_to_commands(table, asset_map={"ev_001": "ast_charger_bay_1"})
    for command in engine.get_pending_commands(now):
        engine.dispatch_command(command, adapter)

Whoever prefers to be called: `async with engine: await engine.run()` does the rest.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Unpack

from pointsman.core.assets import Asset, AssetKind
from pointsman.library.coordinator.adapters import Adapter
from pointsman.library.coordinator.assembly import Assembly
from pointsman.library.coordinator.commands import Command
from pointsman.library.coordinator.imports import ImportOptions, Keywords
from pointsman.library.coordinator.states import StateMachine
from pointsman.schedules.due import judged, order_in, ready
from pointsman.schedules.facts import Requeued, TimedOut
from pointsman.schedules.intents import (
    Acknowledge,
    Answer,
    Cancel,
    CheckTimeouts,
    Sweep,
    Tidy,
    Unplug,
)
from pointsman.schedules.model import Command as Value


class DispatchEngine(Assembly):
    """Usable from any thread, and from within its own subscribers.

    Its time is the greatest `now` that it was told, else what its clock says.

    Args:
        event_bus: Where events go.
        adapter_registry: Where adapters are looked up that a call does not name.
        config: How it behaves.
        journal: The file that keeps everything, made if it is not there; the next engine
            goes on from it. None: nothing outlives this engine.
        site: A site file, or what one says. Tells ratings, deadbands and safe defaults.
        clock: What time it is until somebody tells. None: the time of day.

    Raises:
        InUse: If another engine writes the journal's file.
        JournalUnreadable, SiteError, ValueError: If one of them is not what it must be.
    """

    # Plans

    def schedule_to_commands(
        self,
        table: object,
        asset_map: Mapping[str, str],
        **options: Unpack[Keywords],
    ) -> Sequence[Command]:
        """Put a plan in force, and return its commands. All of it, or nothing is changed.

        The commands are made when they are touched, in the order of time. Importing the same
        plan again returns none.

        Args:
            table: A DataFrame, a list of dicts, a dict of lists, or the path of a file; a row a
                slot, a column an asset.
            asset_map: What the columns call an asset, to its id.
            options: See `Keywords`.

        Raises:
            ScheduleError: If it cannot be carried out as it is; the message says where and why.
            StaleScheduleError: If the plan in force is newer.
        """
        commands, report = self._importer.take(table, asset_map, ImportOptions(**options))
        self.last_import = report or self.last_import
        return commands

    def vehicle_unplugged(self, asset_id: str) -> None:
        """Cancel what is left of the plan for the vehicle that was plugged in there."""
        self._carrier.ask(Unplug(asset_id))

    # Commands

    def submit(self, command: Command) -> Command:
        """Queue a command of your own, to be sent when it is due. Twice is once.

        Raises:
            DispatchError: If it would be over before it is due, or belongs to another engine.
        """
        self._carrier.queue(command)
        return command

    def get_pending_commands(self, now: datetime | None = None) -> list[Command]:
        """What may be sent now: the best command of each asset that is free for one.

        Urgent ones first, then what is due first; and less power before more.
        """
        at = self._time.tell(now)
        while self._carrier.ask(Sweep()):
            pass
        with self._owner.looking() as site:
            values = sorted(ready(site, judged(site, at)), key=order_in(site))
            return [self._book.pending(value) for value in values]

    def dispatch_command(self, command: Command, adapter: Adapter | None = None) -> bool:
        """Hand a command out: durably first, then to `adapter`, else to the registered one.

        A coroutine adapter runs on a thread of the engine, and this waits for it.

        Returns:
            False if its time turned out to be over, or something newer took its place.

        Raises:
            DispatchError: If it is no longer pending, or its asset is busy with another.
            NoAdapterError: If none is given, and none registered.
        """
        return self._carrier.hand_out(command, adapter)

    def handle_response(
        self,
        command: Command,
        success: bool,
        error: str | None = None,
        *,
        attempt: int | None = None,
        applied_kw: float | None = None,
        permanent: bool = False,
    ) -> bool:
        """Take what equipment said to a command. A failure is tried again while tries are left.

        Args:
            command: The one that is answered.
            success: Whether it was carried out.
            error: Why not.
            attempt: The try that is answered. Default: the latest.
            applied_kw: What the equipment applied, signed.
            permanent: Trying again is of no use.

        Returns:
            False if it came too late to count. Then it is only an event.
        """
        attempt = command.attempt if attempt is None else attempt
        return self._carrier.tell(
            command,
            Answer(
                command.command_id,
                attempt,
                success=success,
                error=error or "",
                permanent=permanent,
                applied_kw=applied_kw,
            ),
        )

    def acknowledge(self, command: Command, *, attempt: int | None = None) -> bool:
        """Note that equipment took a command, and will answer when it has carried it out.

        Returns:
            False if it came too late to count. Then it is only an event.
        """
        attempt = command.attempt if attempt is None else attempt
        return self._carrier.tell(command, Acknowledge(command.command_id, attempt))

    def check_timeouts(self, now: datetime | None = None) -> list[Command]:
        """Judge silence. Returns the commands that nobody answered in time.

        Each is pending again, or `TIMED_OUT` if its tries are used up.
        """
        self._time.tell(now)
        silent: dict[str, Value] = {}
        while facts := self._carrier.ask(CheckTimeouts()):
            silent |= {f.command.id: f.command for f in facts if isinstance(f, Requeued | TimedOut)}
        return [self._book.of(value) for value in silent.values()]

    def cancel(self, command: Command, reason: str = "") -> None:
        """Take back what has not been sent.

        Raises:
            DispatchError: If it was sent, has ended, or is a row of a plan.
        """
        self._carrier.ask(Cancel(command.command_id, reason))

    def get_command(self, command_id: str) -> Command | None:
        """The command of this id. None: there is none."""
        return self._book.find(command_id)

    def get_commands_for_asset(self, asset_id: str) -> list[Command]:
        """All commands of an asset that the engine knows, in order of time."""
        return self._book.of_asset(asset_id)

    def tidy(self, before: datetime) -> None:
        """Forget what ended before, so that a journal that is kept for years stays small."""
        while self._carrier.ask(Tidy(before)):
            pass

    # Equipment

    @property
    def state_machines(self) -> dict[str, StateMachine]:
        """By asset. One that is not in here is made by the asset's kind, if a site tells it."""
        return self._equipment.machines

    def report_state(
        self, asset_id: str, what: str, reason: str = "", *, kind: AssetKind | None = None
    ) -> StateMachine:
        """Take in what an asset does: a trigger such as `plug_in`, or the state that it is in.

        A vehicle that leaves ends what was planned for it. `kind` is for assets that no site
        file describes.

        Raises:
            InvalidTransition: If the asset's state has no such trigger. Nothing was changed.
            ValueError: If it is neither a trigger nor a state.
            LookupError: If nobody knows what kind of asset it is.
        """
        machine = self._equipment.machine(asset_id, kind)
        if self._equipment.report(asset_id, what, reason, self._time.now()):
            self.vehicle_unplugged(asset_id)
        return machine

    def asset_state(self, asset_id: str) -> str | None:
        """The state that was reported last. None: nothing was."""
        return self._equipment.state(asset_id) or None

    def state_is_stale(self, asset_id: str) -> bool:
        """Whether nothing was heard of an asset for `stale_state_seconds`."""
        return self._equipment.is_stale(asset_id, self._time.now())

    # What adapters ask

    @property
    def assets(self) -> Mapping[str, Asset]:
        """What the site file says of assets, by id."""
        return self._equipment.assets

    def served_by(self, adapter: object) -> list[str]:
        """The assets that are registered for an adapter."""
        return [asset_id for asset_id, one in self.registry.items() if one is adapter]

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        """Take in an answer to a try that was given up, if it still counts."""
        command = self._book.known(command_id)
        if command is not None:
            self.handle_response(command, success, attempt=attempt)
