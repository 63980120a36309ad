"""Tools that look and change nothing: anybody may call them who may call the door at all."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from pointsman.api.mcp.rest import Json, Rest

Resource: TypeAlias = Annotated[
    str | None, Field(description="Id of the resource. Default: the site's first.")
]
OperationId: TypeAlias = Annotated[str, Field(description="Id of the operation, a UUID.")]
Instant: TypeAlias = Annotated[
    str | None, Field(description="ISO 8601, as in 2026-01-01T08:00:00Z. Without an offset: UTC.")
]
State: TypeAlias = Literal["QUEUED", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"]
PAGE: Final = 100


class Reading:
    """What can be asked of resources and operations."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def resource_list(self) -> Json:
        """List the resources: robots, machines and vehicles, each with its own queue."""
        return {"resources": await self._rest.get("resources")}

    async def dispatcher_get_state(self, resource_id: Resource = None) -> Json:
        """Tell whether a resource runs, is paused or stopped, and what it does now."""
        return await self._get(resource_id, "dispatcher")

    async def dispatcher_get_history(
        self,
        from_time: Instant = None,
        to_time: Instant = None,
        resolve_operations: Annotated[
            bool, Field(description="Whether the operations come with the events.")
        ] = True,
        limit: Annotated[
            int | None, Field(ge=1, le=1000, description="The last so many events. Default: 50.")
        ] = None,
        every: Annotated[
            bool, Field(description="Rests between tries, holds, progress and the like too.")
        ] = False,
        resource_id: Resource = None,
    ) -> Json:
        """Tell the last events of a time window, oldest first."""
        asked = {
            "from_time": from_time,
            "to_time": to_time,
            "resolve_operations": resolve_operations,
            "limit": limit,
            "every": every,
        }
        return await self._get(resource_id, "operations", "history", **asked)

    async def operation_list(
        self,
        state: Annotated[
            State | None, Field(description="Default: what has not ended yet.")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=1000, description="At most so many.")] = PAGE,
        resource_id: Resource = None,
    ) -> Json:
        """List operations: the current one first, then in the order in which they would start."""
        asked = {"state": state, "limit": limit}
        return {"operations": await self._list(resource_id, "operations", **asked)}

    async def operation_get(self, operation_id: OperationId, resource_id: Resource = None) -> Json:
        """Tell all about an operation: phase, progress, revision, and what keeps it back."""
        return await self._get(resource_id, "operations", operation_id, "detail")

    async def operation_why(self, operation_id: OperationId, resource_id: Resource = None) -> Json:
        """Tell why an operation does not start: every reason that keeps it back."""
        detail = await self._get(resource_id, "operations", operation_id, "detail")
        told = ("phase", "blocked_by", "request", "not_before", "error")
        return {"operation_id": operation_id, **{name: detail[name] for name in told}}

    async def operation_events(
        self, operation_id: OperationId, resource_id: Resource = None
    ) -> Json:
        """Tell what has happened to an operation, oldest first."""
        found = await self._list(resource_id, "operations", operation_id, "events")
        return {"events": found}

    async def request_list(self, resource_id: Resource = None) -> Json:
        """List the requests that wait for somebody's yes or no, and until when."""
        return {"requests": await self._list(resource_id, "requests")}

    async def job_list(self, resource_id: Resource = None) -> Json:
        """List the jobs: groups of operations that are held and cancelled together."""
        return {"jobs": await self._list(resource_id, "jobs")}

    async def _get(self, resource_id: str | None, *path: str, **query: object) -> Json:
        found: Json = await self._any(resource_id, *path, **query)
        return found

    async def _list(self, resource_id: str | None, *path: str, **query: object) -> list[Any]:
        found: list[Any] = await self._any(resource_id, *path, **query)
        return found

    async def _any(self, resource_id: str | None, *path: str, **query: object) -> Any:  # noqa: ANN401  JSON.
        at = at_resource(resource_id, *path)
        return await self._rest.get(*at, **query)


def at_resource(resource_id: str | None, *path: str) -> tuple[str, ...]:
    """Where the door has that. At the root: the site's first resource."""
    return path if resource_id is None else ("resources", resource_id, *path)
