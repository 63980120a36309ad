"""The MCP door of one dispatcher in this program: on its own, or on an MCP server of yours."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, get_args

from mcp.server.mcpserver import MCPServer

from pointsman.api.keys import Keys
from pointsman.api.mcp.choosing import choice
from pointsman.api.mcp.doors import Inside
from pointsman.api.mcp.mounting import mounted
from pointsman.api.mcp.offering import INSTRUCTIONS, NAME, Offer
from pointsman.api.mcp.server import mcp_server, register
from pointsman.app.dispatcher_doors import OperationDispatcherOpenAPI
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher

Transport = Literal["stdio", "http", "streamable-http"]
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
        self._beside = partial(mounted, offer=self._offer)

    def run(self, transport: Transport = "streamable-http") -> None:
        """Serve in this thread, until it is interrupted or, over stdio, its input ends.

        Raises:
            ValueError: If there is no such transport.
        """
        match transport:
            case "stdio":
                self.create_server().run("stdio")
            case "http" | "streamable-http":
                super().run()
            case _:
                known = ", ".join(get_args(Transport))
                raise ValueError(f"transport is {transport!r}: one of {known} would work")

    def create_server(self) -> "MCPServer[Any]":
        """The MCP server alone, for a transport of yours."""
        return mcp_server(Inside(self.create_app()), self._offer)


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
