"""MCP over server-sent events: the older transport over HTTP, for agents that know no other.

    GET  …/sse         a session: a stream that begins with where its messages go
    POST …/messages/   a message; its answer comes over the stream

A session lives as long as its stream, and only the key that it began with may speak in it.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.api.mcp.doors import Inside
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.server import TRUSTING, mcp_server
from pointsman.api.rest.errors import check_open
from pointsman.config.keys import Key

SSE: Final = "/sse"
MESSAGES: Final = "/messages/"
SESSIONS_MOST: Final = 100
"""At a time."""
END: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}
PLAIN: Final = re.compile(r"[\w./~-]*", re.ASCII)


class SseDoor:
    """The transport, which goes around an application.

    Args:
        offer: What agents find.
        mount_path: The path that its own two paths are below, such as `/cell`. None: the root.

    Raises:
        ValueError: If that is no path.
    """

    def __init__(self, offer: Offer, mount_path: str | None = None) -> None:
        below = _checked(mount_path or "")
        self._offer = offer
        self._stream, self._messages = below + SSE, below + MESSAGES
        self._open: set[_Stream] = set()
        self._over = False

    @asynccontextmanager
    async def mounted(self, app: ASGIApp) -> AsyncIterator[ASGIApp]:
        """An application with it beside, until left, behind the same entrance."""
        server = mcp_server(Inside(app), self._offer)
        inner = server.sse_app(
            sse_path=self._stream, message_path=self._messages, transport_security=TRUSTING
        )

        async def routed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == self._stream:
                await self._listened(inner, scope, receive, send)
            elif scope["path"] == self._messages:
                await inner(_owned(scope), receive, send)
            else:
                await app(scope, receive, send)

        yield routed

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """Once left, all sessions end: a server waits for nobody who only listens."""
        try:
            yield
        finally:
            self._over = True
            for stream in self._open:
                stream.end()

    async def _listened(self, inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        check_open("sessions", len(self._open), SESSIONS_MOST, stopping=self._over)
        stream = _Stream(receive, send)
        self._open.add(stream)
        try:
            await inner(_owned(scope), stream.receive, stream.send)
        finally:
            self._open.discard(stream)
        stream.check()


class _Stream:
    """The channel of a session, so that the SDK always comes to its own end.

    Cancelled, it would leave things open.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._over = asyncio.Event()
        self._begun = self._ended = False
        self._failure: BaseException | None = None

    def end(self) -> None:
        """The SDK is told that its agent has gone."""
        self._over.set()

    def check(self) -> None:
        """Raise what kept something from being sent."""
        if self._failure is not None:
            raise self._failure

    async def receive(self) -> Message:
        hearing = asyncio.ensure_future(self._receive())
        ending = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait((hearing, ending), return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if ending.done() else hearing.result()
        finally:
            hearing.cancel()
            ending.cancel()

    async def send(self, message: Message) -> None:
        if self._begun and message["type"] == "http.response.start":
            message = END  # The SDK answers once more when its stream has ended.
        if self._ended:
            return
        self._begun = True
        self._ended = message["type"] == END["type"] and not message.get("more_body")
        try:
            await self._send(message)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # Raised when the SDK is done.
            self._ended, self._failure = True, error
            self.end()


def _owned(scope: Scope) -> Scope:
    """With the key as the SDK knows whose a session is."""
    key = scope.get("state", {}).get("key")
    if not isinstance(key, Key):
        return scope
    token = AccessToken(token="", client_id=key.name, scopes=[])
    return {**scope, "user": AuthenticatedUser(token)}


def _checked(mount_path: str) -> str:
    if not PLAIN.fullmatch(mount_path):
        raise ValueError(f"mount_path is {mount_path!r}: a path such as /cell would work")
    path = mount_path.strip("/")
    return f"/{path}" if path else ""
