"""Doors of one dispatcher in this program: REST with its description, and MCP for agents.

OperationDispatcherOpenAPI(dispatcher).run()              until it is stopped
async with OperationDispatcherOpenAPI(dispatcher).serving() as port: ...
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final, Self

from fastapi import FastAPI

from pointsman.api.keys import Keys
from pointsman.api.rest.app import create_app
from pointsman.api.rest.entrance import Reading
from pointsman.api.rest.server import Beside, serve_rest
from pointsman.app.dispatcher_operations import DispatcherOperations
from pointsman.app.own_thread import OwnThread
from pointsman.config import Address
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher

PORT: Final = 8_080


class OperationDispatcherOpenAPI:
    """A dispatcher over REST, as `serve` offers resources: `/docs`, `/openapi.json`, and the rest.

    Args:
        dispatcher: It runs or not, as it likes; the door can start and stop it.
        host: Where it listens. Without keys, on this computer only.
        port: 0: any that is free.
        keys: Who may come in. None: whoever is on this computer.
    """

    def __init__(
        self,
        dispatcher: OperationDispatcher,
        host: str = "127.0.0.1",
        port: int = PORT,
        *,
        keys: Keys | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._address = Address(host, port)
        self._keys = keys
        self._thread = OwnThread("pointsman openapi", self.serving)

    def create_app(self) -> FastAPI:
        """The application alone, to be mounted in one of yours. You see to who may come in."""
        app = create_app(self._operations(), self._dispatcher.machine.clock)
        app.add_middleware(Reading)
        return app

    def serving(self) -> AbstractAsyncContextManager[int]:
        """Serve on this event loop until left, and give the port.

        Raises:
            Exposed: If anybody could come in.
            CannotListen: If it cannot listen there.
        """
        return self._served(nullcontext)

    def run(self) -> None:
        """Serve in this thread, until it is interrupted."""
        asyncio.run(for_ever(self.serving()))

    @property
    def port(self) -> int:
        """Where it listens, once it does on a thread of its own."""
        return self._thread.port or self._address.port

    def start(self) -> int:
        """Serve on a thread of its own, and return the port. `stop` ends that.

        Raises:
            RuntimeError: If it does so already.
            Exposed, CannotListen: As `serving`.
        """
        return self._thread.start()

    def stop(self) -> None:
        """Serve no longer. Twice is once."""
        self._thread.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @asynccontextmanager
    async def _served(self, beside: Beside) -> AsyncIterator[int]:
        """`beside` puts another door behind the same entrance."""
        async with serve_rest(
            self._operations(),
            self._address,
            keys=self._keys,
            tls=None,
            clock=self._dispatcher.machine.clock,
            beside=beside,
        ) as port:
            yield port

    def _operations(self) -> DispatcherOperations:
        return DispatcherOperations(self._dispatcher)


async def for_ever(serving: AbstractAsyncContextManager[int]) -> None:
    """Serve until cancelled."""
    async with serving:
        await asyncio.Event().wait()
