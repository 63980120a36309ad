"""All that ever happened to one entity, as facts, oldest first."""

from collections.abc import AsyncIterator, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from pointsman.core.entity import Forgotten, Kind
from pointsman.journal import START, Tailed
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.follow import follow
from pointsman.runtime.record import RecordReader


def recorded(path: Path, kind: Kind[Any, Any, Any], id: str) -> Generator[Happened, None, None]:
    """From a journal in a file and the record beside it, read as it is asked for.

    `id` is `site/name`, encoded. Close it, or read it to its end, in the thread that began.

    Raises:
        JournalUnreadable: If there is no journal, or none that this release reads.
    """
    codec = Codec([kind])
    with closing(RecordReader(path)) as reader:
        for row in reader.facts(entity=f"{kind.name}/{id}"):
            yield codec.decode(row.key, row.data)


async def remembered(
    journal: Tailed, kind: Kind[Any, Any, Any], id: str
) -> AsyncIterator[Happened]:
    """From a journal that still holds all of it, up to now."""
    end, entity = await journal.end(), f"{kind.name}/{id}"
    if end == START:
        return
    async for cursor, happened in follow(journal, [kind], forgotten=True):
        if happened.entity == entity and not isinstance(happened.fact, Forgotten):
            yield happened
        if cursor == end:
            return
