"""The life of a dispatcher: whether it runs, as its facts tell, and who waits for its end."""

from concurrent.futures import Future
from threading import Lock

from pointsman.library.operation_dispatcher.errors import DispatcherError
from pointsman.library.operation_dispatcher.machine import Machine
from pointsman.operations.checks import Conflict
from pointsman.operations.facts import ResourceStarted, ResourceStopped
from pointsman.operations.intents import StartResource, StopResource
from pointsman.runtime.codec import Happened


class Life:
    """Usable from any thread. Whoever starts or stops the resource, by whatever door, is heard."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = Lock()
        self._ended: Future[None] | None = None
        """What is done when it stops. None: it does not run."""
        self._stop_wanted = False

    def hear(self, happened: Happened) -> None:
        match happened.fact:
            case ResourceStarted():
                with self._lock:
                    self._ended = self._ended or Future()
            case ResourceStopped():
                self._end(None)

    def begin(self, *, here: bool) -> "Future[None] | None":
        """What is done when it ends. None: it was told to stop before.

        `here` says that the event loop of the caller is the one that it runs on.

        Raises:
            RuntimeError: If it runs already.
        """
        with self._lock:
            if self._ended is not None:
                raise DispatcherError("operation dispatcher is already running", "already_running")
            if self._stop_wanted:
                self._stop_wanted = False
                return None
            ended: Future[None] = Future()
            self._ended = ended
        if here:
            self._machine.home.settle()
        try:
            self._machine.ask(StartResource())
        except BaseException:
            self._end(None)
            raise
        return ended

    def finish(self) -> bool:
        """Whether it did run."""
        with self._lock:
            runs = self._ended is not None
        if runs and self._machine.error is None:
            try:
                self._machine.ask(StopResource())
            except Conflict:
                return False  # Somebody else was quicker.
        return runs

    def request_stop(self) -> None:
        """Stop, now or as soon as it begins."""
        if not self.finish():
            self._stop_wanted = True

    def give_up(self) -> None:
        """The machine has ended, and so has this."""
        self._end(self._machine.error)

    def _end(self, error: Exception | None) -> None:
        with self._lock:
            ended, self._ended = self._ended, None
        if ended is not None and not ended.done():
            ended.set_result(None) if error is None else ended.set_exception(error)
