"""A background service: tasks that are started, stopped and waited for together."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Generator, Set
from types import TracebackType
from typing import Any, Self


class Started:
    """May be awaited, and need not be: what was started has begun already."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class BackgroundService(ABC):
    """What the documented services have in common."""

    def __init__(self, *, name: str | None = None) -> None:
        self._name = str(id(self)) if name is None else name
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    def start(self) -> Started:
        """Start it at once, on the running loop, unless it is running already."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def tasks(self) -> Set[asyncio.Task[None]]:
        """Its tasks, to look at."""
        return self._tasks

    @property
    def is_running(self) -> bool:
        """Whether at least one of its tasks is."""
        return any(not task.done() for task in self._tasks)

    def cancel(self, msg: str | None = None) -> None:
        """Cancel all its tasks, and do not wait for them."""
        for task in self._tasks:
            task.cancel(msg)

    async def stop(self, msg: str | None = None) -> None:
        """Cancel all its tasks, and wait until they are done.

        Raises:
            BaseExceptionGroup: With what went wrong in them.
        """
        self.cancel(msg)
        await self.wait()

    async def wait(self) -> None:
        """Return once all its tasks are done. A cancelled one is done too.

        Raises:
            BaseExceptionGroup: With what went wrong in them.
        """
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks)
            self._tasks -= done
            failed = [
                error for task in done if not task.cancelled() and (error := task.exception())
            ]
            if failed:
                raise BaseExceptionGroup(f"{self} failed", failed)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.stop()

    def __await__(self) -> Generator[Any, None, None]:
        return self.wait().__await__()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r}, tasks={self._tasks!r})"

    def __str__(self) -> str:
        return f"{type(self).__name__}[{self._name}]"

    def _spawn(self, life: Coroutine[Any, Any, None]) -> None:
        """Begin a task that lives until it is done or cancelled: services outlive any block."""
        self._tasks = {task for task in self._tasks if not task.done()}
        self._tasks.add(asyncio.get_running_loop().create_task(life, name=str(self)))
