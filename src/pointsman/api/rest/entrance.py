"""The entrance: what is turned away before anybody asks what it is for.

    Host, Origin --> key --> body: short, in time, JSON that means one thing --> the application

What comes through has been read in full, so whatever is cut off never acts.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.api.keys import is_loopback
from pointsman.api.rest.errors import Problem, problem_of, response_of
from pointsman.api.rest.strict_json import NotJson, read_json
from pointsman.config import SERVED_BY
from pointsman.config.keys import Key

BODY_BYTES: Final = 1_000_000
BODY_SECONDS: Final = 30.0
"""How long a body may take to come."""
HEARD_BYTES: Final = 64_000_000
"""Of a body that is too long. They are not kept."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
JSON: Final = "application/json"
OURS: Final = (SERVED_BY.encode(), version("pointsman").encode())
"""A header of every answer."""

Who: TypeAlias = Callable[[str, Mapping[str, str]], Key | None]
"""Whose request it is, by its verb and path, and its headers. None: there are no keys."""


class Reading:
    """Around an application, whoever comes in. Bodies are read, and HEAD is as much of a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answering = _Answering(send, bodiless=scope["method"] == "HEAD")
        what = f"{scope['method']} {scope['path']}"
        try:
            receive = await self._let_in(scope, receive)
            with suppress(_Enough):
                await self._inner(scope, receive, answering)
        except Exception as error:
            if answering.ended:
                return  # The application has told of it, and lets us know.
            if answering.begun:
                raise  # What was begun cannot be taken back: the connection ends.
            with suppress(_Enough):
                await response_of(problem_of(error, what))(scope, receive, answering)

    async def _let_in(self, scope: Scope, receive: Receive) -> Receive:
        headers, verb = Headers(scope=scope), scope["method"]
        if verb == "HEAD":
            scope["method"] = "GET"
        if verb in SAFE:
            return receive
        body = await _body(headers, receive)
        if body:
            _check_body(headers, body)
        return _replayed(body, receive)


class Entrance(Reading):
    """Asks who comes in, first. `only_local`: it is reached as this machine, by any of its names.

    `who` raises `Unauthenticated`. What is `open_to_all` needs no key.
    """

    def __init__(
        self, inner: ASGIApp, who: Who, *, only_local: bool, open_to_all: frozenset[str]
    ) -> None:
        super().__init__(inner)
        self._who = who
        self._only_local = only_local
        self._open = open_to_all

    async def _let_in(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        if self._only_local:
            _check_host(headers)
        verb, path = scope["method"], scope["path"]
        if verb not in SAFE:
            _check_origin(headers)
        if path not in self._open:
            sent = scope.get("raw_path", path.encode()).decode("latin-1")
            scope.setdefault("state", {})["key"] = self._who(f"{verb} {sent}", headers)
        return await super()._let_in(scope, receive)


class _Enough(BaseException):
    """All has been said that is to be said. It is no error, so nobody is to handle it as one."""


class _Answering:
    """Sends what is answered, and whose answer it is; to a HEAD, what comes before the body."""

    def __init__(self, send: Send, *, bodiless: bool) -> None:
        self._send = send
        self._bodiless = bodiless
        self.begun = self.ended = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), OURS]
        await self._send(message)
        if self._bodiless:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            raise _Enough


def _check_host(headers: Headers) -> None:
    """A page in somebody's browser may not reach us under a name of its own."""
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        raise Problem(
            400,
            "wrong_host",
            f"Host is {ascii(headers.get('host', ''))[:200]}: without keys this server is asked as"
            " localhost, 127.0.0.1 or [::1] only",
        )


def _check_origin(headers: Headers) -> None:
    """Nor may it change anything, whatever it can make the browser send."""
    origin, host = headers.get("origin"), headers.get("host", "")
    elsewhere = origin is not None and origin.partition("://")[2].lower() != host.lower()
    if elsewhere or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Problem(403, "wrong_origin", "pages of another origin may not change anything here")


async def _body(headers: Headers, receive: Receive) -> bytes:
    """All of it. Who sends too much is heard out for a while: most listen only afterwards."""
    length, waits = headers.get("content-length", ""), "expect" in headers
    if waits and length.isascii() and length.isdigit() and _is_long(length):
        raise _too_long()
    read, size = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in _parts(receive):
                size += len(part)
                if size <= BODY_BYTES:
                    read += part
                elif size > HEARD_BYTES:
                    break
    except TimeoutError as error:
        line = f"the body did not come within {BODY_SECONDS:g} s"
        raise Problem(408, "slow_body", line) from error
    if size > BODY_BYTES:
        raise _too_long()
    return bytes(read)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "incomplete_body", "the body has no end")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


def _is_long(digits: str) -> bool:
    return len(digits) > len(str(BODY_BYTES)) + 10 or int(digits) > BODY_BYTES


def _too_long() -> Problem:
    line = f"the body is longer than {BODY_BYTES} bytes"
    return Problem(413, "too_long", line, headers={"Connection": "close"})


def _check_body(headers: Headers, body: bytes) -> None:
    media, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise Problem(
            415, "unsupported_media_type", f"a body must be JSON: send Content-Type: {JSON}"
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_encoding", "a body must not be compressed")
    try:
        read_json(body)
    except NotJson as error:
        raise Problem(400, "invalid_json", str(error)) from error


def _replayed(body: bytes, receive: Receive) -> Callable[[], Awaitable[MutableMapping[str, Any]]]:
    """The body once more; then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
