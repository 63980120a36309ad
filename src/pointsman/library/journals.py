"""The journals that programs name: a file of their own, or one that they opened themselves."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pointsman.journal import BlockingJournal, Record, Token, Unknown
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.direct_record import DirectKeeper


def open_journal(
    journal: str | Path | BlockingJournal | None,
    closing: ExitStack,
    closed: type[RuntimeError],
    *,
    recorded: bool = False,
) -> BlockingJournal:
    """The journal to write; in memory, if none is given. What is opened here is closed with
    `closing`; from then on, whoever still wants to write gets a `closed`. If it is to be
    `recorded`, a file drops what is past, once that is in the record beside it.

    Raises:
        InUse: If another process, or an engine that was not closed, writes the file.
        JournalUnreadable: If the file is no journal.
        ValueError: If it is neither a path nor a journal.
    """
    match journal:
        case ":memory:":
            raise ValueError("journal is ':memory:': none at all is kept in memory")
        case str() | Path():
            path = Path(journal)
            closing.enter_context(owning(path))
            return _OwnFile(SqliteJournal(path), closing, closed, recorded=recorded)
        case None:
            return MemoryJournal()
        case _ if not hasattr(journal, "append_now"):
            raise ValueError(f"journal is {journal!r}: the path of a file would work")
    return journal


class _OwnFile:
    """A journal in a file that ends with its engine. Nobody waits for it after that."""

    def __init__(
        self,
        journal: SqliteJournal,
        closing: ExitStack,
        closed: type[RuntimeError],
        *,
        recorded: bool,
    ) -> None:
        self._journal = journal
        self._closed = False
        self._error = closed
        closing.callback(self._close)
        self._keeper = DirectKeeper(journal) if recorded else None

    @property
    def shards(self) -> int:
        return self._journal.shards

    def claim_now(self, shard: int, *, after: Token | None = None) -> Token:
        with self._named():
            return self._open().claim_now(shard, after=after)

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        with self._named():
            position = self._open().append_now(token, records)
        if self._keeper is not None:
            self._keeper.grew(records)
        return position

    def load_now(self, token: Token) -> Sequence[Record]:
        return self._open().load_now(token)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except Unknown as error:
            raise Unknown(f"{self._journal.path} cannot be written: {error}") from error

    def _open(self) -> SqliteJournal:
        if self._closed:
            raise self._error(f"the engine of {self._journal.path} is closed: make another")
        return self._journal

    def _close(self) -> None:
        self._closed = True
        if self._keeper is not None:
            self._keeper.close()
        self._journal.close_now()
