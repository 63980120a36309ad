"""The MCP door beside an application, made when somebody first comes to it.

The SDK takes a second to import, which a server that restarts does not have to spare.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.api.mcp.offering import Offer

PATH: Final = "/mcp"
MISSING: Final = "this server has no MCP: it comes with pip install 'pointsman[mcp]'"


@asynccontextmanager
async def mounted(app: ASGIApp, *, offer: Offer) -> AsyncIterator[ASGIApp]:
    """An application with the MCP door beside it, at `PATH`, until left.

    Each call stands for itself, so agents notice no restart of the server. Who may come in, the
    entrance has seen to before.
    """
    if find_spec("mcp") is None:
        yield _Beside(app, JSONResponse(_error(MISSING), 501))
        return
    door = _Later(app, offer)
    async with asyncio.TaskGroup() as tasks:
        life = tasks.create_task(door.live())
        yield _Beside(app, door)
        life.cancel()


class _Beside:
    def __init__(self, app: ASGIApp, door: ASGIApp) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = self._door if scope["path"] == PATH else self._app
        await inner(scope, receive, send)


class _Later:
    """The door, once somebody has come."""

    def __init__(self, app: ASGIApp, offer: Offer) -> None:
        self._app, self._offer = app, offer
        self._wanted = asyncio.Event()
        self._door: asyncio.Future[ASGIApp] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._wanted.set()
        door = await asyncio.shield(self._door)
        await door(scope, receive, send)

    async def live(self) -> None:
        """Open it once it is wanted, and keep it open until cancelled."""
        await self._wanted.wait()
        sdk = await asyncio.to_thread(import_module, "pointsman.api.mcp.server")
        async with sdk.opened(self._app, self._offer) as door:
            self._door.set_result(door)
            await asyncio.Event().wait()


def _error(line: str) -> dict[str, str]:
    return {"error": line, "message": line, "code": "not_installed"}
