"""The REST door as the tools see it: it answers, or says in one line why not."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx2
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ToolError

from pointsman.api.mcp.doors import Door
from pointsman.config.keys import Key
from pointsman.core.names import url_path

Json: TypeAlias = dict[str, Any]

NOBODY: Final = "mcp"
ACTOR_MOST: Final = 100
"""Characters of a name that the door takes."""


class Refused(ToolError):
    """The door is well, and will not do this one thing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a tool."""

    agent: str
    """What it calls itself. A hint for people, and no proof."""
    key: Key | None = None
    """That it came in with, over HTTP."""

    def saying(self, why: str, once: str | None) -> dict[str, str]:
        """What goes with a change: who asks, what for, and by which key it is asked but once."""
        said = {"x-actor": _ascii(self.agent)[:ACTOR_MOST], "x-why": quote(why.strip(), safe=" ")}
        return {**said, "idempotency-key": once} if once else said


_CALLER: Final[ContextVar[Caller]] = ContextVar("caller")


async def remember_caller(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """A middleware: whatever the message causes is asked by whoever sent it."""
    params, state = ctx.session.client_params, getattr(ctx.request, "state", None)
    agent = params.client_info.name if params else getattr(state, "agent", None)
    key = getattr(state, "key", None)  # On a server of somebody else's, it may be anything.
    _CALLER.set(Caller(str(agent or NOBODY), key if isinstance(key, Key) else None))
    return await call_next(ctx)


class Rest:
    """The calls that tools make, each for whoever calls the tool."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def get(self, *path: str, **query: object) -> Any:  # noqa: ANN401  JSON.
        """What is at this path.

        Raises:
            Refused: If the door does not answer with it.
        """
        asked = {name: _text(value) for name, value in query.items() if value is not None}
        return await self._ask("GET", path, {}, params=asked)

    async def post(
        self,
        why: str,
        *path: str,
        body: object = None,
        once: str | None = None,
    ) -> Any:  # noqa: ANN401  JSON.
        """What came of a change.

        Raises:
            Refused: If it was refused. Then nothing has changed.
        """
        said = _CALLER.get().saying(why, once)
        return await self._ask("POST", path, said, json={} if body is None else body)

    async def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        headers: Mapping[str, str],
        **sent: Any,  # noqa: ANN401  What httpx takes.
    ) -> Any:  # noqa: ANN401  JSON.
        place = url_path(*path)
        try:
            answer = await self._door.request(method, place, _CALLER.get().key, headers, **sent)
        except httpx2.TransportError as error:
            raise Refused(f"the server does not answer: {error or 'too late'}") from error
        if not answer.is_success:
            raise Refused(_why(answer))
        return answer.json()


def _why(answer: httpx2.Response) -> str:
    """The door's own words, and what it says of what would work."""
    try:
        body = answer.json()
        words = f"{body['code']}: {body['message']}"
        return f"{words} {body['details']}" if body.get("details") else words
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase} from {answer.url.path}"


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text) or NOBODY


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
