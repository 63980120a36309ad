"""What was asked of `pointsman dispatch`, and which values that means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from pointsman.cli import dispatch_words as words
from pointsman.cli.durations import duration_of
from pointsman.cli.errors import Misused
from pointsman.cli.moments import NOW, moment_of, zone_named
from pointsman.dispatches.model import TIMEZONE, DispatchData, Rule
from pointsman.dispatches.views import Filter, Interval, Sort, SortField

SORTS: Final = {
    "start": SortField.START_TIME,
    "created": SortField.CREATE_TIME,
    "updated": SortField.UPDATE_TIME,
}
SOON: Final = timedelta(seconds=2)
"""An update cannot start at once: its start must not have passed when it arrives."""


@dataclass(frozen=True, slots=True)
class Access:
    """Which server, and what to show it."""

    url: str
    key: str | None
    secret: str | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all commands have in common."""

    microgrid: str
    url: str | None = None
    key: str | None = None
    secret: str | None = None
    timeout: float = 60.0
    timezone: str | None = None
    as_json: bool = False

    @property
    def microgrid_id(self) -> int:
        return words.microgrid_of(self.microgrid)

    @property
    def zone(self) -> tzinfo | None:
        return zone_named(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Asked):
    """Which dispatches to get or to delete."""

    ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming(Asked):
    """Which runs to foretell."""

    id: str
    count: int = 10
    from_: str = NOW
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled(Asked):
    """How something recurs. Lists and texts that are None were not given."""

    every: str | None = None
    count: int | None = None
    until: str | None = None
    by_minute: list[str] | None = None
    by_hour: list[str] | None = None
    by_day: list[str] | None = None
    by_month_day: list[str] | None = None
    by_month: list[str] | None = None
    payload: str | None = None

    def rule_parts(self, now: datetime) -> dict[str, Any]:
        """The fields of `Rule` that were given. What is cleared is None, or empty."""
        parts: dict[str, Any] = {}
        if self.every is not None:
            parts["frequency"], parts["interval"] = words.every_of(self.every)
        if self.count is not None and self.until is not None:
            raise Misused("--count and --until both end it; give one of them")
        if self.count is not None:
            parts |= {"count": self.count, "until": None}
        elif self.until is not None:
            parts |= {"count": None, "until": self._until(self.until, now)}
        return parts | self._by_parts()

    def _until(self, text: str, now: datetime) -> datetime | None:
        if text.strip().lower() in ("never", "none", "forever"):
            return None
        return moment_of(text, now, self.zone, "--until")

    def _by_parts(self) -> dict[str, tuple[int, ...]]:
        parts = {}
        if self.by_minute:
            parts["minutes"] = words.numbers_of(self.by_minute, "--by-minute", 0, 59)
        if self.by_hour:
            parts["hours"] = words.numbers_of(self.by_hour, "--by-hour", 0, 23)
        if self.by_day:
            parts["weekdays"] = words.weekdays_of(self.by_day)
        if self.by_month_day:
            parts["month_days"] = words.month_days_of(self.by_month_day)
        if self.by_month:
            parts["months"] = words.months_of(self.by_month)
        return parts

    def anchored(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A payload that says in which zone its rule is meant.

        Raises:
            Misused: If it names another one than the flag.
        """
        said = payload.get(TIMEZONE, self.timezone)
        if self.payload is not None and said != self.timezone:
            raise Misused(
                f"--timezone {self.timezone} and the payload's {TIMEZONE} {said!r} differ; "
                "give one of them"
            )
        return {**payload, TIMEZONE: self.timezone}


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation(Ruled):
    type: str
    target: str
    start: str
    duration: str = "forever"
    inactive: bool = False
    dry_run: bool = False

    @property
    def starts_now(self) -> bool:
        return self.start.strip().lower() == NOW

    def data(self, now: datetime) -> DispatchData:
        """Raises Misused at the first word that means nothing."""
        if not self.type:
            raise Misused("TYPE is empty; a word such as charge would work")
        parts = self.rule_parts(now)
        if parts and "frequency" not in parts:
            raise Misused("how often does it recur? add --every, as in --every day")
        payload = words.payload_of(self.payload) if self.payload is not None else {}
        if parts and self.timezone is not None:
            payload = self.anchored(payload)
        return DispatchData(
            type=self.type,
            start_time=moment_of(self.start, now, self.zone, "START"),
            target=words.target_of(self.target),
            duration_seconds=duration_of(self.duration),
            active=not self.inactive,
            dry_run=self.dry_run,
            payload=payload,
            recurrence=Rule(**parts) if parts else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Ruled):
    id: str
    start: str | None = None
    duration: str | None = None
    no_duration: bool = False
    target: str | None = None
    active: bool | None = None
    no_payload: bool = False
    no_recurrence: bool = False

    @property
    def anchors(self) -> bool:
        """Whether the payload is to say the zone, for which it must be known."""
        ends = self.count is not None or self.until is not None
        lists = (self.by_minute, self.by_hour, self.by_day, self.by_month_day, self.by_month)
        return self.timezone is not None and (self.every is not None or ends or any(lists))

    def changes(self, now: datetime) -> dict[str, Any]:
        """New values by field. Raises Misused if there are none, or they contradict each other."""
        parts = self.rule_parts(now)
        self._check_contradictions(parts)
        found: dict[str, Any] = {}
        if self.start is not None:
            found["start_time"] = self._start(self.start, now)
        if self.duration is not None or self.no_duration:
            found["duration_seconds"] = duration_of(self.duration or "forever", "--duration")
        if self.target is not None:
            found["target"] = words.target_of(self.target, "--target")
        if self.active is not None:
            found["active"] = self.active
        if self.payload is not None or self.no_payload:
            found["payload"] = words.payload_of(self.payload or "{}")
        if self.no_recurrence:
            found["recurrence.frequency"] = None
        found |= {f"recurrence.{name}": value for name, value in parts.items()}
        if not found:
            raise Misused(
                "nothing is to change; give --start, --duration, --target, --activate, "
                "--deactivate, --payload or a flag of the rule (see --help)"
            )
        return found

    def _start(self, text: str, now: datetime) -> datetime:
        if text.strip().lower() == NOW:
            return now.replace(microsecond=0) + SOON
        return moment_of(text, now, self.zone, "--start")

    def _check_contradictions(self, parts: Mapping[str, Any]) -> None:
        for word, given, undone in (
            ("duration", self.duration is not None, self.no_duration),
            ("payload", self.payload is not None, self.no_payload),
            ("recurrence", bool(parts), self.no_recurrence),
        ):
            if given and undone:
                raise Misused(f"--no-{word} and a new {word} contradict each other; give one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Asked):
    target: list[str] | None = None
    start_from: str | None = None
    start_to: str | None = None
    end_from: str | None = None
    end_to: str | None = None
    updated_from: str | None = None
    updated_to: str | None = None
    active: bool | None = None
    dry_run: bool | None = None
    recurring: bool | None = None
    id: list[str] | None = None
    query: list[str] | None = None
    running: bool = False
    type: str | None = None
    sort: str | None = None
    descending: bool | None = None
    limit: int | None = None
    page_size: int | None = None

    def filter(self, now: datetime) -> Filter:
        """What the server can tell apart. `running` and `type` are for the command itself."""
        ids = words.dispatches_of(self.id or [], "--id")
        queries = tuple(self.query or ())
        if not queries and self.type and not self.type.startswith("#"):
            queries = (self.type,)  # Which is a part of itself, so fewer of others are sent.
        return Filter(
            targets=tuple(words.target_of(text, "--target") for text in self.target or ()),
            active=True if self.running and self.active is None else self.active,
            dry_run=self.dry_run,
            recurring=self.recurring,
            start_time=self._interval("start", self.start_from, self.start_to, now),
            end_time=self._interval("end", self.end_from, self.end_to, now),
            update_time=self._interval("updated", self.updated_from, self.updated_to, now),
            ids=tuple(ids),
            queries=queries,
        )

    def order(self) -> Sort | None:
        """None: as the server has it by default, which is the last created first."""
        if self.sort is None:
            if self.descending is None:
                return None
            return Sort(SortField.CREATE_TIME, descending=self.descending)
        if self.sort not in SORTS:
            raise Misused(f"--sort: {self.sort!r} is none of {', '.join(SORTS)}")
        return Sort(SORTS[self.sort], descending=bool(self.descending))

    def _interval(self, word: str, from_: str | None, to: str | None, now: datetime) -> Interval:
        def moment(text: str | None, end: str) -> datetime | None:
            if text is None:
                return None
            return moment_of(text, now, self.zone, f"--{word}-{end}")

        return Interval(moment(from_, "from"), moment(to, "to"))
