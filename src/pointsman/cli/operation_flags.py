"""What was asked of `pointsman operation` and `resource`, and which values that means."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from pointsman.cli.durations import duration_of
from pointsman.cli.errors import Misused
from pointsman.cli.moments import moment_of, zone_named
from pointsman.cli.payloads import json_of, object_of
from pointsman.config import nearest
from pointsman.operations.model import State

CHARACTERS: Final = 1_000_000
"""Of a payload or a result. The server takes no more bytes of a whole request."""
EXAMPLE: Final = '{"task": "pickup"}'
NOTHING: Final = "none"
MILLISECONDS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all commands have in common."""

    resource: str | None = None
    url: str | None = None
    key: str | None = None
    timeout: float = 60.0
    timezone: str | None = None
    as_json: bool = False

    @property
    def zone(self) -> tzinfo | None:
        return zone_named(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class One(Asked):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(One):
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Act):
    result: str | None = None

    def body(self) -> dict[str, Any]:
        said = self.result
        return {} if said is None else {"result": json_of(said, "--result", CHARACTERS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Act):
    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering(Asked):
    """One verb, for several operations."""

    ids: list[str]
    verb: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Asked):
    """One verb, for a resource."""

    verb: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Asked):
    state: str | None = None
    job: str | None = None
    limit: int = 100

    @property
    def of_state(self) -> str | None:
        if self.state is None:
            return None
        word = self.state.strip().upper()
        if word not in State.__members__:
            hint = nearest(word.lower(), (state.lower() for state in State))
            raise Misused(f"--state: there is no state {self.state!r}; {hint}")
        return word


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Asked):
    """What is said of an operation. What is None was not given."""

    priority: int | None = None
    release: str | None = None
    due: str | None = None
    planned: str | None = None
    job: str | None = None
    after: list[str] | None = None
    why: str = ""

    def fields(self, now: datetime) -> dict[str, Any]:
        """As the door takes them. `none` gives a field no value."""
        said = (
            ("priority", self.priority, lambda: self.priority),
            ("release_date", self.release, lambda: self._instant(self.release, now, "--release")),
            ("due_date", self.due, lambda: self._instant(self.due, now, "--due")),
            ("planned_duration", self.planned, lambda: _milliseconds(self.planned)),
            ("job_id", self.job, lambda: None if self.job == NOTHING else self.job),
            ("dependencies", self.after, lambda: _dependencies(self.after)),
        )
        return {name: meant() for name, given, meant in said if given is not None}

    def _instant(self, text: str | None, now: datetime, place: str) -> str | None:
        if text in (None, NOTHING):
            return None
        moment = moment_of(str(text), now, self.zone, place)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition(Work):
    payload: str
    once: str | None = None

    def body(self, now: datetime) -> list[dict[str, Any]]:
        payload = object_of(self.payload, "PAYLOAD", example=EXAMPLE, characters=CHARACTERS)
        return [{"payload": payload, **self.fields(now)}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Work):
    id: str
    payload: str | None = None

    def body(self, now: datetime) -> dict[str, Any]:
        changes = self.fields(now)
        if self.payload is not None:
            changes["payload"] = object_of(
                self.payload, "--payload", example=EXAMPLE, characters=CHARACTERS
            )
        if not changes:
            raise Misused("nothing is to be changed; give --priority, --due or another flag")
        return changes


def _milliseconds(text: str | None) -> int | None:
    if text in (None, NOTHING):
        return None
    seconds = duration_of(str(text), "--planned")
    if seconds is None:
        raise Misused(f"--planned: {text!r} is no length of time; 'none' takes it away")
    return seconds * MILLISECONDS


def _dependencies(after: list[str] | None) -> list[dict[str, str]]:
    """What comes before. `none`: nothing does."""
    return [{"depends_on_operation_id": id} for id in after or () if id != NOTHING]
