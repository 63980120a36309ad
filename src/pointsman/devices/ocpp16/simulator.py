"""Chargers without hardware, which dial in to a central system over a real socket.

    away --dial--> greeting --told the time--> at work --hung up--> away

Where the time that it is told proves to run fast, it is asked some four times a second, and
before each command is acted on. So a lease ends late at worst, and never early.
"""

import asyncio
import base64
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed
from pointsman.devices.ocpp16.answers import ANSWERED, Answers
from pointsman.devices.ocpp16.bay import Bay, News
from pointsman.devices.ocpp16.link import MESSAGE_BYTES_MOST, Connection, Link, Payload
from pointsman.devices.ocpp16.messages import CONTROL, SUBPROTOCOL, Call
from pointsman.devices.ocpp16.profiles import Profiles
from pointsman.devices.ocpp16.reports import parse_instant
from pointsman.devices.ocpp16.session import by_charge_point, host_and_port
from pointsman.devices.ocpp16.told_clock import ToldClock
from pointsman.devices.simulated.faults import LUCKY, Fate
from pointsman.devices.simulated.world import SimulatedWorld, Simulation
from pointsman.runtime.cancelling import insist_on_cancellation
from pointsman.runtime.clock import SystemClock

logger = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS: Final = 0.05
LAST_BACKOFF_SECONDS: Final = 1.0
ROUND_SECONDS: Final = 0.5
"""Between two looks at the equipment."""
FAST_ROUND_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 1.0
CURIOUS_SECONDS: Final = 5.0
"""How long after it dialed in it watches whether the time runs fast."""
METER_SECONDS: Final = 10.0
FAST_METER_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 10.0
_NEWS_MOST: Final = 10_000


class SimulatedCharger:
    """One charge point, with a bay for each of its connectors."""

    def __init__(self, id: str, assets: Sequence[Asset], world: SimulatedWorld) -> None:
        self.id = id
        self.clock = ToldClock()
        self._assets = assets
        self._world = world
        self._link: Link | None = None
        self._wake = asyncio.Event()
        self._handlers = {action: partial(self._answer, action) for action in ANSWERED}
        self._new()

    @property
    def bays(self) -> Sequence[Bay]:
        return self._bays

    async def run(self) -> None:
        """Dial in, again and again, until cancelled."""
        backoff_seconds = FIRST_BACKOFF_SECONDS
        while True:
            try:
                async with self._dial() as connection:
                    backoff_seconds = FIRST_BACKOFF_SECONDS
                    await self._speak(connection)
            except (OSError, WebSocketException, TimeoutError) as error:
                logger.info("charger %r cannot dial in: %s", self.id, error)
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, LAST_BACKOFF_SECONDS)

    def _new(self) -> None:
        """As it leaves the factory."""
        profiles = Profiles()
        self._bays = [Bay(asset, self._world, profiles) for asset in self._assets]
        self._answers = Answers(self._bays, profiles)
        self._news: deque[News] = deque(maxlen=_NEWS_MOST)
        self._booted = False

    def _dial(self) -> connect:
        host, port = host_and_port(self._world.ocpp)
        host = f"[{host}]" if ":" in host else host
        password = next((a.device["password"] for a in self._assets if "password" in a.device), "")
        secret = base64.b64encode(f"{self.id}:{password}".encode()).decode()
        return connect(
            f"ws://{host}:{port}/{quote(self.id, safe='')}",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Basic {secret}"} if password else None,
            compression=None,
            proxy=None,
            open_timeout=ANSWER_SECONDS,
            close_timeout=LAST_BACKOFF_SECONDS,
            max_size=MESSAGE_BYTES_MOST,
        )

    async def _speak(self, connection: Connection) -> None:
        self._link = link = Link("the central system", connection, self._handlers)
        try:
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(self._work(link))
                await link.run()
                working.cancel()
        finally:
            self._link = None

    async def _work(self, link: Link) -> None:
        """Greet, then live, and tell of it."""
        loop = asyncio.get_running_loop()
        begun = asked = metered = loop.time()
        while True:
            curious = self.clock.fast or loop.time() < begun + CURIOUS_SECONDS
            if not self._booted:
                await self._boot(link)
            elif curious or loop.time() >= asked + HEARTBEAT_SECONDS:
                asked = loop.time()
                await self._ask_time(link)
            if self._booted:
                rest_seconds = FAST_METER_SECONDS if self.clock.fast else METER_SECONDS
                metering = loop.time() >= metered + rest_seconds
                metered = loop.time() if metering else metered
                self._live(metering=metering)
                await self._tell(link)
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(FAST_ROUND_SECONDS if curious else ROUND_SECONDS):
                    await self._wake.wait()

    async def _boot(self, link: Link) -> None:
        identity = {"chargePointVendor": "pointsman", "chargePointModel": "simulated"}
        answer = await self._ask(link, Call("BootNotification", identity))
        if answer is None or answer["status"] != "Accepted":
            return
        self._booted = True
        self._set_time(answer)

    async def _ask_time(self, link: Link) -> None:
        answer = await self._ask(link, Call("Heartbeat", {}))
        if answer is not None:
            self._set_time(answer)

    def _set_time(self, answer: Payload) -> None:
        now = parse_instant(answer["currentTime"])
        if now is not None and self.clock.tell(now):
            logger.info("charger %r begins anew: it was told an earlier day", self.id)
            self._new()

    async def _ask(self, link: Link, call: Call) -> Payload | None:
        try:
            return await link.call(call, ANSWER_SECONDS)
        except DeviceFailed as failed:
            logger.info("charger %r: %s", self.id, failed)
            return None

    def _live(self, *, metering: bool) -> None:
        now = self.clock.now()
        for bay in self._bays:
            self._news.extend(bay.advance(now))
            if metering and bay.in_transaction:
                self._news.append(bay.metered())

    async def _tell(self, link: Link) -> None:
        """Tell the news in order. What nobody confirms is told again later."""
        while self._news:
            news = self._news[0]
            if not news.bay.faults.silent_at(self.clock.now()):
                try:
                    answer = await link.call(news.call(), ANSWER_SECONDS)
                except DeviceFailed as failed:
                    logger.info("charger %r: %s", self.id, failed)
                    if failed.doubtful or not link.open:
                        return
                    answer = None
                if answer is not None:
                    news.bay.told(news, answer)
            # Another run may have begun meanwhile, with no news yet.
            if self._news and self._news[0] is news:
                self._news.popleft()

    async def _answer(self, action: str, payload: Payload, unique_id: str) -> Payload | None:
        """Act on a call, as far as fate lets it."""
        command = action in CONTROL
        # Until it has booted it keeps silent.
        await self.clock.known.wait()
        timely = command or action == "GetCompositeSchedule"
        late = self.clock.fast or _of_the_future(payload, self.clock)
        if self._link is not None and timely and late:
            await self._ask_time(self._link)
        self._live(metering=False)
        now = self.clock.now()
        bay = self._answers.bay_of(action, payload)
        fate = bay.draw(now) if command else LUCKY
        if bay.faults.silent_at(now):
            fate = Fate(acts=False, answers=False)
        self._log(bay, action, payload, unique_id, fate)
        answer = self._answers.answer(action, payload, now, fate) if fate.acts else None
        self._live(metering=False)
        self._news.extend(self._answers.take_asked())
        self._wake.set()
        if fate.refused:
            return self._answers.refuse(action)
        if not fate.answers:
            return None
        await asyncio.sleep(fate.delay_seconds)
        return answer

    def _log(self, bay: Bay, action: str, payload: Payload, unique_id: str, fate: Fate) -> None:
        self._world.log(
            bay.asset.id,
            "received",
            protocol=SUBPROTOCOL,
            action=action,
            payload=payload,
            unique_id=unique_id,
            wall=SystemClock().now().isoformat(),
            told=self.clock.now().isoformat(),
            control=action in CONTROL,
            acts=fate.acts,
            answers=fate.answers,
            refused=fate.refused,
        )


class Chargers:
    """All simulated chargers of a site."""

    def __init__(self, assets: Sequence[Asset], world: SimulatedWorld) -> None:
        self.chargers = {
            id: SimulatedCharger(id, group, world) for id, group in by_charge_point(assets).items()
        }

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for charger in self.chargers.values():
                tasks.create_task(self._keep(charger))

    async def _keep(self, charger: SimulatedCharger) -> None:
        while True:
            try:
                await charger.run()
            except ExceptionGroup:
                logger.exception("simulated charger %r starts again", charger.id)
            insist_on_cancellation()
            await asyncio.sleep(LAST_BACKOFF_SECONDS)


def simulate(assets: Sequence[Asset], world: SimulatedWorld) -> Simulation:
    """The chargers of a site, without the site."""
    return Chargers(assets, world)


def _of_the_future(payload: Payload, clock: ToldClock) -> bool:
    profile = payload.get("csChargingProfiles") or payload.get("chargingProfile") or {}
    begins = parse_instant(profile.get("validFrom"))
    return begins is not None and begins > clock.now()
