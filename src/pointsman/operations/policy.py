"""The nouns of a resource as a whole: how it is run, whether it runs, which jobs it knows."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pointsman.core.values import Value


class SortField(StrEnum):
    PRIORITY = "priority"
    RELEASE_DATE = "release_date"
    CREATED_AT = "created_at"


class SortDirection(StrEnum):
    ASC = "asc"
    DESC = "desc"


class SortRule(Value, frozen=True):
    field: SortField
    direction: SortDirection = SortDirection.ASC
    none_last: bool = True
    """Whether what has no value comes after all that have one."""


DEFAULT_ORDER: Final = (
    SortRule(SortField.RELEASE_DATE),
    SortRule(SortField.PRIORITY, SortDirection.DESC),
    SortRule(SortField.CREATED_AT),
)


class Policy(Value, frozen=True):
    """How a resource is run. Its owner says it anew at each start."""

    ask: bool = True
    """Whether somebody must approve. If not, what is asked for is approved at once."""
    answer_within: timedelta = timedelta(seconds=30)
    cooldown: timedelta = timedelta(seconds=1)
    """An operation that was not allowed to start rests so long, from the denial on."""
    pause_after_denials: int | None = None
    """So many denials in a row, of one operation, pause the resource; after it was resumed, so
    many more. None: none do."""
    confirms: bool = False
    """Whether the executor confirms that it started, paused, resumed or let go."""
    confirm_within: timedelta = timedelta(seconds=60)
    heartbeat: timedelta | None = None
    """An executor that is silent for longer while it runs something is lost. None: it may be."""
    timeout_factor: float | None = None
    """What runs so many times longer than planned is ended. None: nothing is."""
    retries: int = 0
    """So often what failed is tried again. Then it is in quarantine."""
    backoff: timedelta = timedelta(seconds=1)
    """Before the first of them. It doubles with each."""
    backoff_most: timedelta = timedelta(minutes=5)
    pause_when_lost: bool = True
    """Whether a resource is paused if nobody knows what it does: its executor is lost."""
    order: tuple[SortRule, ...] = DEFAULT_ORDER
    """As `ranking.complete` returns it."""
    finished_kept: int = 1_000
    """So many that have ended are still known by heart. The record knows all."""


class Header(Value, frozen=True):
    """What there is to say of the resource itself."""

    policy: Policy = Policy()
    running_since: datetime | None = None
    """None: it is stopped, and starts nothing."""
    paused: bool = False
    """It starts nothing more. What runs goes on."""
    why: str = ""
    """Why it was paused or stopped."""
    changed_at: datetime | None = None
    begun_at: datetime | None = None
    """When its owner last began while something went on. Nobody was there to hear before."""


class Job(Value, frozen=True):
    """All operations of one label."""

    id: str
    held: bool = False
    """None of them is to start."""
