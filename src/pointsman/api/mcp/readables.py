"""Resources and prompts: what agents can read without calling a tool, and how they may begin."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from mcp.server.mcpserver.exceptions import ResourceError

from pointsman.api.mcp.rest import Refused, Rest

Reader: TypeAlias = Callable[..., Awaitable[str]]


class Readables:
    """What can be read, each as JSON."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def state(self) -> str:
        """How the site's first resource is."""
        return await self._read("dispatcher")

    async def queue(self) -> str:
        """What is queued on it and what goes on, in order."""
        return _written({"operations": await self._got("operations")})

    async def resources(self) -> str:
        """All resources, each in short."""
        return _written({"resources": await self._got("resources")})

    async def queue_of(self, resource_id: str) -> str:
        """What is queued on a resource and what goes on, in order."""
        found = await self._got("resources", resource_id, "operations")
        return _written({"operations": found})

    async def history(self, limit: str) -> str:
        """The last so many events, 1 to 1000, with their operations."""
        return await self._read("operations", "history", limit=limit, resolve_operations=True)

    async def events(self, limit: str) -> str:
        """The last so many events, 1 to 1000."""
        asked = {"limit": limit, "resolve_operations": False}
        found = await self._got("operations", "history", **asked)
        return _written({"events": found["events"]})

    async def operation(self, operation_id: str) -> str:
        """All about one operation."""
        return await self._read("operations", operation_id, "detail")

    async def operation_events(self, operation_id: str) -> str:
        """What has happened to one operation, oldest first."""
        return _written({"events": await self._got("operations", operation_id, "events")})

    async def _read(self, *path: str, **query: object) -> str:
        return _written(await self._got(*path, **query))

    async def _got(self, *path: str, **query: object) -> Any:  # noqa: ANN401  JSON.
        try:
            return await self._rest.get(*path, **query)
        except Refused as error:
            raise ResourceError(str(error)) from error


URIS: Final[Mapping[str, Callable[[Readables], Reader]]] = {
    "dispatcher://state": lambda of: of.state,
    "dispatcher://queue": lambda of: of.queue,
    "dispatcher://resources": lambda of: of.resources,
    "dispatcher://resources/{resource_id}/queue": lambda of: of.queue_of,
    "dispatcher://history/{limit}": lambda of: of.history,
    "dispatcher://events/{limit}": lambda of: of.events,
    "dispatcher://operations/session/{operation_id}": lambda of: of.operation,
    "dispatcher://operations/session/{operation_id}/events": lambda of: of.operation_events,
}
"""Where each of them is."""


def dispatcher_introduction_prompt() -> str:
    """How to work with the resources here."""
    return (
        "You help to run equipment that works through queues of operations. First call"
        " resource_list, then dispatcher_get_state and operation_list of the resource that"
        " matters. Tell me what runs, what waits and why, and which requests wait for a yes"
        " or no. Change nothing before I have said so, and give a reason with each change."
    )


def why_is_it_not_starting(operation_id: str) -> str:
    """Find out what keeps an operation back."""
    return (
        f"Call operation_why for the operation {operation_id}. Explain each reason in a"
        " sentence, say which is over by itself and when, and which needs somebody to act, and"
        " what would be the smallest thing to do."
    )


PROMPTS: Final[Mapping[str, Callable[..., str]]] = {
    prompt.__name__: prompt for prompt in (dispatcher_introduction_prompt, why_is_it_not_starting)
}


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
