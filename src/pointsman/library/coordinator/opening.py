"""What an engine knows before its first fact: the description of its site, and the time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from pointsman.config import Site, read_site
from pointsman.core.assets import Asset
from pointsman.library.coordinator.settings import DispatchError
from pointsman.runtime.clock import Clock


def open_site(site: str | Path | Site | None, site_id: str) -> tuple[str, Mapping[str, Asset]]:
    """The site's id and its assets. Without a description, nothing is known of any asset.

    Raises:
        SiteError: If the file does not say what a site file must.
        ValueError: If the site and the configuration have different ids.
    """
    if site is None:
        return site_id, {}
    known = site if isinstance(site, Site) else read_site(Path(site))
    if site_id not in {"site", known.id}:
        raise ValueError(
            f"site_id={site_id!r} is not the site's id, {known.id!r}; leave it out, or let both"
            " be the same"
        )
    return known.id, known.assets


class ToldTime:
    """The greatest instant that anybody told, else what a clock says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: datetime | None = None
        self._running = False
        self._lock = Lock()
        self.told_more: Callable[[], None] = lambda: None
        """Called whenever somebody told a later instant."""

    @property
    def told(self) -> datetime | None:
        return self._told

    def now(self) -> datetime:
        with self._lock:
            if self._running:
                now = self._clock.now()
                self._told = now if self._told is None else max(self._told, now)
            return self._told or self._clock.now()

    def clock_now(self) -> datetime:
        return self._clock.now()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The clock itself tells, inside. Once at a time."""
        with self._lock:
            if self._running:
                raise DispatchError("the engine runs already")
            self._running = True
        try:
            yield
        finally:
            self._running = False

    def at(self, now: datetime | None) -> datetime:
        """The time that it would be if `now` were told.

        Raises:
            ValueError: If it has no zone.
        """
        if now is None:
            return self.now()
        if now.tzinfo is None:
            raise ValueError(f"now={now} has no zone; datetime.now(timezone.utc) would work")
        return max(now, self._told or now)

    def tell(self, now: datetime | None) -> datetime:
        """Take an instant in, and return the time that it is now.

        Raises:
            ValueError: If it has no zone.
        """
        at = self.at(now)
        if now is not None:
            with self._lock:
                self._told = at = max(at, self._told or at)
            self.told_more()
        return at
