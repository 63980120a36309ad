"""Resources and prompts: what agents can read without calling a tool, and how they may begin."""

import json
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError

from pointsman.api.mcp.rest import Refused, Rest

JSON: Final = "application/json"


def register(server: MCPServer[Any], rest: Rest) -> None:
    """Add them to a server."""
    _fixed(server, rest)
    _of_history(server, rest)
    _of_operations(server, rest)
    _prompts(server)


def _fixed(server: MCPServer[Any], rest: Rest) -> None:
    @server.resource("dispatcher://state", mime_type=JSON)
    async def state() -> str:
        """How the site's first resource is."""
        return await _read(rest, "dispatcher")

    @server.resource("dispatcher://queue", mime_type=JSON)
    async def queue() -> str:
        """What is queued on it and what goes on, in order."""
        found = await _got(rest, "operations")
        return _written({"operations": found})

    @server.resource("dispatcher://resources", mime_type=JSON)
    async def resources() -> str:
        """All resources, each in short."""
        return _written({"resources": await _got(rest, "resources")})

    @server.resource("dispatcher://resources/{resource_id}/queue", mime_type=JSON)
    async def queue_of(resource_id: str) -> str:
        """What is queued on a resource and what goes on, in order."""
        found = await _got(rest, "resources", resource_id, "operations")
        return _written({"operations": found})


def _of_history(server: MCPServer[Any], rest: Rest) -> None:
    @server.resource("dispatcher://history/{limit}", mime_type=JSON)
    async def history(limit: str) -> str:
        """The last so many events, 1 to 1000, with their operations."""
        return await _read(rest, "operations", "history", limit=limit, resolve_operations=True)

    @server.resource("dispatcher://events/{limit}", mime_type=JSON)
    async def events(limit: str) -> str:
        """The last so many events, 1 to 1000."""
        asked = {"limit": limit, "resolve_operations": False}
        found = await _got(rest, "operations", "history", **asked)
        return _written({"events": found["events"]})


def _of_operations(server: MCPServer[Any], rest: Rest) -> None:
    @server.resource("dispatcher://operations/session/{operation_id}", mime_type=JSON)
    async def operation(operation_id: str) -> str:
        """All about one operation."""
        return await _read(rest, "operations", operation_id, "detail")

    @server.resource("dispatcher://operations/session/{operation_id}/events", mime_type=JSON)
    async def operation_events(operation_id: str) -> str:
        """What has happened to one operation, oldest first."""
        found = await _got(rest, "operations", operation_id, "events")
        return _written({"events": found})


def _prompts(server: MCPServer[Any]) -> None:
    @server.prompt()
    def dispatcher_introduction_prompt() -> str:
        """How to work with the resources here."""
        return (
            "You help to run equipment that works through queues of operations. First call"
            " resource_list, then dispatcher_get_state and operation_list of the resource that"
            " matters. Tell me what runs, what waits and why, and which requests wait for a yes"
            " or no. Change nothing before I have said so, and give a reason with each change."
        )

    @server.prompt()
    def why_is_it_not_starting(operation_id: str) -> str:
        """Find out what keeps an operation back."""
        return (
            f"Call operation_why for the operation {operation_id}. Explain each reason in a"
            " sentence, say which is over by itself and when, and which needs somebody to act, and"
            " what would be the smallest thing to do."
        )


async def _read(rest: Rest, *path: str, **query: object) -> str:
    return _written(await _got(rest, *path, **query))


async def _got(rest: Rest, *path: str, **query: object) -> Any:  # noqa: ANN401
    try:
        return await rest.get(*path, **query)
    except Refused as error:
        raise ResourceError(str(error)) from error


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
