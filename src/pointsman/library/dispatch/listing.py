"""Listing: all dispatches of a microgrid that may still run, or none if that fails half way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from frequenz.api.common.v1alpha8.pagination.pagination_params_pb2 import PaginationParams
from frequenz.api.common.v1alpha8.types.interval_pb2 import Interval
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.client.dispatch import DispatchApiClient

from pointsman.dispatch_api.instants import timestamp_of
from pointsman.dispatch_api.messages import Unreadable, dispatch_of
from pointsman.dispatches.model import Dispatch

log = logging.getLogger(__name__)
PAGE: Final = 1_000
AT_ONCE: Final = 50
"""Dispatches that are read before others get a turn of the event loop."""
ENDED_AGO: Final = timedelta(minutes=2)
"""Runs that ended earlier are of no interest to anybody who was away."""
ASKED_MOST: Final = 500
"""Ids in one question."""
NAMED_MOST: Final = 3
"""Unreadable dispatches that are named in one line."""


@dataclass(slots=True)
class Listing:
    """What a server has answered."""

    dispatches: list[Dispatch] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    """Also of those that nobody can read."""
    unreadable: list[str] = field(default_factory=list)


class Lister:
    """Asks one server about one microgrid."""

    def __init__(self, client: DispatchApiClient, microgrid_id: int) -> None:
        self._client = client
        self._microgrid_id = microgrid_id
        self._said: list[str] = []

    async def unfinished(self, now: datetime, known: Collection[int]) -> Listing:
        """All that may run from `now` on, and those of `known` that exist all the same.

        Raises:
            AioRpcError: If the server fails. What it has answered until then is thrown away.
        """
        since = Interval(start_time=timestamp_of(now - ENDED_AGO))
        listing = Listing()
        await self._read(pb2.DispatchFilter(end_time_interval=since), listing)
        missing = iter([id for id in known if id not in listing.ids])
        while ids := tuple(islice(missing, ASKED_MOST)):
            await self._read(pb2.DispatchFilter(dispatch_ids=ids), listing)
        self._say(listing.unreadable)
        return listing

    async def _read(self, filter_: pb2.DispatchFilter, listing: Listing) -> None:
        async for page in self._pages(filter_):
            for n, pb in enumerate(page, start=1):
                listing.ids.add(pb.metadata.dispatch_id)
                try:
                    listing.dispatches.append(dispatch_of(pb, self._microgrid_id))
                except Unreadable as error:
                    listing.unreadable.append(str(error))
                if n % AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _pages(self, filter_: pb2.DispatchFilter) -> AsyncIterator[Sequence[pb2.Dispatch]]:
        request = pb2.ListMicrogridDispatchesRequest(
            microgrid_id=self._microgrid_id,
            filter=filter_,
            pagination_params=PaginationParams(page_size=PAGE),
        )
        seconds = self._client.call_timeout.total_seconds()
        while True:
            answer: pb2.ListMicrogridDispatchesResponse
            answer = await self._client.stub.ListMicrogridDispatches(request, timeout=seconds)
            yield answer.dispatches
            token = answer.pagination_info.next_page_token
            if not token:
                return
            request.pagination_params.CopyFrom(PaginationParams(page_token=token))

    def _say(self, unreadable: list[str]) -> None:
        """In one line, and not again as long as nothing changes."""
        if unreadable and unreadable != self._said:
            named = "; ".join(unreadable[:NAMED_MOST])
            more = f"; and {len(unreadable) - NAMED_MOST} more" * (len(unreadable) > NAMED_MOST)
            log.warning(
                "microgrid %d: %d dispatches cannot be read and are left out: %s%s",
                self._microgrid_id,
                len(unreadable),
                named,
                more,
            )
        self._said = unreadable
