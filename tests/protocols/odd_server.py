"""A Dispatch API server that does what servers should not, as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
from frequenz.api.common.v1alpha8.pagination.pagination_info_pb2 import PaginationInfo
from frequenz.api.common.v1alpha8.streaming.event_pb2 import Event
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1 import dispatch_pb2_grpc

from pointsman.core.values import replace
from pointsman.dispatch_api.instants import instant_of
from pointsman.dispatch_api.messages import pb_of
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch, DispatchData

Context = Any
NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251


def going(id: int = 1, minutes: float = -1, **data: Any) -> Dispatch:  # noqa: ANN401
    """It started so many minutes from now, and lasts an hour."""
    start = NOW + timedelta(minutes=minutes)
    given: dict[str, Any] = {"target": Target(ids=(1,)), "duration_seconds": 3_600, **data}
    written = NOW - timedelta(minutes=5)
    return Dispatch(id, 1, DispatchData("T", start, **given), written, written)


def later(dispatch: Dispatch, by: timedelta = timedelta(seconds=1), **data: Any) -> Dispatch:  # noqa: ANN401
    """A newer version of it."""
    changed = replace(dispatch.data, **data)
    return replace(dispatch, data=changed, update_time=dispatch.update_time + by)


def poison(id: int) -> pb2.Dispatch:
    """One that nobody can live with."""
    pb = pb_of(going(id))
    pb.data.recurrence.freq = pb2.RecurrenceRule.FREQUENCY_DAILY
    pb.data.recurrence.byhours.append(24)
    return pb


@dataclass
class Odd:
    rows: list[pb2.Dispatch] = field(default_factory=list)
    page: int = 1_000
    list_errors: int = 0
    """So many listings fail, at their last page."""
    says_when_it_begins: bool = True
    ends_after_seconds: float | None = None
    """Then it ends streams as if all were said."""
    before_listing: list[tuple[int, pb2.Dispatch]] = field(default_factory=list)
    """Sent while the first listing is under way, before it is answered."""
    streams: int = 0
    listings: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    queues: list["asyncio.Queue[pb2.StreamMicrogridDispatchesResponse]"] = field(
        default_factory=list
    )

    def hold(self, *dispatches: Dispatch | pb2.Dispatch) -> None:
        """Have these and no others."""
        self.rows = [pb_of(one) if isinstance(one, Dispatch) else one for one in dispatches]

    def send(self, event: "Event.ValueType", *dispatches: Dispatch | pb2.Dispatch) -> None:
        for one in dispatches:
            pb = pb_of(one) if isinstance(one, Dispatch) else one
            for queue in self.queues:
                queue.put_nowait(pb2.StreamMicrogridDispatchesResponse(dispatch=pb, event=event))

    async def ListMicrogridDispatches(  # noqa: N802
        self, request: pb2.ListMicrogridDispatchesRequest, context: Context
    ) -> pb2.ListMicrogridDispatchesResponse:
        self.listings += not request.pagination_params.page_token
        for event, dispatch in self.before_listing:
            self.send(event, dispatch)  # type: ignore[arg-type]
        self.before_listing = []
        start = int(request.pagination_params.page_token or 0)
        rows = list(self._wanted(request.filter))
        last = start + self.page >= len(rows)
        if last and self.list_errors:
            self.list_errors -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "half way")
        token = None if last else str(start + self.page)
        return pb2.ListMicrogridDispatchesResponse(
            dispatches=rows[start : start + self.page],
            pagination_info=PaginationInfo(total_items=len(rows), next_page_token=token),
        )

    async def StreamMicrogridDispatches(  # noqa: N802
        self, _: pb2.StreamMicrogridDispatchesRequest, context: Context
    ) -> AsyncIterator[pb2.StreamMicrogridDispatchesResponse]:
        self.streams += 1
        queue: asyncio.Queue[pb2.StreamMicrogridDispatchesResponse] = asyncio.Queue()
        self.queues.append(queue)
        if self.says_when_it_begins:
            await context.send_initial_metadata(())
        try:
            while True:
                async with asyncio.timeout(self.ends_after_seconds):
                    event = await queue.get()
                yield event
        except TimeoutError:
            return
        finally:
            self.queues.remove(queue)

    def _wanted(self, wanted: pb2.DispatchFilter) -> Iterable[pb2.Dispatch]:
        for row in self.rows:
            if wanted.dispatch_ids and row.metadata.dispatch_id not in wanted.dispatch_ids:
                continue
            interval = wanted.end_time_interval
            if row.metadata.HasField("end_time") and interval.HasField("start_time"):
                end = instant_of("", row.metadata.end_time)
                if end < instant_of("", interval.start_time):
                    continue
            yield row


@asynccontextmanager
async def odd_server(odd: Odd) -> AsyncIterator[str]:
    server = grpc.aio.server()
    servicer = type("Servicer", (dispatch_pb2_grpc.MicrogridDispatchServiceServicer,), {})()
    servicer.ListMicrogridDispatches = odd.ListMicrogridDispatches
    servicer.StreamMicrogridDispatches = odd.StreamMicrogridDispatches
    dispatch_pb2_grpc.add_MicrogridDispatchServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"grpc://127.0.0.1:{port}?ssl=false"
    finally:
        await server.stop(None)
