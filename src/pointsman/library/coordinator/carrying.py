"""Carrying: a command goes to its adapter, durably first, and what is said to it comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pointsman.core.entity import Rejected
from pointsman.library.coordinator.adapters import Adapter, AdapterRegistry
from pointsman.library.coordinator.announcing import payload_of
from pointsman.library.coordinator.book import Book, Owner
from pointsman.library.coordinator.checks import says_the_same
from pointsman.library.coordinator.commands import Command
from pointsman.library.coordinator.events import Event, EventBus, EventType
from pointsman.library.coordinator.opening import ToldTime
from pointsman.library.coordinator.sending import Result, answer_to, send
from pointsman.library.coordinator.settings import DispatchError
from pointsman.library.worker import Worker
from pointsman.schedules.facts import Dispatched, Fact
from pointsman.schedules.intents import Acknowledge, Answer, Dispatch, Intent, Submit
from pointsman.schedules.model import CommandStatus, Policy

OVER: Final = (CommandStatus.EXPIRED, CommandStatus.SUPERSEDED, CommandStatus.CANCELLED)


@dataclass(slots=True)
class Carrier:
    """Every method may be called from any thread."""

    owner: Owner
    book: Book
    registry: AdapterRegistry
    bus: EventBus
    time: ToldTime
    policy: Policy
    worker: Worker = field(default_factory=lambda: Worker("pointsman adapters"))

    def ask(self, intent: Intent) -> Sequence[Fact]:
        """Raises: DispatchError: If the rules reject it."""
        try:
            return self.owner.submit(intent, self.time.now())
        except Rejected as rejected:
            raise DispatchError(str(rejected)) from rejected

    def queue(self, command: Command) -> None:
        """Make a user's command known, unless it is.

        Raises:
            DispatchError: If it cannot be, or belongs to another engine.
        """
        if command.keeper is self.book:
            return
        if command.keeper is not None:
            raise DispatchError(f"{command.command_id} belongs to another engine")
        value = command.value_of(self.policy)
        self.book.add(command, value)
        try:
            self.ask(Submit(value))
        except BaseException:
            self.book.drop(command)
            raise

    def hand_out(self, command: Command, adapter: Adapter | None) -> bool:
        """Send a command, and take in what comes of that. False: it was over or replaced."""
        chosen = self.registry.get(command.asset_id) if adapter is None else adapter
        self.queue(command)
        value = command.value
        if value.progress.status in OVER:
            return False
        if not says_the_same(value, command.value_of(value.policy)):
            raise DispatchError(
                f"{command.command_id} was changed after it was made known; a Command of your own"
                " with the new values would work"
            )
        facts = self.ask(Dispatch(value))
        attempts = [f.command.progress.attempt for f in facts if isinstance(f, Dispatched)]
        for attempt in attempts:
            sent = True if command.dry_run else send(chosen, command, self.worker)
            self.answered(command, attempt, sent)
        return bool(attempts)

    def answered(self, command: Command, attempt: int, sent: Result) -> None:
        """Take in what `send` returned. None: nothing yet."""
        answer = answer_to(command.command_id, attempt, sent)
        if answer is not None:
            self.tell(command, answer)

    def tell(self, command: Command, said: Answer | Acknowledge) -> bool:
        """Take in what equipment said. False: too late to count, which is an event and no more."""
        now = self.time.now()
        try:
            self.owner.submit(said, now)
        except Rejected as late:
            success = said.success if isinstance(said, Answer) else True
            payload = payload_of(command.value)
            payload |= {"answered_attempt": said.attempt, "success": success, "why": str(late)}
            self.bus.publish(Event(EventType.COMMAND_LATE_RESPONSE, payload, now))
            return False
        return True
