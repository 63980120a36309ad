"""A vehicle far away, an executor that dies, and people who change their minds.

Whatever the air does with what is said: no order is taken twice, none that was not approved, none
of an operation that has ended; and what is said to be done, was done.
"""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from pointsman.core.entity import Rejected
from pointsman.devices.executors import Executor
from pointsman.devices.vda5050.driving import Driving, Pace
from pointsman.devices.vda5050.machine import VehicleMachine
from pointsman.devices.vda5050.messages import order_id_of
from pointsman.operations.facts import Completed, Starting
from pointsman.operations.intents import Cancel, Intent, Pause, Resume, ResumeResource
from pointsman.operations.model import ENDED, Phase
from pointsman.runtime.clock import LoopClock
from tests.executor_books import Books
from tests.seeds import SEEDS
from tests.simulation.air import Air, AirSession
from tests.simulation.world import EPOCH, play

OPERATIONS: Final = 10
STORM_SECONDS: Final = 240
CALM_SECONDS: Final = 500
CANCELS: Final = 0.1
"""How many of all wishes."""


class Trial:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = LoopClock(EPOCH)
        pace = Pace(node_seconds=5, action_seconds=3, brake_seconds=2)
        self.air = Air(self.clock, self.dice, Driving(pace=pace))
        self.books = Books(
            self.clock,
            retries=1,
            backoff=timedelta(seconds=2),
            heartbeat=timedelta(seconds=120),
            confirm_within=timedelta(seconds=100),
        )
        self.taken_late: list[str] = []
        """Orders of operations that had ended already."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(one) for one in (self.air.run(), self.books.run())]
            lives.append(tasks.create_task(self._watch()))
            dying = tasks.create_task(self._executors())
            self.air.breaks = 0.02
            await self._people()
            self.air.breaks = 0.0
            await self._calm()
            for task in (*lives, dying):
                task.cancel()

    async def _executors(self) -> None:
        """One after the other: each lives for a while, and is killed."""
        while True:
            machine = VehicleMachine(AirSession(self.air), self.clock)
            executor = Executor("agv-1", self.books, machine, self.clock)
            life = self.dice.expovariate(1 / 30) if self.air.breaks else None
            with suppress(TimeoutError):
                async with asyncio.timeout(life):
                    await executor.run()

    async def _people(self) -> None:
        for number in range(OPERATIONS):
            fails = self.dice.random() < 0.2
            action = {"actionType": "lift", "actionParameters": {"fails": fails}}
            self.books.add(f"op{number}", {"goto": f"n{number}", "actions": [action]})
        for _ in range(STORM_SECONDS // 4):
            await asyncio.sleep(self.dice.random() * 8)
            id = self.books.resource.active or f"op{self.dice.randrange(OPERATIONS)}"
            with suppress(Rejected):
                self.books.say(self._wish(id))
            self._look_after()

    async def _calm(self) -> None:
        """Nobody wants anything any more but that all goes on."""
        for _ in range(CALM_SECONDS // 20):
            await asyncio.sleep(20)
            with suppress(Rejected):
                self.books.say(Resume(self.books.resource.active or ""))

    def _wish(self, id: str) -> Intent:
        if self.dice.random() < CANCELS:
            return Cancel(id)
        paused = self.books[id].phase is Phase.PAUSED
        return Resume(id) if paused or self.dice.random() < CANCELS else Pause(id)

    def _look_after(self) -> None:
        """Somebody looks whenever the resource was paused for a lost executor."""
        if self.books.resource.header.paused:
            self.books.say(ResumeResource())

    async def _watch(self) -> None:
        seen = 0
        while True:
            await asyncio.sleep(0.25)
            self._look_after()
            for order_id in self.air.taken[seen:]:
                operation = self.books[order_id.partition(".")[0]]
                over = operation.phase in (*ENDED, Phase.QUARANTINED)
                if over or order_id_of(operation.id, operation.attempt) != order_id:
                    self.taken_late.append(order_id)
            seen = len(self.air.taken)


@pytest.mark.parametrize("seed", SEEDS)
def test_far_away_nothing_is_done_twice_or_unasked_and_all_comes_to_an_end(seed: int) -> None:
    async def story() -> Trial:
        trial = Trial(seed)
        await trial.run()
        return trial

    trial = play(story)
    facts, taken = trial.books.facts, trial.air.taken
    started = [f.operation for f in facts if isinstance(f, Starting)]
    approved = {order_id_of(one.id, one.attempt) for one in started}
    assert len(set(taken)) == len(taken), "an order was taken twice"
    assert set(taken) <= approved
    assert trial.taken_late == []
    done = [f.operation for f in facts if isinstance(f, Completed)]
    assert {order_id_of(one.id, one.attempt) for one in done} <= set(taken)
    over = (*ENDED, Phase.QUARANTINED)
    left = {id: one.phase for id, one in trial.books.resource.operations.items()}
    assert {id: phase for id, phase in left.items() if phase not in over} == {}
