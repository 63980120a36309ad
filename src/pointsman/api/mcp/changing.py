"""Tools that change something. Each says why, and the facts keep who asked and what for."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints

from pointsman.api.mcp.reading import Instant, OperationId, Resource, at_resource
from pointsman.api.mcp.rest import Json, Rest

WHY_MOST: Final = 500
KEY_MOST: Final = 200

Why: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Field(
        min_length=1, max_length=WHY_MOST, description="What for. The history keeps it, with who."
    ),
]
UNSAID: Final = "not said"
"""What for, of the documented calls, which say nothing."""
Once: TypeAlias = Annotated[
    str,
    Field(
        max_length=KEY_MOST,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="Asking again with the same key is asking once.",
    ),
]
JobId: TypeAlias = Annotated[str, Field(description="The job: a label that operations share.")]
Reason: TypeAlias = Literal[
    "USER_REQUEST", "TIMEOUT", "DEPENDENCY_FAILED", "INTERNAL_ERROR", "EXTERNAL_ERROR"
]


class Asking:
    """How a change is asked for."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def _post(
        self,
        why: str,
        resource_id: str | None,
        *path: str,
        body: object = None,
    ) -> Json:
        at = at_resource(resource_id, *path)
        came: Json = await self._rest.post(why, *at, body=body)
        return came


class Steering(Asking):
    """What can be asked of a resource as a whole, and of jobs."""

    async def dispatcher_pause_runtime(
        self, why: Why = UNSAID, resource_id: Resource = None
    ) -> Json:
        """Start nothing more on a resource until it is resumed. What runs goes on."""
        body = {"why": why}
        return await self._post(why, resource_id, "dispatcher", "pause", body=body)

    async def dispatcher_resume_runtime(
        self, why: Why = UNSAID, resource_id: Resource = None
    ) -> Json:
        """Let a paused resource start operations again."""
        return await self._post(why, resource_id, "dispatcher", "resume")

    async def dispatcher_start_runtime(self, why: Why, resource_id: Resource = None) -> Json:
        """Let a stopped resource take up its queue."""
        return await self._post(why, resource_id, "dispatcher", "start")

    async def dispatcher_stop_runtime(self, why: Why, resource_id: Resource = None) -> Json:
        """Stop a resource: it starts nothing until it is started again. What runs goes on."""
        return await self._post(why, resource_id, "dispatcher", "stop")

    async def request_answer(
        self,
        request_id: Annotated[str, Field(description="As request_list names it.")],
        accepted: Annotated[bool, Field(description="Yes or no.")],
        why: Why,
        resource_id: Resource = None,
    ) -> Json:
        """Say yes or no to a request. An operation starts only after a yes to its own request."""
        body = {"accepted": accepted, "reasoning": why}
        at = ("requests", request_id, "answer")
        return await self._post(why, resource_id, *at, body=body)

    async def job_hold(self, job_id: JobId, why: Why, resource_id: Resource = None) -> Json:
        """Start no operation of a job until it is released."""
        return await self._post(why, resource_id, "jobs", job_id, "hold")

    async def job_release(self, job_id: JobId, why: Why, resource_id: Resource = None) -> Json:
        """Let the operations of a job start again."""
        return await self._post(why, resource_id, "jobs", job_id, "release")

    async def job_cancel(self, job_id: JobId, why: Why, resource_id: Resource = None) -> Json:
        """Cancel all operations of a job that have not ended."""
        return await self._post(why, resource_id, "jobs", job_id, "cancel")


class Authoring(Asking):
    """What the author of an operation can ask for."""

    async def operation_add(  # noqa: PLR0913, PLR0917  What an operation has.
        self,
        payload: Annotated[Json, Field(description="What is to be done: any JSON object.")],
        why: Why,
        priority: Annotated[int, Field(description="Larger goes first.")] = 0,
        release_date: Instant = None,
        due_date: Instant = None,
        planned_duration: Annotated[int | None, Field(ge=0, description="Milliseconds.")] = None,
        job_id: JobId | None = None,
        after: Annotated[
            list[str] | None, Field(description="Ids of operations that must end well before.")
        ] = None,
        idempotency_key: Once | None = None,
        resource_id: Resource = None,
    ) -> Json:
        """Queue an operation. When its turn comes somebody is asked, and after a yes it starts."""
        work = {
            "payload": payload,
            "priority": priority,
            "release_date": release_date,
            "due_date": due_date,
            "planned_duration": planned_duration,
            "job_id": job_id,
            "dependencies": [{"depends_on_operation_id": id} for id in after or ()],
        }
        at = at_resource(resource_id, "operations", "add")
        added: list[Json] = await self._rest.post(why, *at, body=[work], once=idempotency_key)
        return added[0]

    async def operation_update(
        self,
        operation_id: OperationId,
        changes: Annotated[
            Json,
            Field(
                description="New values of payload, priority, release_date, due_date, job_id,"
                " planned_duration (milliseconds) or dependencies. Others stay as they are."
            ),
        ],
        why: Why,
        resource_id: Resource = None,
    ) -> Json:
        """Change an operation that waits or is paused."""
        at = ("operations", operation_id, "update")
        return await self._post(why, resource_id, *at, body=changes)

    async def operation_cancel(
        self,
        operation_id: OperationId,
        why: Why,
        termination_reason: Reason = "USER_REQUEST",
        resource_id: Resource = None,
    ) -> Json:
        """Cancel an operation; where leave is needed, somebody is asked for it first."""
        body = {"termination_reason": termination_reason}
        at = ("operations", operation_id, "cancel")
        return await self._post(why, resource_id, *at, body=body)

    async def operation_pause(
        self, operation_id: OperationId, why: Why, resource_id: Resource = None
    ) -> Json:
        """Pause a running operation; where leave is needed, somebody is asked for it first."""
        return await self._post(why, resource_id, "operations", operation_id, "pause")

    async def operation_resume(
        self, operation_id: OperationId, why: Why, resource_id: Resource = None
    ) -> Json:
        """Resume a paused operation; where leave is needed, somebody is asked for it first."""
        return await self._post(why, resource_id, "operations", operation_id, "resume")

    async def operation_hold(
        self, operation_id: OperationId, why: Why, resource_id: Resource = None
    ) -> Json:
        """Let a queued operation wait until it is released."""
        return await self._post(why, resource_id, "operations", operation_id, "hold")

    async def operation_release(
        self, operation_id: OperationId, why: Why, resource_id: Resource = None
    ) -> Json:
        """Let an operation that was held start when its turn comes."""
        return await self._post(why, resource_id, "operations", operation_id, "release")

    async def operation_retry(
        self, operation_id: OperationId, why: Why, resource_id: Resource = None
    ) -> Json:
        """Have an operation tried again that is in quarantine, or that rests."""
        return await self._post(why, resource_id, "operations", operation_id, "retry")


class Reporting(Asking):
    """What an executor can say of an operation that it carries out."""

    async def operation_complete(
        self,
        operation_id: OperationId,
        why: Why,
        result: Annotated[Any, Field(description="Any JSON.")] = None,  # noqa: ANN401
        resource_id: Resource = None,
    ) -> Json:
        """Report that a running operation has ended as it should."""
        body = {"result": result}
        at = ("operations", operation_id, "complete")
        return await self._post(why, resource_id, *at, body=body)

    async def operation_fail(
        self,
        operation_id: OperationId,
        why: Why,
        error_code: Annotated[str, Field(max_length=100)] = "",
        resource_id: Resource = None,
    ) -> Json:
        """Report that a running operation has failed. `why` is kept as its error."""
        body = {"reason": why, "error_code": error_code}
        at = ("operations", operation_id, "fail")
        return await self._post(why, resource_id, *at, body=body)

    async def operation_progress(
        self,
        operation_id: OperationId,
        fraction: Annotated[float, Field(ge=0.0, le=1.0, description="From 0 to 1.")],
        why: Annotated[str, Field(max_length=WHY_MOST, description="A note for people.")] = "",
        resource_id: Resource = None,
    ) -> Json:
        """Report how far a running operation is. That is a sign of life, too."""
        body = {"fraction": fraction, "note": why}
        at = ("operations", operation_id, "progress")
        return await self._post(why, resource_id, *at, body=body)

    async def operation_heartbeat(
        self,
        operation_id: OperationId,
        why: Annotated[str, Field(max_length=WHY_MOST, description="A note for people.")] = "",
        resource_id: Resource = None,
    ) -> Json:
        """Report that whoever carries out a running operation still does."""
        return await self._post(why, resource_id, "operations", operation_id, "heartbeat")
