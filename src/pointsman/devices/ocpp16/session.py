"""The central system: a server where all chargers of a site dial in.

    ws://HOST:PORT/CHARGE_POINT_ID, subprotocol ocpp1.6

Whoever is not in the site, has the wrong password or speaks another protocol is refused before
there is a connection. `World.ocpp` may have port 0; `address` then tells the real one.
"""

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Fleet, World
from pointsman.devices.ocpp16.charger import Charger
from pointsman.devices.ocpp16.connector import Connector
from pointsman.devices.ocpp16.link import MESSAGE_BYTES_MOST
from pointsman.devices.ocpp16.messages import SUBPROTOCOL
from pointsman.devices.protocols import DeviceTableError
from pointsman.runtime.clock import SystemClock

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS: Final = 5.0
CLOSING_SECONDS: Final = 1.0
_IDS: Final = 2**31 - 1
_SHOWN_LETTERS: Final = 80


class TransactionIds:
    """Ids that no earlier process gave to a transaction that may still run.

    They count hundredths of a second of the wall clock, so a restart goes on above whatever was
    given before, as long as fewer than a hundred transactions a second begin. They start again
    after 248 days, when none of the old ones runs any more, to stay within 31 bits.
    """

    def __init__(self, wall_seconds: float) -> None:
        self._last = int(wall_seconds * 100)

    def __call__(self) -> int:
        self._last += 1
        return self._last % _IDS + 1


class CentralSystem:
    """All chargers of a site."""

    def __init__(self, assets: Sequence[Asset], world: World) -> None:
        self._world = world
        self._passwords: dict[str, str] = {
            asset.device["charge_point"]: asset.device["password"]
            for asset in assets
            if "password" in asset.device
        }
        new_transaction = TransactionIds(SystemClock().now().timestamp())
        self._chargers = {
            id: Charger(id, group, world, new_transaction)
            for id, group in by_charge_point(assets).items()
        }
        devices = [c for charger in self._chargers.values() for c in charger.connectors.values()]
        self.devices: Mapping[str, Connector] = MappingProxyType(
            {device.asset.id: device for device in devices}
        )
        self._listening = asyncio.Event()
        self._address = world.ocpp

    @property
    def address(self) -> str:
        """HOST:PORT where chargers dial in: the real one, once it listens."""
        return self._address

    async def listening(self) -> str:
        """Wait until chargers can dial in.

        Returns:
            HOST:PORT.
        """
        await self._listening.wait()
        return self._address

    async def reached(self) -> None:
        for charger in self._chargers.values():
            await charger.reached()

    async def run(self) -> None:
        """Let chargers dial in, until cancelled.

        Raises:
            OSError: If it cannot listen there.
        """
        host, port = host_and_port(self._world.ocpp)
        server = serve(
            self._welcome,
            host,
            port,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            process_request=self._admit,
            compression=None,
            open_timeout=HANDSHAKE_SECONDS,
            close_timeout=CLOSING_SECONDS,
            max_size=MESSAGE_BYTES_MOST,
            server_header=None,
        )
        try:
            listening = await server
        except OSError as error:
            raise OSError(
                f"cannot listen for chargers on {self._world.ocpp}: {error.strerror or error}"
                "; --ocpp HOST:PORT chooses another place"
            ) from error
        try:
            bound = next(iter(listening.sockets)).getsockname()[1]
            self._address = f"{f'[{host}]' if ':' in host else host}:{bound}"
            self._listening.set()
            await asyncio.get_running_loop().create_future()
        finally:
            for charger in self._chargers.values():
                charger.leave()
            listening.close()
            await listening.wait_closed()

    async def _welcome(self, connection: ServerConnection) -> None:
        charger = self._chargers[_charge_point_of(connection.request)]
        try:
            await charger.serve(connection)
        except ExceptionGroup:
            # Our own fault, and still no reason to leave the other chargers alone.
            logger.exception("the connection of charger %r is given up", charger.id)
        finally:
            if connection.transport.get_write_buffer_size():
                # Whoever does not listen would never hear a polite end either.
                connection.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        id = _charge_point_of(request)
        if id not in self._chargers:
            logger.warning("charger %r is not in the site: refused", id[:_SHOWN_LETTERS])
            return connection.respond(HTTPStatus.NOT_FOUND, "no such charger at this site\n")
        if id in self._passwords and not _knows(request, id, self._passwords[id]):
            logger.warning("charger %r has the wrong password: refused", id)
            refused = connection.respond(HTTPStatus.UNAUTHORIZED, "wrong password\n")
            refused.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return refused
        return None


def connect(assets: Sequence[Asset], world: World) -> Fleet:
    """The chargers of a site, as its central system has them."""
    return CentralSystem(assets, world)


def by_charge_point(assets: Sequence[Asset]) -> dict[str, list[Asset]]:
    """The assets of each charger.

    Raises:
        DeviceTableError: If two are the same connector, or one is what no charger can be.
    """
    groups: dict[str, list[Asset]] = {}
    taken: dict[tuple[str, int], str] = {}
    for asset in assets:
        id: str = asset.device["charge_point"]
        number: int = asset.device.get("connector", 1)
        _check(asset, number)
        if other := taken.get((id, number)):
            raise DeviceTableError(
                f"assets {other!r} and {asset.id!r} are both connector {number} of"
                f" charge_point {id!r}"
            )
        taken[id, number] = asset.id
        groups.setdefault(id, []).append(asset)
    return groups


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of HOST:PORT.

    Raises:
        DeviceTableError: If it is something else.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise DeviceTableError(f"{address!r} is not HOST:PORT, such as 127.0.0.1:9000")
    return host.strip("[]"), int(port)


def _check(asset: Asset, number: int) -> None:
    if asset.kind is not AssetKind.EV_CHARGER:
        raise DeviceTableError(f"asset {asset.id!r}: {SUBPROTOCOL} is for an ev_charger only")
    if number < 1:
        raise DeviceTableError(f"asset {asset.id!r}: device key 'connector' must be 1 or more")
    if asset.device.get("unit", "W") not in {"W", "A"}:
        raise DeviceTableError(f"asset {asset.id!r}: device key 'unit' must be 'W' or 'A'")
    if not 1 <= len(asset.device.get("id_tag", "pointsman")) <= 20:  # noqa: PLR2004 - CiString20
        raise DeviceTableError(f"asset {asset.id!r}: device key 'id_tag' must have 1 to 20 letters")


def _charge_point_of(request: Request | None) -> str:
    """The last part of the path, decoded: proxies may put others before it."""
    path = "" if request is None else request.path.partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2])


def _knows(request: Request, id: str, password: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        said = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(said, f"{id}:{password}".encode())
