"""Resources of the site file: robots, machines and vehicles that operations queue on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pointsman.config.checks import choice, device, number, table, text, truth, whole
from pointsman.config.tables import Check, SiteError, Table, check_keys, shown

SECONDS_MOST: Final = 86_400 * 365
"""No rest, answer or sign of life is waited for longer."""
FACTOR_MOST: Final = 100
RETRIES_MOST: Final = 1_000
DENIALS_MOST: Final = 1_000
FINISHED_MOST: Final = 100_000
RULES_MOST: Final = 3
EXTERNAL: Final = {"protocol": "external"}
"""Whoever runs it, reports."""


class Approval(StrEnum):
    """Who says yes before a resource starts, and before it is asked for something else."""

    ALWAYS = "always"
    """Nobody need."""
    ASK = "ask"
    """Whoever answers requests."""


class OrderField(StrEnum):
    PRIORITY = "priority"
    RELEASE_DATE = "release_date"
    CREATED_AT = "created_at"


class OrderDirection(StrEnum):
    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class OrderRule:
    """What comes first of all that may start."""

    field: OrderField
    direction: OrderDirection = OrderDirection.ASC
    none_last: bool = True
    """Whether what has no value comes after all that have one."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A robot, machine or vehicle that operations queue on. A key of `[[resource]]` each."""

    id: str
    approve: Approval = Approval.ASK
    answer_within_seconds: float = 30.0
    """Later, it is as if somebody had said no."""
    cooldown_seconds: float = 1.0
    """An operation whose start was denied rests so long. Others go on."""
    pause_after_denials: int | None = None
    """So many denials in a row, of one operation, pause the resource. None: none do."""
    confirm_within_seconds: float = 60.0
    """How long an executor may take to do as it was asked to."""
    heartbeat_seconds: float | None = None
    """An executor that is silent for longer while it runs something is lost. None: as its
    protocol has it.
    """
    pause_when_lost: bool = True
    """Whether a lost executor pauses the resource, until somebody has looked."""
    timeout_factor: float | None = None
    """What runs so many times longer than planned is ended. None: nothing is."""
    retries: int = 0
    """So often what failed is tried again. Then it is in quarantine."""
    backoff_seconds: float = 1.0
    """Before the first of them. It doubles with each."""
    backoff_most_seconds: float = 300.0
    order: tuple[OrderRule, ...] | None = None
    """None: by release date, then priority, then age."""
    finished_kept: int = 1_000
    """Of those that have ended, so many are known by heart. The record knows all."""
    device: Mapping[str, Any] = field(default_factory=lambda: EXTERNAL)
    """`protocol` and the protocol's own keys, as written."""


def _order(value: object) -> tuple[OrderRule, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= RULES_MOST:
        raise ValueError(
            f"must be a list of 1 to {RULES_MOST} rules, as in"
            f' [{{ field = "priority", direction = "desc" }}], not {shown(value)}'
        )
    return tuple(_rule(one) for one in value)


def _rule(value: object) -> OrderRule:
    values = table(value)
    try:
        check_keys(values, ORDER, f"rule {shown(value)}")
    except SiteError as error:
        raise ValueError(f"has a {error}") from error
    if "field" not in values:
        raise ValueError(f"has a rule without its field: {shown(value)}")
    said = {}
    for key, check in ORDER.items():
        if key in values:
            try:
                said[key] = check(values[key])
            except ValueError as error:
                raise ValueError(f"has a rule whose {key} {error}") from error
    return OrderRule(**said)


def _id(value: object) -> str:
    id = text(value)
    if id in (".", ".."):  # Browsers and curl resolve them, and would ask another resource.
        raise ValueError(f"must be a name, not {id!r}, which in a URL is another place")
    return id


ORDER: Final[Mapping[str, Check]] = {
    "field": choice(OrderField),
    "direction": choice(OrderDirection),
    "none_last": truth,
}
"""What a rule may say. A field of `OrderRule` each."""
_SECONDS: Final = number(above=0, most=SECONDS_MOST)
RESOURCE: Final[Mapping[str, Check]] = {
    "id": _id,
    "approve": choice(Approval),
    "answer_within_seconds": _SECONDS,
    "cooldown_seconds": number(least=0, most=SECONDS_MOST),
    "pause_after_denials": whole(least=1, most=DENIALS_MOST),
    "confirm_within_seconds": _SECONDS,
    "heartbeat_seconds": _SECONDS,
    "pause_when_lost": truth,
    "timeout_factor": number(least=1, most=FACTOR_MOST),
    "retries": whole(least=0, most=RETRIES_MOST),
    "backoff_seconds": number(least=0, most=SECONDS_MOST),
    "backoff_most_seconds": number(least=0, most=SECONDS_MOST),
    "order": _order,
    "finished_kept": whole(least=0, most=FINISHED_MOST),
    "device": device,
}
"""What `[[resource]]` may say. A field of `Resource` each."""


def resource_of(here: Table) -> Resource:
    """The resource that a table describes.

    Raises:
        SiteError: If anything in it is not as it must be.
    """
    resource = Resource(**here.read(RESOURCE, required=["id"]))
    most, first = resource.backoff_most_seconds, resource.backoff_seconds
    if first > most:
        key = "backoff_seconds" if "backoff_seconds" in here.values else "backoff_most_seconds"
        raise here.error(
            key, f"backoff_seconds = {first:g} is above backoff_most_seconds = {most:g}"
        )
    if (orders := [rule.field for rule in resource.order or ()]) and len(set(orders)) < len(orders):
        raise here.error("order", "order has two rules of one field")
    return resource
