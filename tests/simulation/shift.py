"""People and machines of a shift: authors, approvers and executors, some slow, lying or dead."""

import asyncio
import random
from datetime import timedelta
from typing import Any, Final

from pointsman.core.entity import Rejected
from pointsman.journal import Fenced, Unknown
from pointsman.operations import OPERATIONS
from pointsman.operations.authors import CANCEL_MOST
from pointsman.operations.facts import Cancelling as LetGo
from pointsman.operations.facts import Pausing, Requested, Resuming, Started, Starting
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    CancelJob,
    Complete,
    Configure,
    Confirm,
    Fail,
    Heartbeat,
    Hold,
    HoldJob,
    Intent,
    New,
    Pause,
    PauseResource,
    Resume,
    ResumeResource,
    Retry,
    StartResource,
    StopResource,
    TakeTurn,
    Update,
)
from pointsman.operations.model import Dependency, DependencyType, OnFailure, Phase, Work
from pointsman.operations.policy import Policy
from tests.simulation.world import World

HOUR: Final = 3_600.0
SECOND: Final = timedelta(seconds=1)
ROBOTS: Final = {
    "caltech/arm": Policy(
        answer_within=30 * SECOND,
        cooldown=5 * SECOND,
        heartbeat=60 * SECOND,
        retries=1,
        pause_after_denials=3,
        finished_kept=5,
    ),
    "caltech/vehicle": Policy(
        answer_within=45 * SECOND,
        cooldown=timedelta(),
        confirms=True,
        confirm_within=40 * SECOND,
        heartbeat=90 * SECOND,
        timeout_factor=2.0,
        retries=2,
        pause_when_lost=False,
        finished_kept=5,
    ),
    "jpl/oven": Policy(ask=False, confirms=True, confirm_within=20 * SECOND, timeout_factor=3.0),
}
FALSE_NUMBER: Final = 1_000
"""No operation has so many requests."""


class Shift:
    """All who ask something of the robots. `trouble`: how often each does what it should not."""

    def __init__(self, world: World, trouble: float) -> None:
        self.world = world
        self.dice: random.Random = world.dice
        self.trouble = trouble
        self.added: set[tuple[str, str]] = set()
        """The operations that somebody was told are there."""
        self.approved: set[tuple[str, str, int]] = set()
        """The requests to which somebody said yes."""

    async def ask(self, robot: str, intent: Intent) -> bool:
        """Ask until there is an answer. Returns whether it was taken in."""
        for _ in range(1_000):
            try:
                await self.world.engine.submit(OPERATIONS, robot, intent)
            except Rejected:
                return False
            except (Fenced, Unknown):
                await asyncio.sleep(1)
            else:
                return True
        raise AssertionError("nobody answers")

    def odd(self) -> bool:
        return self.dice.random() < self.trouble

    async def open(self) -> None:
        for robot, policy in ROBOTS.items():
            await self.ask(robot, Configure(policy))
            await self.ask(robot, StartResource())

    # Authors

    async def write(self, operations: int, hours: float) -> None:
        """Add operations, and change one's mind about some."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(operations):
                await asyncio.sleep(self.dice.uniform(0, 2 * hours * HOUR / operations))
                tasks.create_task(self._write_one(number))

    async def _write_one(self, number: int) -> None:
        dice, id = self.dice, f"op-{number}"
        robot = dice.choice(list(ROBOTS))
        before = [one for where, one in sorted(self.added) if where == robot]
        on = dice.sample(before, min(len(before), dice.choice([0, 0, 1, 2])))
        work = Work(
            payload={"n": number},
            created_at=self.world.clock.now(),
            priority=dice.randint(0, 3),
            release_date=self._some_day() if dice.random() < 0.5 else None,
            due_date=None,
            planned_duration=timedelta(seconds=dice.uniform(30, 300)),
            job_id=dice.choice([None, "red", "blue"]),
            dependencies=tuple(
                Dependency(one, dice.choice([*DependencyType]), dice.choice([*OnFailure]))
                for one in on
            ),
        )
        if await self.ask(robot, Add((New(id, work),))):
            self.added.add((robot, id))
        for _ in range(dice.choice([0, 0, 1, 2])):
            await asyncio.sleep(dice.uniform(0, 900))
            await self.ask(robot, self._second_thought(id))

    def _some_day(self) -> Any:  # noqa: ANN401
        return self.world.clock.now() + timedelta(seconds=self.dice.uniform(0, HOUR))

    def _second_thought(self, id: str) -> Intent:
        thoughts: list[Intent] = [
            Update(id, {"priority": self.dice.randint(0, 9)}),
            Update(id, {"payload": {"again": id}, "dependencies": ()}),
            Hold(id, held=True),
            Pause(id),
            Resume(id),
            Cancel(id),
        ]
        return self.dice.choice(thoughts)

    # Whoever looks after the robots

    async def look_after(self) -> None:
        """Every few minutes start what stands still, and now and then stop what runs."""
        while True:
            await asyncio.sleep(self.dice.uniform(0, 600))
            robot = self.dice.choice(list(ROBOTS))
            if self.odd():
                stops: list[Intent] = [
                    PauseResource("tea"),
                    StopResource(),
                    HoldJob("red", held=True),
                ]
                known = sorted(id for where, id in self.added if where == robot)
                cancel = CancelJob("blue", tuple(known[-CANCEL_MOST:]))
                await self.ask(robot, self.dice.choice([*stops, cancel, TakeTurn()]))
            else:
                await self.tidy(robot)

    async def tidy(self, robot: str, part: float = 0.3) -> None:
        """Help on some of all that stands still."""
        helps: list[Intent] = [ResumeResource(), StartResource(), HoldJob("red", held=False)]
        for intent in helps:
            await self.ask(robot, intent)
        for _, id in sorted(one for one in self.added if one[0] == robot):
            if self.dice.random() < part:
                await self.ask(robot, Hold(id, held=False))
                await self.ask(robot, Resume(id))
                await self.ask(robot, Retry(id))

    # Approvers and executors

    async def react(self, robot: str, fact: object) -> None:
        match fact:
            case Requested(operation) if ROBOTS[robot].ask and operation.request:
                await self._answer(robot, operation.id, operation.request.number)
            case Started(operation, before) if before is Phase.QUEUED:
                await self._carry_out(robot, operation.id, operation.attempt)
            case Starting(operation):
                if await self._confirm(robot, operation.id, Phase.STARTING, operation.attempt):
                    await self._carry_out(robot, operation.id, operation.attempt)
            case Pausing(operation) | Resuming(operation) | LetGo(operation):
                await self._confirm(robot, operation.id, operation.phase, operation.attempt)

    async def _answer(self, robot: str, id: str, number: int) -> None:
        """Mostly yes and in time; some say it five times at once, and all answer what nobody asks.

        Some do nothing else.
        """
        dice = self.dice
        lies = [
            self.ask(robot, Answer(id, false, accepted=True))
            for false in (number - 1, number + FALSE_NUMBER)
        ]
        if self.odd():
            await asyncio.gather(*lies)
            return
        if self.odd():
            await self.ask(robot, Update(id, {"payload": {"changed before": number}}))
        await asyncio.sleep(dice.uniform(0, 60 if self.odd() else 20))
        yes = dice.random() < 0.8
        if yes:
            self.approved.add((robot, id, number))
        times = 5 if self.odd() else 1
        answers = [self.ask(robot, Answer(id, number, yes)) for _ in range(times)]
        await asyncio.gather(*answers, *lies)

    async def _confirm(self, robot: str, id: str, phase: Phase, attempt: int) -> bool:
        if self.odd():
            return False
        await asyncio.sleep(self.dice.uniform(0, 50 if self.odd() else 10))
        for _ in range(self.dice.randint(1, 2)):
            await self.ask(robot, Confirm(id, phase, attempt=attempt))
        return True

    async def _carry_out(self, robot: str, id: str, attempt: int) -> None:
        """Some die, some are slow, and some tell of the end twice, or of one that never began."""
        dice = self.dice
        for _ in range(dice.randint(1, 30 if self.odd() else 6)):
            await asyncio.sleep(dice.uniform(0, 25))
            if dice.random() < self.trouble / 10:
                return
            await self.ask(robot, Heartbeat(id, attempt=attempt))
        end = Fail if dice.random() < 0.2 else Complete
        for _ in range(2 if self.odd() else 1):
            await self.ask(robot, end(id, attempt=attempt))
        if self.odd() and self.added:
            where, other = dice.choice(sorted(self.added))
            await self.ask(where, Complete(other, attempt=attempt + FALSE_NUMBER))
