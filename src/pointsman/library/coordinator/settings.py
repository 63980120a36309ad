"""How a dispatch engine behaves, apart from what it carries out."""

from dataclasses import dataclass, fields
from typing import Final

from pointsman.schedules.model import Policy

BACKOFF_BASE_SECONDS: Final = 2.0


class DispatchError(RuntimeError):
    """The engine cannot do that with the command as it stands. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """Frozen, and checked once.

    Raises:
        ValueError: If a number is out of its range.
    """

    site_id: str = "site"
    """Whose schedules these are: part of every name in the journal."""
    dispatch_interval_seconds: float = 5.0
    """The loop looks at the clock at least this often. What is due goes out when it is due."""
    command_timeout_seconds: float = 30.0
    """How long a plan's command waits for its answer."""
    max_retries: int = 3
    """Of a plan's command, after its first try."""
    retry_backoff_factor: float = 2.0
    """Each pause between tries is this many times the one before. The first is 2 s."""
    stale_state_seconds: float = 60.0
    """What was reported longer ago is an old story; see `DispatchEngine.state_is_stale`."""

    def __post_init__(self) -> None:
        if not self.site_id:
            raise ValueError("site_id is empty: a name such as 'site' would work")
        for one in fields(self):
            if one.name.endswith("_seconds") and not getattr(self, one.name) > 0:
                raise ValueError(f"{one.name}={getattr(self, one.name)!r} is not above 0")
        if isinstance(self.max_retries, bool) or not isinstance(self.max_retries, int):
            raise ValueError(f"max_retries={self.max_retries!r} is no whole number")
        if self.max_retries < 0:
            raise ValueError(f"max_retries={self.max_retries} is below 0")
        if not self.retry_backoff_factor >= 1:
            raise ValueError(f"retry_backoff_factor={self.retry_backoff_factor!r} is below 1")

    @property
    def policy(self) -> Policy:
        """How hard a plan's commands are tried."""
        return self.policy_of(self.max_retries, self.command_timeout_seconds)

    def policy_of(self, max_retries: int, timeout_seconds: float) -> Policy:
        return Policy(max_retries, timeout_seconds, BACKOFF_BASE_SECONDS, self.retry_backoff_factor)
