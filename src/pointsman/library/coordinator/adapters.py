"""Adapters: what carries a command to its equipment, as users provide them.

send(command) -->  True, False     the answer
                   None            `handle_response` will follow
                   raises          it failed, with this message
"""

from collections.abc import Iterator
from difflib import get_close_matches
from threading import Lock
from typing import Any, Protocol

from pointsman.library.coordinator.commands import Command


class Adapter(Protocol):
    """Anything with `send`. Each of these may be a coroutine function.

    It may also have `open()` and `close()`, which `with engine` calls; before that,
    `attach(engine)`; and `confirm(command) -> bool`, which asks the equipment whether an earlier
    try is in effect.
    """

    def send(self, command: Command, /) -> Any:  # noqa: ANN401  Or an awaitable of it.
        """Tell the equipment.

        Raises:
            Exception: If that failed. `permanent = True` on it says that trying again is of no
                use, `doubtful = True` that the equipment may have acted all the same.
        """


class NoAdapterError(KeyError):
    """Nothing is registered for the asset."""

    def __str__(self) -> str:
        return str(self.args[0])


class AdapterRegistry:
    """Which adapter serves which asset. Usable from any thread."""

    def __init__(self) -> None:
        self._adapters: dict[str, Adapter] = {}
        self._lock = Lock()

    def register(self, asset_id: str, adapter: Adapter) -> None:
        """Let `adapter` serve the asset from now on. One may serve many."""
        if not callable(getattr(adapter, "send", None)):
            raise TypeError(f"{adapter!r} is no adapter for {asset_id!r}: it has no send(command)")
        with self._lock:
            self._adapters[asset_id] = adapter

    def unregister(self, asset_id: str) -> None:
        """Raises: NoAdapterError: If there is none."""
        self.get(asset_id)
        with self._lock:
            self._adapters.pop(asset_id, None)

    def get(self, asset_id: str) -> Adapter:
        """Raises: NoAdapterError: If there is none; the message names the nearest."""
        with self._lock:
            if asset_id in self._adapters:
                return self._adapters[asset_id]
            close = get_close_matches(asset_id, self._adapters, n=1)
        near = f"did you mean {close[0]!r}?" if close else "register(asset_id, adapter) first"
        raise NoAdapterError(f"no adapter is registered for {asset_id!r}; {near}")

    def items(self) -> list[tuple[str, Adapter]]:
        with self._lock:
            return list(self._adapters.items())

    def adapters(self) -> list[Adapter]:
        """Each once."""
        return list({id(adapter): adapter for _, adapter in self.items()}.values())

    def __contains__(self, asset_id: object) -> bool:
        return asset_id in self._adapters

    def __len__(self) -> int:
        return len(self._adapters)

    def __iter__(self) -> Iterator[str]:
        return iter([asset_id for asset_id, _ in self.items()])
