"""How a dispatcher is run, as its keywords say it: checked once, then a policy of the rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypedDict

from pointsman.operations.checks import COUNT_MOST, DURATION_MOST, UPDATABLE
from pointsman.operations.policy import DEFAULT_ORDER, Policy, SortRule
from pointsman.operations.ranking import complete

TOLD_OTHERWISE: Final = frozenset(
    {"state", "outcome", "termination_reason", "retry_count", "start_time", "finish_time"}
)
"""What becomes of an operation is told by calls of their own."""
NOT_NEGATIVE: Final = frozenset(
    {
        "start_request_retry_cooldown_seconds",
        "operation_retries",
        "operation_retry_backoff_seconds",
    }
)
WHOLE: Final = (
    "start_request_max_retries",
    "default_planned_duration",
    "operation_retries",
    "events_kept",
    "finished_kept",
)
SECONDS: Final = (
    "poll_interval_seconds",
    "start_request_retry_cooldown_seconds",
    "request_event_timeout_seconds",
    "heartbeat_seconds",
    "timeout_factor",
    "operation_retry_backoff_seconds",
)
SECONDS_MOST: Final = int(DURATION_MOST.total_seconds())
COUNTS: Final = frozenset({"start_request_max_retries", "operation_retries", "finished_kept"})
"""What the rules count, and no further than they can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """See `OperationDispatcher`.

    Raises:
        ValueError: If a number is out of its range, or a field's name is unknown.
    """

    start_paused: bool = False
    poll_interval_seconds: float = 0.1
    start_request_max_retries: int | None = 5
    start_request_retry_cooldown_seconds: float = 1.0
    request_event_timeout_seconds: float = 5.0
    default_planned_duration: int | None = None
    heartbeat_seconds: float | None = None
    timeout_factor: float | None = None
    operation_retries: int = 0
    operation_retry_backoff_seconds: float = 1.0
    events_kept: int = 10_000
    finished_kept: int = 1_000
    updatable_fields: Collection[str] | None = None
    dispatch_queue_sort_rules: Sequence[SortRule] | None = None

    def __post_init__(self) -> None:
        for name in (*WHOLE, *SECONDS):
            if (value := getattr(self, name)) is not None:
                _check_number(name, value)
        if unknown := sorted(set(self.updatable_fields or ()) - {*UPDATABLE, *TOLD_OTHERWISE}):
            raise ValueError(
                f"unsupported updatable fields: {unknown}; {', '.join(UPDATABLE)} would work"
            )
        if fixed := sorted(set(self.updatable_fields or ()) & TOLD_OTHERWISE):
            raise ValueError(
                f"updatable_fields names {fixed}: what becomes of an operation is told by complete,"
                " fail, cancel, pause and resume, and is never updated"
            )
        if self.dispatch_queue_sort_rules is not None:
            complete(self.dispatch_queue_sort_rules)

    @property
    def updatable(self) -> frozenset[str]:
        given = self.updatable_fields
        return frozenset(UPDATABLE if given is None else given)

    def policy(self, *, ask: bool) -> Policy:
        heartbeat = self.heartbeat_seconds
        return Policy(
            ask=ask,
            answer_within=timedelta(seconds=self.request_event_timeout_seconds),
            cooldown=timedelta(seconds=self.start_request_retry_cooldown_seconds),
            pause_after_denials=self.start_request_max_retries,
            heartbeat=None if heartbeat is None else timedelta(seconds=heartbeat),
            timeout_factor=self.timeout_factor,
            retries=self.operation_retries,
            backoff=timedelta(seconds=self.operation_retry_backoff_seconds),
            order=complete(self.dispatch_queue_sort_rules or DEFAULT_ORDER),
            finished_kept=self.finished_kept,
        )


def _check_number(name: str, value: object) -> None:
    kind = int if name in WHOLE else int | float
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError(f"{name} must be a {'whole ' if name in WHOLE else ''}number")
    if name in NOT_NEGATIVE and not value >= 0:
        raise ValueError(f"{name} must be non-negative")
    if name not in NOT_NEGATIVE and not value > 0:
        raise ValueError(f"{name} must be greater than 0")
    if name in SECONDS and value > SECONDS_MOST:
        raise ValueError(f"{name} must be at most {SECONDS_MOST}")
    if name in COUNTS and value > COUNT_MOST:
        raise ValueError(f"{name} must be at most {COUNT_MOST}")


class Keywords(TypedDict, total=False):
    """The keywords of `Settings`."""

    start_paused: bool
    """Whether nothing starts before `resume`."""
    poll_interval_seconds: float
    """Accepted, and of no effect: nothing is polled."""
    start_request_max_retries: int | None
    """So many denials in a row of one operation's start pause the dispatcher. None: none do."""
    start_request_retry_cooldown_seconds: float
    """An operation that was denied its start rests so long. Others may go first."""
    request_event_timeout_seconds: float
    """What the request callback does not answer within it, is denied."""
    default_planned_duration: int | None
    """In milliseconds, for operations that have none."""
    heartbeat_seconds: float | None
    """Whoever runs an operation and is silent for longer is lost, and the operation failed."""
    timeout_factor: float | None
    """What runs so many times longer than planned, fails."""
    operation_retries: int
    """So often a failed operation is tried again."""
    operation_retry_backoff_seconds: float
    """Before the first of them. It doubles with each."""
    events_kept: int
    """So many events the history goes back. With a journal in a file it knows them all."""
    finished_kept: int
    """So many operations that have ended are still known by heart."""
    updatable_fields: Collection[str] | None
    """What of an operation may be updated. None: all that its author says of it."""
    dispatch_queue_sort_rules: Sequence[SortRule] | None
