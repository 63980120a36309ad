"""The MCP door of one dispatcher in this program, with its REST door beside it."""

from functools import partial
from typing import Any, Final, Literal, get_args

from mcp.server.mcpserver import MCPServer

from pointsman.api.keys import Keys
from pointsman.api.mcp.doors import Inside
from pointsman.api.mcp.mounting import mounted
from pointsman.api.mcp.server import INSTRUCTIONS, NAME, mcp_server
from pointsman.app.dispatcher_doors import OperationDispatcherOpenAPI
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher

Transport = Literal["stdio", "http", "streamable-http"]
PORT: Final = 8_000


class OperationDispatcherMCPServer(OperationDispatcherOpenAPI):
    """Tools, resources and prompts of a dispatcher, at `/mcp`. REST is there too.

    Args:
        dispatcher: It runs or not, as it likes.
        name: What agents see.
        instructions: Likewise.
        host: Where it listens. Without keys, on this computer only.
        port: 0: any that is free.
        allow_control: Whether agents may change something. Otherwise they only look.
        keys: Who may come in. None: whoever is on this computer.
    """

    def __init__(
        self,
        dispatcher: OperationDispatcher,
        name: str = NAME,
        instructions: str = INSTRUCTIONS,
        host: str = "127.0.0.1",
        port: int = PORT,
        *,
        allow_control: bool = False,
        keys: Keys | None = None,
    ) -> None:
        super().__init__(dispatcher, host, port, keys=keys)
        self._mcp = partial(
            mcp_server, allow_control=allow_control, name=name, instructions=instructions
        )
        self._beside = partial(
            mounted, allow_control=allow_control, name=name, instructions=instructions
        )

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
        return self._mcp(Inside(self.create_app()))
