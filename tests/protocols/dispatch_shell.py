"""A server of dispatches in a thread of its own, so that commands can be called beside it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from pointsman.cli.errors import run
from tests.protocols.dispatch_bench import Restarted, Serving
from tests.unit.cli.given import Ended

LONG_SECONDS: Final = 30.0


class Beside:
    """A server that goes away and comes back as it is told."""

    def __init__(self, served: Restarted, loop: asyncio.AbstractEventLoop) -> None:
        self._served, self._loop = served, loop
        self._leave: asyncio.Event | None = None
        self._life: Any = None

    @property
    def url(self) -> str:
        return self._served.url

    @property
    def host(self) -> str:
        return str(self._served.serving.address)

    def start(self) -> None:
        ready = threading.Event()
        self._life = asyncio.run_coroutine_threadsafe(self._live(ready), self._loop)
        assert ready.wait(LONG_SECONDS)

    def stop(self) -> None:
        assert self._leave is not None
        self._loop.call_soon_threadsafe(self._leave.set)
        self._life.result(LONG_SECONDS)

    async def _live(self, ready: threading.Event) -> None:
        """In one task, as what is entered in a task must be left in it."""
        self._leave = asyncio.Event()
        await self._served.start()
        ready.set()
        await self._leave.wait()
        await self._served.stop()


@contextmanager
def beside(folder: Path, **also: Any) -> Iterator[Beside]:  # noqa: ANN401  As Serving takes.
    folder.mkdir(exist_ok=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Beside(Restarted(Serving(folder, **also)), loop)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LONG_SECONDS)
        loop.close()


class Shell:
    """`pointsman dispatch …`, in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: str) -> Ended:
        self._capture.readouterr()
        status = run(("dispatch", *words))
        out, error = self._capture.readouterr()
        return Ended(status, out, error)

    def did(self, *words: str) -> str:
        """What a command that must succeed prints."""
        ended = self(*words)
        assert (ended.status, ended.error) == (0, "")
        return ended.out

    def refused(self, *words: str, status: int = 1) -> str:
        """The one line of a command that must fail, without who says it."""
        ended = self(*words)
        assert (ended.status, ended.error.count("\n")) == (status, 1), ended
        assert ended.error.startswith("pointsman: ")
        assert "Traceback" not in ended.error
        return ended.error.removeprefix("pointsman: ").rstrip("\n")
