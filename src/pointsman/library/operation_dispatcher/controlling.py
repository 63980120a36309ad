"""A dispatcher's controls, as a server offers them: what to say, and with which HTTP status."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher
from pointsman.library.operation_dispatcher.errors import DispatcherError

STOPPED: Final = "operation dispatcher stopped"


class OperationDispatcherRuntimeController:
    """Starts and stops a dispatcher for callers without an event loop. There may be several.

    Args:
        dispatcher: It needs nobody else to run it.
        startup_timeout_seconds: Accepted, and of no effect: when a call returns, it is done.
        stop_join_timeout_seconds: Likewise.

    Raises:
        ValueError: If a timeout is not above 0.
    """

    def __init__(
        self,
        dispatcher: OperationDispatcher,
        startup_timeout_seconds: float = 1.0,
        stop_join_timeout_seconds: float = 2.0,
    ) -> None:
        for name, seconds in {
            "startup_timeout_seconds": startup_timeout_seconds,
            "stop_join_timeout_seconds": stop_join_timeout_seconds,
        }.items():
            if not seconds > 0:
                raise ValueError(f"{name} must be greater than 0")
        self._dispatcher = dispatcher

    def get_state(self) -> dict[str, Any]:
        """What the dispatcher is about, as JSON."""
        state = self._dispatcher.get_state()
        return {**state.model_dump(mode="json"), "runtime_thread_alive": state.is_running}

    def start(self) -> tuple[dict[str, Any], int]:
        """202, or 409 if it runs already, or 500 with what went wrong."""
        try:
            self._dispatcher.start()
        except DispatcherError as error:
            return self._refused(str(error), error.code, HTTPStatus.CONFLICT)
        except Exception as error:
            return self._refused(repr(error), "start_failed", HTTPStatus.INTERNAL_SERVER_ERROR)
        return self._done("operation dispatcher started", HTTPStatus.ACCEPTED)

    def stop(self) -> tuple[dict[str, Any], int]:
        """202: it is stopped, and nothing starts any more. 409: it does not run."""
        if not self._dispatcher.is_running:
            line = "operation dispatcher is not running"
            return self._refused(line, "not_running", HTTPStatus.CONFLICT)
        self._dispatcher.stop()
        return self._done(STOPPED, HTTPStatus.ACCEPTED)

    def pause(self) -> tuple[dict[str, Any], int]:
        """200, or 409 if it is paused already."""
        return self._turned(self._dispatcher.pause, "paused", to=True)

    def resume(self) -> tuple[dict[str, Any], int]:
        """200, or 409 if it is not paused."""
        return self._turned(self._dispatcher.resume, "resumed", to=False)

    def _turned(
        self, turn: Callable[[], None], word: str, *, to: bool
    ) -> tuple[dict[str, Any], int]:
        if self._dispatcher.is_paused is to:
            line = f"operation dispatcher is {'already' if to else 'not'} paused"
            code = "already_paused" if to else "not_paused"
            return self._refused(line, code, HTTPStatus.CONFLICT)
        turn()
        return self._done(f"operation dispatcher {word}", HTTPStatus.OK)

    def _done(self, message: str, status: HTTPStatus) -> tuple[dict[str, Any], int]:
        return {"message": message, "state": self.get_state()}, status.value

    def _refused(self, line: str, code: str, status: HTTPStatus) -> tuple[dict[str, Any], int]:
        return {"error": line, "message": line, "code": code}, status.value
