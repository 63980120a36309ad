"""What went wrong, as a status of gRPC and one line for whoever asked."""

import logging
from collections.abc import Mapping
from typing import Final

from google.protobuf.message import DecodeError
from grpc import StatusCode

from pointsman.api.keys import Forbidden, Unauthenticated
from pointsman.api.updates import Lagging
from pointsman.core.entity import Rejected
from pointsman.dispatches.checks import Invalid, NotFound
from pointsman.journal import Fenced, Unknown
from pointsman.runtime.ask import Overloaded

log = logging.getLogger(__name__)

TEXT_LIMIT: Final = 1_000
"""Characters. What is longer might not get through as metadata."""


class Stopping(Exception):
    """The server is going to stop: ask again, and it or another one answers."""


CODES: Final[Mapping[type[Exception], StatusCode]] = {
    Invalid: StatusCode.INVALID_ARGUMENT,
    NotFound: StatusCode.NOT_FOUND,
    Rejected: StatusCode.FAILED_PRECONDITION,
    DecodeError: StatusCode.INVALID_ARGUMENT,
    Unauthenticated: StatusCode.UNAUTHENTICATED,
    Forbidden: StatusCode.PERMISSION_DENIED,
    Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    Lagging: StatusCode.UNAVAILABLE,
    Stopping: StatusCode.UNAVAILABLE,
    Fenced: StatusCode.UNAVAILABLE,
    Unknown: StatusCode.UNAVAILABLE,
}
"""The first one that fits, from the error's own class upwards."""


def status_of(error: Exception, method: str) -> tuple[StatusCode, str]:
    """What to answer. An error that nobody expected is logged, and told to nobody else."""
    for kind in type(error).__mro__:
        if (code := CODES.get(kind)) is not None:
            text = f"not a request of {method}: {error}" if kind is DecodeError else str(error)
            return code, text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"
    log.error("%s failed unexpectedly", method, exc_info=error)
    return StatusCode.INTERNAL, f"{method} failed for a reason that is in this server's log"
