"""All that ever happened, as facts, oldest first."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from pointsman.core.entity import Kind
from pointsman.journal import Tailed
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.follow import follow
from pointsman.runtime.record import RecordReader

Kinds = Sequence[Kind[Any, Any, Any]]


async def history(journal: Tailed, path: Path | None, kinds: Kinds) -> list[Happened]:
    """Of a journal in a file, what its record holds too."""
    if path is None:
        return [happened async for happened in _until_now(journal, kinds)]
    codec, reader = Codec(kinds), RecordReader(path)
    try:
        rows = await asyncio.to_thread(lambda: list(reader.facts()))
        return [codec.decode(row.key, row.data) for row in rows]
    finally:
        reader.close()


async def _until_now(journal: Tailed, kinds: Kinds) -> AsyncIterator[Happened]:
    end = await journal.end()
    async for cursor, happened in follow(journal, kinds):
        yield happened
        if cursor == end:
            return
