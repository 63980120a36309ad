"""Sessions of which nothing is kept: the id of one says what its agent calls itself.

An agent gives its name once, when it begins. The protocol has it send the session's id with each
call from then on, so the name goes into the id, and a server that restarts knows all there is to
know. We never say anything by ourselves, so there is no stream to listen to.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION: Final = "mcp-session-id"
BEGIN: Final = "initialize"
LINE: Final = "only POST is allowed here: each call stands for itself"
NOT_ALLOWED: Final = JSONResponse(
    {"error": LINE, "message": LINE, "code": "method_not_allowed"}, 405, {"Allow": "POST"}
)
NAME_MOST: Final = 100
"""Characters of a name that are kept."""


class Sessions:
    """Around the SDK's handler of single calls, for which sessions mean nothing."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await NOT_ALLOWED(scope, receive, send)
            return
        id = Headers(scope=scope).get(SESSION)
        name = name_in(id) if id else None
        if id is None:
            message = await receive()
            receive = _again(message, receive)
            name = name_given(message.get("body", b""))
            if name is not None:
                send = _under(session_of(name), send)
        state = {**scope.get("state", {}), "agent": name}
        await self._inner({**scope, "state": state}, receive, send)


def session_of(name: str) -> str:
    """A new id, which only an agent of this name has."""
    return f"{uuid4().hex}.{urlsafe_b64encode(name.encode()).decode()}"


def name_in(id: str) -> str | None:
    """The name that an id was made for. None: it is none of ours."""
    _, _, encoded = id.partition(".")
    try:
        return urlsafe_b64decode(encoded).decode()[:NAME_MOST] or None
    except (NotBase64, ValueError):
        return None


def name_given(body: bytes) -> str | None:
    """What an agent that begins calls itself. None: the message is another one."""
    try:
        message = json.loads(body)
        if message["method"] != BEGIN:
            return None
        return str(message["params"]["clientInfo"]["name"])[:NAME_MOST]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # The SDK says what is wrong with it.


def _again(message: Message, receive: Receive) -> Receive:
    messages = [message]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _under(id: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[SESSION] = id
        await send(message)

    return sending
