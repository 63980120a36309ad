"""Lists of operations, as long as they are: written piece by piece, so that others get a turn."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec
from starlette.responses import Response, StreamingResponse

from pointsman.api.rest.answers import shown
from pointsman.operations.model import ACTIVE, Operation

PIECE: Final = 200
"""Operations that are written at once: for a few milliseconds nobody else is answered."""


def listed(
    resource_id: str, operations: Sequence[Operation], headers: Mapping[str, str]
) -> Response:
    """A list of what `Status` describes."""
    pieces = _pieces(resource_id, operations)
    return StreamingResponse(pieces, headers=headers, media_type="application/json")


async def _pieces(resource_id: str, operations: Sequence[Operation]) -> AsyncIterator[bytes]:
    opening = b"["
    for start in range(0, len(operations), PIECE):
        piece = [
            {"operation": shown(resource_id, one), "is_current_operation": one.phase in ACTIVE}
            for one in operations[start : start + PIECE]
        ]
        yield opening + msgspec.json.encode(piece)[1:-1]
        opening = b","
        await asyncio.sleep(0)
    yield b"]" if operations else b"[]"
