"""Who gets through to which call. Without keys, everybody does."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServicerContext

from pointsman.api.grpc.statuses import status_of
from pointsman.api.keys import Keys, Unauthenticated
from pointsman.config.keys import Key
from pointsman.runtime.clock import Clock

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "ServicerContext[Any, Any]"


class Guard:
    def __init__(self, keys: Keys | None, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def who(self, details: grpc.HandlerCallDetails) -> Key | None:
        """Whose call it is. None: there are no keys.

        Raises:
            Unauthenticated: If nobody knows.
        """
        if self._keys is None:
            return None
        shown: Mapping[str, str | bytes] = dict(details.invocation_metadata or ())
        method = details.method.rpartition("/")[2]  # As the documented clients sign it.
        return self._keys.who(method, shown, self._clock.now())


class Guarded(grpc.GenericRpcHandler):
    """A service that is there only for those who have a key."""

    def __init__(self, service: grpc.GenericRpcHandler, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        handler = self._service.service(handler_call_details)
        if handler is not None:
            try:
                self._guard.who(handler_call_details)
            except Unauthenticated as error:
                return denied(error, handler_call_details.method)
        return handler


def denied(error: Exception, method: str) -> Handler:
    """Answers a call of any shape with why it is not let in, before anything of it is read."""
    code, text = status_of(error, method)

    async def deny(requests: AsyncIterator[bytes], context: Context) -> None:  # noqa: ARG001
        await context.abort(code, text)

    return grpc.stream_stream_rpc_method_handler(deny)
