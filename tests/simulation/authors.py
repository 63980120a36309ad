"""Somebody who plans dispatches of all sorts, changes his mind, and takes some back."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

from pointsman.core.values import replace
from pointsman.dispatches.intents import Create, Delete, Update
from pointsman.dispatches.model import TIMEZONE, DispatchData, Frequency, Rule
from tests.simulation.feeding import Server
from tests.unit.dispatches.given import BATTERIES, MICROGRID

DURATIONS = [None, 0, 1, 30, 60, 600, 3_600, 5_400, 90_000]
ZONES = ["Europe/Berlin", "Australia/Lord_Howe"]


class Author:
    def __init__(self, server: Server, dice: random.Random, days: float) -> None:
        self._server = server
        self._dice = dice
        self._days = days

    async def write(self, id: int) -> None:
        server, dice = self._server, self._dice
        await asyncio.sleep(dice.uniform(0, self._days * 80_000))
        ahead = timedelta(hours=dice.expovariate(0.1))
        data = self.data((server.clock.now() + ahead).replace(microsecond=0))
        await server.ask(Create(id, MICROGRID, data, start_now=dice.random() < 0.2))
        for _ in range(dice.choice([0, 0, 1, 2, 4])):
            await self._wait(id)
            await server.ask(Update(id, MICROGRID, self.change(id)))
        if dice.random() < 0.3:
            await self._wait(id)
            await server.ask(Delete(id, MICROGRID))

    async def _wait(self, id: int) -> None:
        """For a while, or until something is about to happen, or has happened just now."""
        dice, versions = self._dice, self._server.versions[id]
        seconds = dice.choice([dice.random(), dice.expovariate(1 / 30_000)])
        if versions and dice.random() < 0.4:
            data = versions[-1].data
            edge = data.start_time + timedelta(seconds=dice.choice([0, data.duration_seconds or 0]))
            near = (edge - self._server.clock.now()).total_seconds() + dice.uniform(-2, 2)
            seconds = near if near > 0 else seconds
        await asyncio.sleep(seconds)

    def data(self, start: datetime) -> DispatchData:
        dice = self._dice
        payload: dict[str, Any] = {TIMEZONE: dice.choice(ZONES)} if dice.random() < 0.2 else {}
        seconds, rule = dice.choice(DURATIONS), self.rule() if dice.random() < 0.5 else None
        return DispatchData("charge", start, BATTERIES, seconds, payload=payload, recurrence=rule)

    def rule(self) -> Rule:
        dice = self._dice
        rule = Rule(dice.choice(list(Frequency)), dice.randint(1, 40), count=dice.randint(1, 12))
        match rule.frequency:
            case Frequency.WEEKLY:
                return replace(rule, weekdays=(0, 3), hours=(6, 18), interval=1)
            case Frequency.MONTHLY | Frequency.YEARLY:
                return replace(rule, interval=1, count=None)
            case Frequency.DAILY if dice.random() < 0.3:
                return Rule(Frequency.DAILY, hours=(2, 3), minutes=(0, 30))
            case Frequency.HOURLY if dice.random() < 0.3:
                until = self._server.clock.now() + timedelta(hours=dice.expovariate(0.05))
                return Rule(Frequency.HOURLY, until=until.replace(microsecond=0))
        return rule

    def change(self, id: int) -> dict[str, Any]:
        dice, now = self._dice, self._server.clock.now().replace(microsecond=0)
        payload = self._server.versions[id][-1].data.payload if self._server.versions[id] else {}
        return dice.choice(
            [
                {"active": False},
                {"active": True},
                {"payload": {**payload, "power_kw": dice.random()}},
                {"duration_seconds": dice.choice([None, 60, 7_200])},
                {"start_time": now + timedelta(seconds=dice.choice([2, dice.randint(1, 40_000)]))},
                {"recurrence": None},
                {"recurrence": self.rule()},
            ]
        )
