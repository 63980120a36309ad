"""A journal that keeps nothing, for whoever lives as long as the program and no longer."""

from collections.abc import Sequence
from typing import Final

from pointsman.journal import Record, Token


class Unkept:
    """It has one writer, who is never replaced and need not load anything."""

    shards: Final = 1

    def claim_now(self, shard: int, *, after: Token | None = None) -> Token:  # noqa: ARG002
        return Token(shard, 1)

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:  # noqa: ARG002
        return 0

    def load_now(self, token: Token) -> Sequence[Record]:  # noqa: ARG002
        return ()
