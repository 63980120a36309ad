"""Calls to a Dispatch API: the client's own, in all the forms that were ever documented.

Beyond the real client it takes a channel that somebody has opened, needs no microgrid where one
was given once, and knows the earlier names `_type` and `selector`. The dispatches that it returns
are the library's own.
"""

from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from datetime import datetime, timedelta
from types import EllipsisType, TracebackType
from typing import Any, Final, Literal, SupportsInt, TypeAlias, TypeVar, cast

import grpc.aio
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.channels import Receiver
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.dispatch import DispatchApiClient
from frequenz.client.dispatch.recurrence import RecurrenceRule
from frequenz.client.dispatch.types import DispatchEvent, DispatchId
from typing_extensions import override

from pointsman.dispatch_api.messages import dispatch_of, pb_data
from pointsman.dispatches.model import DispatchData
from pointsman.library.dispatch.cut_off import LAST_CALLS_SECONDS, cut_off_is_unavailable
from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.keyed import keyed
from pointsman.library.dispatch.requests import aware, fill
from pointsman.library.dispatch.translating import (
    Selector,
    client_of,
    rule_of,
    target_components,
    target_of,
)
from pointsman.runtime.clock import Clock, SystemClock

CALL_TIMEOUT: Final = timedelta(seconds=60)
STREAM_TIMEOUT: Final = timedelta(hours=1)
"""Each stream begins with a list of all that may still run, so it is made to last."""
NOW: Final = "NOW"
NO_KEY: Final = "-"
"""What the real client is given where it asks for a key and there is none."""

Microgrid: TypeAlias = SupportsInt
AnswerT = TypeVar("AnswerT")


class Client(DispatchApiClient):
    """A Dispatch API client that takes the earlier forms too."""

    def __init__(  # noqa: PLR0913  All that was ever documented.
        self,
        grpc_channel: grpc.aio.Channel | None = None,
        svc_addr: str = "",
        key: str | None = None,
        *,
        server_url: str | None = None,
        auth_key: str | None = None,
        sign_secret: str | None = None,
        connect: bool = True,
        call_timeout: timedelta = CALL_TIMEOUT,
        stream_timeout: timedelta = STREAM_TIMEOUT,
        microgrid_id: Microgrid | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Either an open channel, or a `server_url`. Calls that name no microgrid mean this one.

        Raises:
            ValueError: If there is neither or both, or if both `key` and `auth_key` are given.
        """
        auth_key = _checked_key(grpc_channel, server_url, sign_secret, key, auth_key)
        super().__init__(
            server_url=server_url or f"grpc://{svc_addr}",
            auth_key=auth_key or NO_KEY,
            sign_secret=sign_secret,
            connect=False,
            call_timeout=call_timeout,
            stream_timeout=stream_timeout,
        )
        self._auth_key, self._clock = auth_key or None, clock or SystemClock()
        self._given = self._channel = grpc_channel
        self._microgrid_id = microgrid_id
        if grpc_channel is not None:
            self._channel, self._stub = (
                grpc_channel,
                self._create_stub(keyed(grpc_channel, auth_key)),
            )
        elif connect:
            self.connect()

    async def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc_val: BaseException | None,
        _exc_tb: TracebackType | None,
    ) -> bool | None:
        """Disconnect. A channel that was given stays open: it is not ours."""
        if self._given is not None:
            return None
        return await super().__aexit__(_exc_type, _exc_val, _exc_tb)

    async def renew(self) -> None:
        """Connect anew, if that fails. gRPC by itself would come to rest for two minutes each time.

        A channel that was given stays as it is: it is not ours.
        """
        channel = self._channel
        if self._given is None and channel is not None and _fails(channel):
            self._channel = None
            self.connect()
            await channel.close(LAST_CALLS_SECONDS)

    @override
    async def list(
        self,
        microgrid_id: Microgrid | None = None,
        *,
        target_components: Iterable[Selector] = (),
        start_from: datetime | None = None,
        start_to: datetime | None = None,
        end_from: datetime | None = None,
        end_to: datetime | None = None,
        active: bool | None = None,
        dry_run: bool | None = None,
        dispatch_ids: Iterable[SupportsInt] = (),
        filter_queries: Iterable[str] = (),
        page_size: int | None = None,
    ) -> AsyncIterator[Iterator[Dispatch]]:
        """List dispatches, page by page, as the real client does."""
        microgrid = self._microgrid(microgrid_id)
        pages = super().list(
            microgrid,
            target_components=[_components(selector) for selector in target_components],
            start_from=start_from,
            start_to=start_to,
            end_from=end_from,
            end_to=end_to,
            active=active,
            dry_run=dry_run,
            dispatch_ids=[DispatchId(int(id)) for id in dispatch_ids],
            filter_queries=filter_queries,
            page_size=page_size,
        )
        while True:
            with cut_off_is_unavailable():
                page = await anext(pages, None)
            if page is None:
                return
            yield (Dispatch(one, microgrid_id=int(microgrid), clock=self._clock) for one in page)

    def stream(self, microgrid_id: Microgrid | None = None) -> Receiver[DispatchEvent]:
        """What happens to dispatches, as the real client tells it."""
        return super().stream(self._microgrid(microgrid_id))

    @override
    async def create(
        self,
        microgrid_id: Microgrid | None = None,
        type: str | None = None,
        start_time: datetime | Literal["NOW"] | None = None,
        duration: timedelta | EllipsisType | None = ...,
        target: Selector | None = None,
        *,
        active: bool = True,
        dry_run: bool = False,
        payload: dict[str, Any] | None = None,
        recurrence: RecurrenceRule | None = None,
        _type: str | None = None,
        selector: Selector | None = None,
    ) -> Dispatch:
        """Create a dispatch. `_type` and `selector` are earlier names of `type` and `target`.

        Raises:
            TypeError, ValueError: If something is missing, past, or without a time zone.
        """
        type, target = type or _type, selector if target is None else target
        if type is None or start_time is None or target is None or duration is ...:
            raise TypeError("create() needs type, start_time, duration (or None) and target")
        start = self._start(start_time)
        data = DispatchData(
            type,
            start or self._clock.now(),
            target_of(target),
            None if duration is None else round(duration.total_seconds()),
            active,
            dry_run,
            payload=payload or {},
            recurrence=rule_of(recurrence),
        )
        request = pb2.CreateMicrogridDispatchRequest(
            microgrid_id=int(self._microgrid(microgrid_id)),
            dispatch_data=pb_data(data),
            start_immediately=start is None,
        )
        return await self._dispatch(self.stub.CreateMicrogridDispatch, request)

    async def update(
        self,
        dispatch_id: SupportsInt | None = None,
        new_fields: dict[str, Any] | None = None,
        *,
        microgrid_id: Microgrid | None = None,
    ) -> Dispatch:
        """Change the fields of a dispatch that `new_fields` names. `selector` is `target`.

        Raises:
            TypeError: If there is no id, or are no fields.
            ValueError: If there is no such field, or a value of it means nothing.
        """
        if dispatch_id is None or not new_fields:
            raise TypeError("update() needs dispatch_id, and new_fields with something in it")
        request = pb2.UpdateMicrogridDispatchRequest(
            microgrid_id=int(self._microgrid(microgrid_id)), dispatch_id=int(dispatch_id)
        )
        fill(request, new_fields)
        return await self._dispatch(self.stub.UpdateMicrogridDispatch, request)

    async def get(
        self, dispatch_id: SupportsInt, *, microgrid_id: Microgrid | None = None
    ) -> Dispatch:
        """A dispatch as it is now."""
        request = pb2.GetMicrogridDispatchRequest(
            microgrid_id=int(self._microgrid(microgrid_id)), dispatch_id=int(dispatch_id)
        )
        return await self._dispatch(self.stub.GetMicrogridDispatch, request)

    async def delete(
        self, dispatch_id: SupportsInt, *, microgrid_id: Microgrid | None = None
    ) -> None:
        """Delete a dispatch."""
        request = pb2.DeleteMicrogridDispatchRequest(
            microgrid_id=int(self._microgrid(microgrid_id)), dispatch_id=int(dispatch_id)
        )
        await self._call(self.stub.DeleteMicrogridDispatch, request)

    def _microgrid(self, given: Microgrid | None) -> MicrogridId:
        id = self._microgrid_id if given is None else given
        if id is None:
            raise TypeError("microgrid_id is missing: this client was made without one")
        return MicrogridId(int(id))

    def _start(self, start_time: datetime | str) -> datetime | None:
        """When to start. None: now."""
        if start_time == NOW:
            return None
        if isinstance(start_time, str):
            raise ValueError(f"start_time is {start_time!r}: give a datetime, or {NOW!r}")
        if aware(start_time) <= self._clock.now():
            raise ValueError(f"start_time {start_time.isoformat()} must not be in the past")
        return start_time

    async def _call(self, method: Any, request: Any) -> Any:  # noqa: ANN401  As the stubs have it.
        with cut_off_is_unavailable():
            return await cast(Awaitable[Any], method(request, timeout=self._call_timeout_seconds))

    async def _dispatch(self, method: Any, request: Any) -> Dispatch:  # noqa: ANN401  As above.
        answer = await self._call(method, request)
        value = dispatch_of(answer.dispatch, request.microgrid_id)
        return Dispatch(client_of(value), microgrid_id=value.microgrid_id, clock=self._clock)


def _components(selector: Selector) -> Any:  # noqa: ANN401
    return target_components(target_of(selector))


def _fails(channel: grpc.aio.Channel) -> bool:
    return channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE


def _checked_key(
    channel: grpc.aio.Channel | None,
    server_url: str | None,
    sign_secret: str | None,
    key: str | None,
    auth_key: str | None,
) -> str | None:
    if key is not None and auth_key is not None:
        raise ValueError("both key and auth_key are given: use auth_key alone")
    if (channel is None) == (server_url is None):
        raise ValueError("give either a server_url or a grpc_channel that is open")
    if channel is not None and sign_secret is not None:
        raise ValueError("sign_secret needs a server_url: calls on a given channel are not signed")
    return auth_key or key
