"""The journal that a question is about, opened for reading only."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from pointsman.cli.errors import FlagError
from pointsman.config import nearest, read_settings
from pointsman.core.names import site_of, text_of
from pointsman.dispatches import DISPATCHES, FOLLOWER, IDS
from pointsman.journal import Cursor, Tailed
from pointsman.library.instants import zone_of
from pointsman.operations import OPERATIONS
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.record import RecordReader
from pointsman.schedules import SCHEDULES, schedules_id

KINDS: Final = (SCHEDULES, DISPATCHES, FOLLOWER, IDS, OPERATIONS)
JOURNAL_OF_DATA: Final = "journal.db"
RECORD_OF_DATA: Final = "record.db"


def journal_path(journal: Path | None, data: Path | None) -> Path:
    """Which file is meant: `--data DIR`, else `--journal FILE`, else what settings say.

    Raises:
        FlagError: If both are given, or a setting cannot be used.
    """
    if journal is not None and data is not None:
        raise FlagError("--journal and --data name two journals; give one of them")
    if data is not None:
        return data / JOURNAL_OF_DATA
    try:
        return read_settings(os.environ, journal=journal).journal
    except ValueError as error:
        raise FlagError(str(error)) from error


class Facts:
    """What happened, as the record and the journal beside it tell."""

    def __init__(self, path: Path, reader: RecordReader) -> None:
        self.path = path
        self._reader = reader
        self._codec = Codec(KINDS)

    @property
    def journal(self) -> Tailed:
        """The journal itself, to be followed."""
        return self._reader.journal

    def site(self, site_id: str | None = None) -> str:
        """The site that is asked about: the only one, unless it is named.

        Raises:
            FlagError: If there is no such site, or several and none is named.
        """
        sites = self._sites()
        if site_id is not None:
            if site_id not in sites:
                raise FlagError(f"{self.path} has no site {site_id!r}; {nearest(site_id, sites)}")
            return site_id
        if not sites:
            raise FlagError(f"{self.path} has no plan of any site yet")
        if len(sites) > 1:
            raise FlagError(f"{self.path} has several sites; add --site-id: {', '.join(sites)}")
        return sites[0]

    def zone(self, site_id: str) -> tzinfo | None:
        """The site's zone, if a run told it."""
        runs = self._rows(entity=_entity(site_id), names=["Opened"], newest_first=True, limit=1)
        names = [happened.fact.run.timezone for _, happened in runs]
        return zone_of(names[0] or None) if names else None

    def of(self, site_id: str, names: Sequence[str] | None = None) -> Iterator[Happened]:
        """All facts of a site's schedules, oldest first."""
        for _, happened in self._rows(entity=_entity(site_id), names=names):
            yield happened

    def all(self) -> Iterator[tuple[Cursor, Happened]]:
        """All facts of kinds that are known here, oldest first, each with its place."""
        return self._rows()

    def _sites(self) -> list[str]:
        first = {happened.entity for _, happened in self._rows(names=["Opened", "PlanActivated"])}
        found = first or {happened.entity for _, happened in self._rows()}
        planned = (entity for entity in found if entity.startswith(f"{SCHEDULES.name}/"))
        return sorted(map(site_of_entity, planned))

    def _rows(self, **wanted: Any) -> Iterator[tuple[Cursor, Happened]]:  # noqa: ANN401  As `facts` takes.
        for row in self._reader.facts(**wanted):
            if row.entity.partition("/")[0] in {kind.name for kind in KINDS}:
                yield row.cursor, self._codec.decode(row.key, row.data)


@contextmanager
def facts_at(journal: Path | None, data: Path | None) -> Iterator[Facts]:
    """Open what is asked about, and close it again.

    Raises:
        FlagError: If it is not clear which journal is meant.
        JournalUnreadable: If it is none, or there is none.
    """
    path = journal_path(journal, data)
    record = path.with_name(RECORD_OF_DATA) if data is not None else None
    reader = RecordReader(path, record if record and record.is_file() else None)
    try:
        yield Facts(path, reader)
    finally:
        reader.close()


def site_of_entity(entity: str) -> str:
    """The id of the site that an entity belongs to."""
    return text_of(site_of(entity))


def _entity(site_id: str) -> str:
    return f"{SCHEDULES.name}/{schedules_id(site_id)}"
