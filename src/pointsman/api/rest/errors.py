"""What went wrong, as a status and a body of one shape: `{error, message, code, details?}`.

`error` and `message` are the same line for people, `code` is a word for programs.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from pointsman.api.keys import Forbidden, Unauthenticated
from pointsman.core.entity import Rejected
from pointsman.journal import Fenced, Unknown
from pointsman.operations.authors import REVISED
from pointsman.operations.checks import Conflict, Invalid, NotFound
from pointsman.runtime.ask import Overloaded

log = logging.getLogger(__name__)

LINE_LIMIT: Final = 1_000
"""Characters."""
AGAIN_SECONDS: Final = 1
"""When to ask again, of what is refused for now."""


class Error(BaseModel):
    """What every refusal says."""

    error: str = Field(description="In one line, for people.")
    message: str = Field(description="The same.")
    code: str = Field(description="A word for programs.", examples=["operation_not_found"])
    details: dict[str, Any] | None = Field(
        default=None,
        description="What is needed to do better, such as the state that was met.",
    )


class Problem(Exception):
    """A refusal as it goes out."""

    def __init__(
        self,
        status: int,
        code: str,
        line: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(line)
        self.status, self.code, self.line = status, code, line
        self.details, self.headers = details, headers


def check_open(what: str, count: int, most: int, *, stopping: bool) -> None:
    """Refuse one more of what stays open.

    Raises:
        Problem: If it would be too many, or the server is going to stop.
    """
    again = {"Retry-After": str(AGAIN_SECONDS)}
    if stopping:
        raise Problem(503, "unavailable", "this server is stopping: ask again", headers=again)
    if count >= most:
        line = f"{most} {what} are open already: ask again later"
        raise Problem(429, "overloaded", line, headers=again)


def problem_of(error: Exception, what: str) -> Problem:
    """What to answer. An error that nobody expected is logged, and told to nobody else."""
    again = {"Retry-After": str(AGAIN_SECONDS)}
    match error:
        case Problem():
            return error
        case Conflict(code=code, phase=phase, allowed=allowed):
            details = {"state": phase, "allowed": allowed} if phase else None
            return Problem(412 if code == REVISED else 409, code, str(error), details)
        case Invalid():
            return Problem(400, "invalid_request", str(error))
        case NotFound():
            return Problem(404, "not_found", str(error))
        case Rejected():
            return Problem(409, "rejected", str(error))
        case Unauthenticated():
            challenge = {"WWW-Authenticate": 'Bearer realm="pointsman"'}
            return Problem(401, "unauthenticated", str(error), headers=challenge)
        case Forbidden():
            return Problem(403, "forbidden", str(error))
        case Overloaded():
            return Problem(429, "overloaded", str(error), headers=again)
        case Fenced() | Unknown():
            return Problem(503, "unavailable", str(error), headers=again)
        case _:
            log.error("%s failed unexpectedly", what, exc_info=error)
            line = f"{what} failed for a reason that is in this server's log"
            return Problem(500, "internal_error", line)


def response_of(problem: Problem) -> Response:
    line = problem.line
    line = line if len(line) <= LINE_LIMIT else f"{line[:LINE_LIMIT]}…"
    body: dict[str, Any] = {"error": line, "message": line, "code": problem.code}
    if problem.details:
        body["details"] = problem.details
    # As ASCII: a line may quote text that cannot be written otherwise.
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = dict(problem.headers or {})
    return Response(data, problem.status, headers, media_type="application/json")
