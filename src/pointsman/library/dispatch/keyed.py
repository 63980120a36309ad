"""A channel that somebody else opened, with a key put on each call."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import grpc.aio

KEY: Final = "key"
Call = Callable[..., Any]


def keyed(channel: grpc.aio.Channel, key: str | None) -> grpc.aio.Channel:
    """This channel, keyed if there is a key."""
    return cast(grpc.aio.Channel, _Keyed(channel, key)) if key else channel


class _Keyed:
    """As much of a channel as a stub needs."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        self._channel = channel
        self._metadata = ((KEY, key),)

    def unary_unary(self, *args: Any, **kwargs: Any) -> Call:  # noqa: ANN401  As it comes.
        return self._with_key(self._channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Call:  # noqa: ANN401  As it comes.
        return self._with_key(self._channel.unary_stream(*args, **kwargs))

    def _with_key(self, call: Call) -> Call:
        def with_key(
            request: object, *, metadata: Sequence[tuple[str, str]] = (), **kwargs: object
        ) -> object:
            return call(request, metadata=(*metadata, *self._metadata), **kwargs)

        return with_key
