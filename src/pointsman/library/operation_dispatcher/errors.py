"""What a dispatcher refuses, as exceptions of the documented kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

from pointsman.operations.checks import Conflict, NotFound
from pointsman.operations.model import Phase


class DispatcherError(RuntimeError):
    """It makes no sense as things stand. Nothing was changed."""

    def __init__(
        self,
        line: str,
        code: str = "conflict",
        *,
        phase: Phase | None = None,
        allowed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(line)
        self.code = code
        """A word for programs, such as `operation_not_running`."""
        self.phase = phase
        """What was met."""
        self.allowed = allowed
        """What would work."""


@contextmanager
def as_documented() -> Iterator[None]:
    """What the rules reject is a RuntimeError; what makes no sense at all is a ValueError."""
    try:
        yield
    except Conflict as error:
        raise DispatcherError(
            str(error), error.code, phase=error.phase, allowed=error.allowed
        ) from error
    except NotFound as error:
        raise DispatcherError(str(error), "operation_not_found") from error
