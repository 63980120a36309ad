"""The MCP server: which tools there are, for whom, and what agents are told of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from starlette.types import ASGIApp

from pointsman.api.mcp import readables
from pointsman.api.mcp.changing import Authoring, Reporting, Steering
from pointsman.api.mcp.doors import Door, Inside
from pointsman.api.mcp.reading import Reading
from pointsman.api.mcp.rest import Rest, remember_caller
from pointsman.api.mcp.sessions import Sessions

NAME: Final = "pointsman"
INSTRUCTIONS: Final = """\
You look at, and may be allowed to steer, real equipment: robots, machines, vehicles. Each is a
resource that does one operation at a time, from a queue. An operation starts only after somebody
has said yes to its own request. Ask operation_why before you guess why something does not start.
Say in `why` what you change something for: it is kept, with your name."""

LOOKS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ACTS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
ADDING: Final = frozenset({"operation_add"})

Tool = Callable[..., Awaitable[Any]]


def mcp_server(
    door: Door,
    *,
    allow_control: bool = False,
    name: str = NAME,
    instructions: str = INSTRUCTIONS,
) -> MCPServer[Any]:
    """An MCP server over a REST door. Without `allow_control` it only looks."""
    rest = Rest(door)
    server: MCPServer[Any] = MCPServer(
        name,
        instructions=instructions,
        version=version("pointsman"),
        log_level="WARNING",
        middleware=[remember_caller],
    )
    register(server, rest, allow_control=allow_control)
    return server


def register(server: MCPServer[Any], rest: Rest, *, allow_control: bool) -> None:
    """Add the tools, resources and prompts to a server."""
    for tool in _tools(Reading(rest)):
        server.add_tool(tool, annotations=LOOKS)
    for group in (Steering, Authoring, Reporting) if allow_control else ():
        for tool in _tools(group(rest)):
            server.add_tool(tool, annotations=ADDS if _name(tool) in ADDING else ACTS)
    readables.register(server, rest)


@asynccontextmanager
async def opened(
    app: ASGIApp,
    *,
    allow_control: bool,
    name: str = NAME,
    instructions: str = INSTRUCTIONS,
) -> AsyncIterator[ASGIApp]:
    """The handler of calls over HTTP, for the REST application of this process, until left."""
    server = mcp_server(
        Inside(app), allow_control=allow_control, name=name, instructions=instructions
    )
    trusting = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(stateless_http=True, json_response=True, transport_security=trusting)
    manager = server.session_manager
    async with manager.run():
        yield Sessions(manager.handle_request)


def _tools(group: object) -> Iterator[Tool]:
    """The public methods of a group, in the order in which they are written."""
    for name, member in vars(type(group)).items():
        if not name.startswith("_") and callable(member):
            yield getattr(group, name)


def _name(tool: Tool) -> str:
    return str(getattr(tool, "__name__", ""))
