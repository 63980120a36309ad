"""The MCP door of one dispatcher in this program: on its own, or on an MCP server of yours."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, get_args

from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp

from pointsman.api.keys import Keys
from pointsman.api.mcp.choosing import choice
from pointsman.api.mcp.doors import Inside
from pointsman.api.mcp.mounting import mounted
from pointsman.api.mcp.offering import INSTRUCTIONS, NAME, Offer
from pointsman.api.mcp.server import mcp_server, register
from pointsman.api.mcp.sse import SseDoor
from pointsman.app.dispatcher_doors import OperationDispatcherOpenAPI, for_ever
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher

Served = Literal["http", "streamable-http", "sse"]
Transport = Literal["stdio", Served]
PORT: Final = 8_000

Names = Collection[str] | None


class OperationDispatcherMCPServer(OperationDispatcherOpenAPI):
    """Tools, resources and prompts of a dispatcher, at `/mcp`. REST is there too.

    Args:
        dispatcher: It runs or not, as it likes.
        name: What agents see.
        instructions: Likewise.
        host: Where it listens. Without keys, on this computer only.
        port: 0: any that is free.
        tools: The names of those that there are to be. None: all.
        resources: Likewise, by their URIs.
        prompts: Likewise.
        json_response: Whether `/mcp` answers in JSON. Otherwise with a stream of one event.
        allow_control: Whether agents may change something. Otherwise they only look.
        keys: Who may come in. None: whoever is on this computer.

    Raises:
        ValueError: If there is no such tool, resource or prompt, or it needs `allow_control`.
    """

    def __init__(  # noqa: PLR0913, PLR0917  As it is documented.
        self,
        dispatcher: OperationDispatcher,
        name: str = NAME,
        instructions: str = INSTRUCTIONS,
        host: str = "127.0.0.1",
        port: int = PORT,
        tools: Names = None,
        resources: Names = None,
        prompts: Names = None,
        json_response: bool = True,
        *,
        allow_control: bool = False,
        keys: Keys | None = None,
    ) -> None:
        offer = Offer(allow_control, name, instructions, tools, resources, prompts, json_response)
        self._offer = replace(offer, **choice(offer)._asdict())
        super().__init__(dispatcher, host, port, keys=keys)

    def run(self, transport: Transport = "streamable-http", mount_path: str | None = None) -> None:
        """Serve in this thread, until it is interrupted or, over stdio, its input ends.

        Raises:
            ValueError: If there is no such transport, or no such path for it.
        """
        _check(transport, mount_path, Transport)
        if transport == "stdio":
            self.create_server().run("stdio")
        else:
            asyncio.run(for_ever(self.serving(transport, mount_path)))

    def serving(
        self, transport: Served = "streamable-http", mount_path: str | None = None
    ) -> AbstractAsyncContextManager[int]:
        """Serve on this event loop until left, and give the port.

        With `sse`, agents that know the older transport only come to `/sse`, below `mount_path`.

        Raises:
            ValueError: If there is no such transport, or no such path for it.
            Exposed: If anybody could come in.
            CannotListen: If it cannot listen there.
        """
        _check(transport, mount_path, Served)
        if transport == "sse":
            return self._with_sse(SseDoor(self._offer, mount_path))
        return self._served(partial(mounted, offer=self._offer))

    def create_server(self) -> "MCPServer[Any]":
        """The MCP server alone, for a transport of yours."""
        return mcp_server(Inside(self.create_app()), self._offer)

    @asynccontextmanager
    async def _with_sse(self, door: SseDoor) -> AsyncIterator[int]:
        @asynccontextmanager
        async def both(app: ASGIApp) -> AsyncIterator[ASGIApp]:
            async with mounted(app, offer=self._offer) as http, door.mounted(http) as sse:
                yield sse

        async with self._served(both) as port, door.ending():
            yield port


class OperationDispatcherMCPUtility:
    """Puts the tools, resources and prompts of a dispatcher on an MCP server of yours.

    You see to who may come in there. Each change is kept with what its agent calls itself.

    Args:
        dispatcher: It runs or not, as it likes.
        allow_control: Whether agents may change something. Otherwise they only look.
    """

    def __init__(self, dispatcher: OperationDispatcher, *, allow_control: bool = False) -> None:
        self._dispatcher = dispatcher
        self._allow_control = allow_control

    def register(
        self,
        mcp: "MCPServer[Any]",
        tools: Names = None,
        resources: Names = None,
        prompts: Names = None,
    ) -> None:
        """Add those of these names. None: all there are. What has such a name already stays.

        Raises:
            TypeError: If it is no server of the official SDK.
            ValueError: If there is no such tool, resource or prompt, or it needs `allow_control`.
        """
        if not isinstance(mcp, MCPServer):
            kind = f"{type(mcp).__module__}.{type(mcp).__qualname__}"
            raise TypeError(f"mcp is a {kind}: an mcp.server.mcpserver.MCPServer would work")
        offer = Offer(self._allow_control, tools=tools, resources=resources, prompts=prompts)
        app = OperationDispatcherOpenAPI(self._dispatcher).create_app()
        register(mcp, Inside(app), offer)


def _check(transport: str, mount_path: str | None, known: object) -> None:
    if transport not in get_args(known):
        words = ", ".join(get_args(known))
        raise ValueError(f"transport is {transport!r}: one of {words} would work")
    if mount_path is not None and transport != "sse":
        raise ValueError(f"mount_path is {mount_path!r}: it is for transport='sse' only")
