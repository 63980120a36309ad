"""What may be said to the door. What nobody asked for is refused, by its name."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from pointsman.api.rest.fields import (
    Id,
    Instant,
    Line,
    Milliseconds,
    Priority,
    Whole,
)
from pointsman.operations.authors import ADD_MOST
from pointsman.operations.checks import (
    DEPENDENCIES_MOST,
    JOB_ID_LENGTH_MOST,
    META_BYTES,
    check_json,
)
from pointsman.operations.model import Dependency, DependencyType, OnFailure, Reason, Work

Json = dict[str, Any]
JobId = Annotated[str, Field(min_length=1, max_length=JOB_ID_LENGTH_MOST)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewDependency(Body):
    depends_on_operation_id: Id
    dependency_type: DependencyType = DependencyType.FINISH_TO_START
    on_failure: OnFailure = Field(
        default=OnFailure.FAIL, description="What becomes of the dependent if the other one fails."
    )

    def dependency(self) -> Dependency:
        return Dependency(self.depends_on_operation_id, self.dependency_type, self.on_failure)


class NewOperation(Body):
    """Work for a resource. Its id is drawn here."""

    payload: Json = Field(examples=[{"task": "pickup"}])
    job_id: JobId | None = None
    priority: Priority = Field(default=0, description="Larger goes first.")
    release_date: Instant | None = Field(default=None, description="It starts no earlier.")
    planned_duration: Milliseconds | None = Field(default=None, description="In milliseconds.")
    due_date: Instant | None = Field(default=None, description="It comes after `release_date`.")
    dependencies: list[NewDependency] = Field(default=[], max_length=DEPENDENCIES_MOST)

    def work(self, created_at: datetime) -> Work:
        return Work(
            self.payload,
            created_at,
            self.priority,
            self.release_date,
            self.due_date,
            _duration(self.planned_duration),
            self.job_id,
            tuple(one.dependency() for one in self.dependencies),
        )


NewOperations = Annotated[list[NewOperation], Field(min_length=1, max_length=ADD_MOST)]


def _without_defaults(schema: Json) -> None:
    """What is left out stays as it is, so a client that filled in a default would change it."""
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(Body):
    """New values by field. Fields that are not named stay as they are."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    payload: Json = Field(default={}, examples=[{"task": "pickup"}])
    job_id: JobId | None = None
    priority: Priority = 0
    release_date: Instant | None = None
    planned_duration: Milliseconds | None = None
    due_date: Instant | None = None
    dependencies: list[NewDependency] = Field(default=[], max_length=DEPENDENCIES_MOST)

    def values(self) -> Mapping[str, Any]:
        """As `Update` has them."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        if "planned_duration" in values:
            values["planned_duration"] = _duration(self.planned_duration)
        if "dependencies" in values:
            values["dependencies"] = tuple(one.dependency() for one in self.dependencies)
        return values


def _kept(meta_data: Json) -> Json:
    check_json("meta_data", meta_data, META_BYTES)
    return meta_data


class Change(Body):
    """Why something is changed, or whatever else belongs to it."""

    meta_data: Annotated[Json, AfterValidator(_kept)] = Field(
        default={}, description="Goes into the events that come of it."
    )


def _said(reason: Reason) -> Reason:
    if reason is Reason.NONE:
        raise ValueError("NONE is no reason: say why it is cancelled")
    return reason


Cause = Annotated[
    Reason,
    AfterValidator(_said),
    WithJsonSchema({"type": "string", "enum": [one for one in Reason if one is not Reason.NONE]}),
]


class Cancellation(Change):
    termination_reason: Cause = Reason.USER_REQUEST


class Report(Change):
    """What an executor says."""

    attempt: Whole | None = Field(
        default=None,
        description="If given, it must be the attempt that goes on: a late report is refused.",
    )


class Completion(Report):
    result: Any = Field(default=None, description="Any JSON.")


class Failure(Report):
    reason: Line = Field(
        description="A line for people, or one of the termination reasons.",
        examples=["the gripper is jammed"],
    )
    error_code: Annotated[str, Field(max_length=100)] = ""

    def meant(self) -> tuple[Reason, str]:
        """Why it failed, for programs and for people."""
        if self.reason in FAILURES:
            return Reason(self.reason), ""
        return Reason.EXTERNAL_ERROR, self.reason


class Advance(Report):
    fraction: float = Field(ge=0, le=1, strict=True, allow_inf_nan=False)
    note: Line = ""


class Decision(Change):
    """Whether something may be. Only an answer in time, to a request that waits, counts."""

    accepted: bool = Field(strict=True)
    reasoning: Line = ""
    data: Json | None = None


class Pausing(Change):
    why: Line = Field(default="", description="Shown to whoever asks why nothing starts.")


FAILURES: Final = frozenset(Reason) - {Reason.NONE}


def _duration(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)
