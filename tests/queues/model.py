"""The nouns of queues: the values, the intents that ask, the facts that happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.names import word


@dataclass(frozen=True, slots=True)
class Operation:
    """Work for one resource."""

    id: str
    not_before: datetime
    priority: int = 0
    """Higher goes first. A tie goes to what could be offered earlier, then to the smaller id."""
    payload: str = ""
    """The caller's own. Stored and handed on, never looked into."""
    offers: int = 0
    """How often it was offered. An answer names the offer it answers, so a late one is known."""


@dataclass(frozen=True, slots=True)
class Header:
    """What there is to say of the resource itself."""

    on_hold: bool = False
    """Nothing more is offered. What was offered or started goes on."""


# Intents


@dataclass(frozen=True, slots=True)
class Add:
    operation: Operation


@dataclass(frozen=True, slots=True)
class Answer:
    id: str
    offer: int
    approved: bool


@dataclass(frozen=True, slots=True)
class Finish:
    id: str


@dataclass(frozen=True, slots=True)
class Hold:
    on: bool


# Facts


@dataclass(frozen=True, slots=True)
class AboutOperation:
    operation: Operation

    @property
    def thing(self) -> str:
        return word(self.operation.id)


@dataclass(frozen=True, slots=True)
class Added(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Offered(AboutOperation):
    offered_at: datetime
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class Refused(AboutOperation):
    offer_again: datetime


@dataclass(frozen=True, slots=True)
class Started(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Finished(AboutOperation):
    forget_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    header: Header

    @property
    def thing(self) -> str:
        return ""


Intent: TypeAlias = Add | Answer | Finish | Hold
Fact: TypeAlias = Added | Offered | Refused | Started | Finished | Held | Forgotten
