"""A server of the Dispatch API as the commands see it: it answers, or one line says why not."""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # What goes wrong is told here, in one line.
logging.getLogger("frequenz.core.id").setLevel(logging.ERROR)  # Two of its packages share a prefix.

from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2  # noqa: E402
from frequenz.client.dispatch import DispatchApiClient  # noqa: E402
from grpc import StatusCode  # noqa: E402
from grpc.aio import AioRpcError  # noqa: E402

from pointsman.cli import dispatch_requests as requests  # noqa: E402
from pointsman.cli.dispatch_flags import Access  # noqa: E402
from pointsman.cli.errors import FlagError, ServerError  # noqa: E402
from pointsman.dispatch_api.messages import Unreadable, dispatch_of  # noqa: E402
from pointsman.dispatches.model import Dispatch  # noqa: E402

NO_KEY: Final = "none"
"""Shown to a server that asks for no key: the client will not go without one."""
SETTLED_SECONDS: Final = 0.1
PLAINTEXT: Final = re.compile(r"[?&]ssl=(?:false|off|0)(?:&|$)", re.IGNORECASE)
EVENTS: Final = {1: "created", 2: "updated", 3: "deleted"}

Answer = TypeVar("Answer")


class Refused(ServerError):
    """The server is well, and will not do this one thing."""


class Lost(ServerError):
    """The server is away, or has broken off."""


class Server:
    """One connection. Opens when it is first needed."""

    def __init__(self, access: Access) -> None:
        """Raises FlagError if the URL is none."""
        self._url, self._key = access.url, access.key
        try:
            self._client = DispatchApiClient(
                server_url=access.url,
                auth_key=access.key or NO_KEY,
                sign_secret=access.secret or None,
                call_timeout=timedelta(seconds=access.timeout_seconds),
            )
        except ValueError as error:
            raise FlagError(
                f"{access.url!r} is no URL of a Dispatch API ({_first_line(error)}); write "
                "grpc://HOST:PORT, and ?ssl=false after it for a server without TLS"
            ) from error
        self._seconds = access.timeout_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.disconnect()

    async def create(self, request: pb2.CreateMicrogridDispatchRequest) -> Dispatch:
        answer = await self._ask(self._client.stub.CreateMicrogridDispatch, request)
        return _read(answer.dispatch, request.microgrid_id)

    async def update(self, request: pb2.UpdateMicrogridDispatchRequest) -> Dispatch:
        answer = await self._ask(self._client.stub.UpdateMicrogridDispatch, request)
        return _read(answer.dispatch, request.microgrid_id)

    async def get(self, microgrid_id: int, dispatch_id: int) -> Dispatch:
        request = pb2.GetMicrogridDispatchRequest(
            microgrid_id=microgrid_id, dispatch_id=dispatch_id
        )
        answer = await self._ask(self._client.stub.GetMicrogridDispatch, request)
        return _read(answer.dispatch, microgrid_id)

    async def delete(self, microgrid_id: int, dispatch_id: int) -> None:
        request = pb2.DeleteMicrogridDispatchRequest(
            microgrid_id=microgrid_id, dispatch_id=dispatch_id
        )
        await self._ask(self._client.stub.DeleteMicrogridDispatch, request)

    async def list(
        self, request: pb2.ListMicrogridDispatchesRequest
    ) -> AsyncIterator[Dispatch | Unreadable]:
        """All of them, page by page. One that cannot be read comes as what is wrong with it."""
        while True:
            page = await self._ask(self._client.stub.ListMicrogridDispatches, request)
            for pb in page.dispatches:
                yield _read_or_not(pb, request.microgrid_id)
            if not (token := page.pagination_info.next_page_token):
                return
            request = requests.next_page(request, token)

    async def stream(
        self, microgrid_id: int
    ) -> AsyncIterator[tuple[str, Dispatch | Unreadable] | None]:
        """None, when nothing will be missed from then on; then what happens, and to what.

        Raises:
            Lost: If the server breaks off, which it does in the end.
        """
        request = pb2.StreamMicrogridDispatchesRequest(microgrid_id=microgrid_id)
        with self._told():
            call = self._client.stub.StreamMicrogridDispatches(request)
            await call.initial_metadata()
            if not await _is_over(call):
                yield None
            async for message in cast("AsyncIterator[Any]", call):
                event = EVENTS.get(message.event, "unknown")
                yield event, _read_or_not(message.dispatch, microgrid_id)
        raise Lost(f"{self._url} has ended the stream")

    async def _ask(self, call: Callable[..., Awaitable[Answer]], request: object) -> Answer:
        with self._told():
            return await call(request, timeout=self._seconds)

    def _told(self) -> "_Told":
        return _Told(self._url, self._seconds, keyed=bool(self._key))


class _Told:
    """Turns what gRPC raises into one line that a person can act upon."""

    def __init__(self, url: str, seconds: float, *, keyed: bool) -> None:
        self._url, self._seconds, self._keyed = url, seconds, keyed

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, AioRpcError):
            raise self._error(error.code(), error.details() or "") from error

    def _error(self, code: StatusCode, details: str) -> ServerError:
        url, said = self._url, details or code.name.lower()
        match code:
            case StatusCode.NOT_FOUND | StatusCode.INVALID_ARGUMENT | StatusCode.OUT_OF_RANGE:
                return Refused(said)
            case StatusCode.UNAUTHENTICATED if not self._keyed:
                return ServerError(f"{url} asks for a key: give --key, or set POINTSMAN_KEY")
            case StatusCode.UNAUTHENTICATED:
                return ServerError(f"{url} does not take this key: {said}")
            case StatusCode.PERMISSION_DENIED:
                return ServerError(f"{url} does not allow that to this key: {said}")
            case StatusCode.UNIMPLEMENTED:
                return ServerError(f"{url} is no server of the Dispatch API, or an older one")
            case StatusCode.DEADLINE_EXCEEDED:
                return Lost(f"{url} has not answered within {self._seconds:g} seconds")
            case StatusCode.UNAVAILABLE:
                return Lost(self._away(said))
            case StatusCode.CANCELLED | StatusCode.RESOURCE_EXHAUSTED | StatusCode.ABORTED:
                return Lost(self._broken(said))
            case _:
                return Lost(f"{url} has failed ({code.name}): {said}")

    def _away(self, said: str) -> str:
        words, url = said.lower(), self._url
        if "wrong_version_number" in words:
            return f"{url} does not speak TLS; end the URL with ?ssl=false"
        if "certificate_verify_failed" in words:
            return (
                f"the certificate of {url} is not trusted; "
                "?ssl_root_certificates_path=FILE.pem says whose are"
            )
        if "handshake" in words:
            return f"{url} and this command do not agree on TLS: {said.rpartition('): ')[2]}"
        if "failed to connect" not in words:
            return self._broken(said)
        if "socket closed" in words and PLAINTEXT.search(url):
            return f"{url} hangs up; if it speaks TLS, leave out ssl=false"
        return f"no server answers at {url}: {words.rpartition(': ')[2]}"

    def _broken(self, said: str) -> str:
        return f"{self._url} has broken off: {said}"


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Server]:
    """Raises FlagError if the URL is none."""
    async with Server(access) as server:
        yield server


def _read(pb: pb2.Dispatch, microgrid_id: int) -> Dispatch:
    try:
        return dispatch_of(pb, microgrid_id)
    except Unreadable as error:
        raise Refused(f"what the server sent cannot be read: {error}") from error


def _read_or_not(pb: pb2.Dispatch, microgrid_id: int) -> Dispatch | Unreadable:
    try:
        return dispatch_of(pb, microgrid_id)
    except Unreadable as error:
        return error


async def _is_over(call: Any) -> bool:  # noqa: ANN401  gRPC says no type that all calls share.
    """Whether a call has failed. Then, too, it gives initial metadata, and its end right after."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLED_SECONDS):
            await call.code()
            return True
    return False


def _first_line(error: ValueError) -> str:
    return str(error.args[0] if error.args else error).splitlines()[0]
