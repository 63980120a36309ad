"""The journals that programs name: a file of their own, or one that they opened themselves."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pointsman.journal import BlockingJournal, Record, Token
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal


def open_journal(
    journal: str | Path | BlockingJournal | None, closing: ExitStack, closed: type[RuntimeError]
) -> BlockingJournal:
    """The journal to write; in memory, if none is given. What is opened here is closed with
    `closing`; from then on, whoever still wants to write gets a `closed`.

    Raises:
        InUse: If another process, or an engine that was not closed, writes the file.
        JournalUnreadable: If the file is no journal.
    """
    match journal:
        case str() | Path():
            path = Path(journal)
            closing.enter_context(owning(path))
            return _OwnFile(SqliteJournal(path), closing, closed)
        case None:
            return MemoryJournal()
    return journal


class _OwnFile:
    """A journal in a file that ends with its engine. Nobody waits for it after that."""

    def __init__(
        self, journal: SqliteJournal, closing: ExitStack, closed: type[RuntimeError]
    ) -> None:
        self._journal = journal
        self._closed = False
        self._error = closed
        closing.callback(self._close)

    @property
    def shards(self) -> int:
        return self._journal.shards

    def claim_now(self, shard: int, *, after: Token | None = None) -> Token:
        return self._open().claim_now(shard, after=after)

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        return self._open().append_now(token, records)

    def load_now(self, token: Token) -> Sequence[Record]:
        return self._open().load_now(token)

    def _open(self) -> SqliteJournal:
        if self._closed:
            raise self._error(f"the engine of {self._journal.path} is closed: make another")
        return self._journal

    def _close(self) -> None:
        self._closed = True
        self._journal.close_now()
