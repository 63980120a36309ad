"""The six calls of `MicrogridDispatchService`: each is translated, asked, and translated back.

Requests and responses are bytes here, so that what cannot be read is answered like any other
mistake, and what is told to many is written once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

import grpc
from frequenz.api.common.v1alpha8.streaming.event_pb2 import Event
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2

from pointsman.api.dispatches import Dispatches
from pointsman.api.grpc.guarding import Context, Guard, Handler, denied
from pointsman.api.grpc.statuses import Stopping, status_of
from pointsman.api.keys import Right, Unauthenticated, check_right
from pointsman.api.updates import Update, Updates
from pointsman.config.keys import Key
from pointsman.dispatch_api.changes import changes_of
from pointsman.dispatch_api.messages import creation_of, pb_of
from pointsman.dispatch_api.queries import query_of, token_of
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.views import Page, Query, place_of

SERVICE: Final = "frequenz.api.dispatch.v1.MicrogridDispatchService"
PAGE_BYTES: Final = 3_500_000
"""A page is cut there, as clients take 4 MiB at once unless told otherwise."""
SLICE: Final = 100
"""Dispatches of a page that are written before others get a turn of the event loop."""

EVENTS: Final = {
    Created: Event.EVENT_CREATED,
    Updated: Event.EVENT_UPDATED,
    Deleted: Event.EVENT_DELETED,
}

Answer: TypeAlias = Callable[[Key | None, bytes], Awaitable[bytes]]


def told(update: Update) -> bytes:
    """What a stream says of an update."""
    return pb2.StreamMicrogridDispatchesResponse(
        dispatch=pb_of(update.dispatch), event=EVENTS[type(update)]
    ).SerializeToString()


class DispatchService(grpc.GenericRpcHandler):
    def __init__(self, dispatches: Dispatches, updates: Updates[bytes], guard: Guard) -> None:
        self._dispatches = dispatches
        self._updates = updates
        self._guard = guard
        self._stopping = False
        self._answers: dict[str, Answer] = {
            f"/{SERVICE}/CreateMicrogridDispatch": self._create,
            f"/{SERVICE}/UpdateMicrogridDispatch": self._update,
            f"/{SERVICE}/GetMicrogridDispatch": self._get,
            f"/{SERVICE}/DeleteMicrogridDispatch": self._delete,
            f"/{SERVICE}/ListMicrogridDispatches": self._list,
        }
        self._stream_method = f"/{SERVICE}/StreamMicrogridDispatches"
        self._open = {method: self._handler(method, None) for method in self._methods()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        method = handler_call_details.method
        if method not in self._open:
            return None
        try:
            key = self._guard.who(handler_call_details)
        except Unauthenticated as error:
            return denied(error, method)
        return self._open[method] if key is None else self._handler(method, key)

    def stop(self) -> None:
        """End all streams, and let no new ones begin."""
        self._stopping = True
        self._updates.end(Stopping("this server is stopping: ask again"))

    def _methods(self) -> list[str]:
        return [*self._answers, self._stream_method]

    def _handler(self, method: str, key: Key | None) -> Handler:
        if method == self._stream_method:
            return grpc.unary_stream_rpc_method_handler(partial(self._stream, key))
        return grpc.unary_unary_rpc_method_handler(
            partial(_answered, self._answers[method], method, key)
        )

    async def _create(self, key: Key | None, request: bytes) -> bytes:
        pb = pb2.CreateMicrogridDispatchRequest.FromString(request)
        _check(key, Right.CHANGE, pb.microgrid_id)
        asked = creation_of(pb)
        dispatch = await self._dispatches.create(
            asked.microgrid_id, asked.data, start_now=asked.start_now
        )
        return pb2.CreateMicrogridDispatchResponse(dispatch=pb_of(dispatch)).SerializeToString()

    async def _update(self, key: Key | None, request: bytes) -> bytes:
        pb = pb2.UpdateMicrogridDispatchRequest.FromString(request)
        _check(key, Right.CHANGE, pb.microgrid_id)
        dispatch = await self._dispatches.update(pb.microgrid_id, pb.dispatch_id, changes_of(pb))
        return pb2.UpdateMicrogridDispatchResponse(dispatch=pb_of(dispatch)).SerializeToString()

    async def _get(self, key: Key | None, request: bytes) -> bytes:
        pb = pb2.GetMicrogridDispatchRequest.FromString(request)
        _check(key, Right.SEE, pb.microgrid_id)
        dispatch = await self._dispatches.get(pb.microgrid_id, pb.dispatch_id)
        return pb2.GetMicrogridDispatchResponse(
            microgrid_id=pb.microgrid_id, dispatch=pb_of(dispatch)
        ).SerializeToString()

    async def _delete(self, key: Key | None, request: bytes) -> bytes:
        pb = pb2.DeleteMicrogridDispatchRequest.FromString(request)
        _check(key, Right.CHANGE, pb.microgrid_id)
        await self._dispatches.delete(pb.microgrid_id, pb.dispatch_id)
        return pb2.DeleteMicrogridDispatchResponse(
            microgrid_id=pb.microgrid_id, dispatch_id=pb.dispatch_id
        ).SerializeToString()

    async def _list(self, key: Key | None, request: bytes) -> bytes:
        pb = pb2.ListMicrogridDispatchesRequest.FromString(request)
        _check(key, Right.SEE, pb.microgrid_id)
        query = query_of(pb)
        return await _listed(query, await self._dispatches.page(query))

    async def _stream(self, key: Key | None, request: bytes, context: Context) -> None:
        try:
            pb = pb2.StreamMicrogridDispatchesRequest.FromString(request)
            _check(key, Right.SEE, pb.microgrid_id)
            if self._stopping:
                raise Stopping("this server is stopping: ask again")
            with self._updates.subscribe(pb.microgrid_id) as subscription:
                await context.send_initial_metadata(())  # Now the client knows that it is heard.
                async for response in subscription:
                    await context.write(response)
        except Exception as error:
            await context.abort(*status_of(error, self._stream_method))


async def _answered(
    answer: Answer, method: str, key: Key | None, request: bytes, context: Context
) -> bytes:
    try:
        return await answer(key, request)
    except Exception as error:
        await context.abort(*status_of(error, method))


def _check(key: Key | None, right: Right, microgrid_id: int) -> None:
    if key is not None:
        check_right(key, right, microgrid_id)


async def _listed(query: Query, page: Page) -> bytes:
    """The page, or as much of it as clients take at once: the next one then goes on from there."""
    response, size, place = pb2.ListMicrogridDispatchesResponse(), 0, page.next
    for n, dispatch in enumerate(page.dispatches):
        pb = pb_of(dispatch)
        size += pb.ByteSize()
        if size > PAGE_BYTES and n:
            place = place_of(page.dispatches[n - 1], query.sort)
            break
        response.dispatches.append(pb)
        if n % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    response.pagination_info.total_items = page.total
    if place is not None:
        response.pagination_info.next_page_token = token_of(query, place)
    return response.SerializeToString()
