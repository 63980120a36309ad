"""The MCP server: its tools, resources and prompts, on one of ours or on somebody's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from starlette.types import ASGIApp

from pointsman.api.mcp.arguments import Strictness, refuse_in_one_line
from pointsman.api.mcp.choosing import GROUPS, LOOKING, choice
from pointsman.api.mcp.doors import Door, Inside
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.readables import PROMPTS, URIS, Readables
from pointsman.api.mcp.rest import Rest, remember_caller
from pointsman.api.mcp.sessions import Sessions

LOOKS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ACTS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
HINTS: Final = {**dict.fromkeys(LOOKING, LOOKS), "operation_add": ADDS}
JSON: Final = "application/json"
TRUSTING: Final = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""The entrance has looked at who comes in."""


def mcp_server(door: Door, offer: Offer) -> MCPServer[Any]:
    """An MCP server over a REST door.

    Raises:
        ValueError: If nothing is called as it is in the offer.
    """
    server: MCPServer[Any] = MCPServer(
        offer.name,
        instructions=offer.instructions,
        version=version("pointsman"),
        log_level="WARNING",
    )
    server.middleware.append(refuse_in_one_line)
    register(server, door, offer)
    return server


def register(server: MCPServer[Any], door: Door, offer: Offer) -> None:
    """Add what is offered to a server.

    Raises:
        ValueError: If nothing is called as it is in the offer. Then nothing was added.
    """
    chosen, rest = choice(offer), Rest(door)
    if remember_caller not in server.middleware:
        server.middleware.append(remember_caller)
    groups = [kind(rest) for kind in GROUPS]
    tools = {n: getattr(g, n) for g in groups for n in chosen.tools if hasattr(g, n)}
    for name, tool in tools.items():
        server.add_tool(tool, annotations=HINTS.get(name, ACTS))
    server.middleware.append(Strictness(tools))
    readables = Readables(rest)
    for uri in chosen.resources:
        server.resource(uri, mime_type=JSON)(URIS[uri](readables))
    for name in chosen.prompts:
        server.prompt()(PROMPTS[name])


@asynccontextmanager
async def opened(app: ASGIApp, offer: Offer) -> AsyncIterator[ASGIApp]:
    """The handler of calls over HTTP, for the REST application of this process, until left."""
    server = mcp_server(Inside(app), offer)
    server.streamable_http_app(
        stateless_http=True, json_response=offer.json_response, transport_security=TRUSTING
    )
    manager = server.session_manager
    async with manager.run():
        yield Sessions(manager.handle_request)
