"""The desk where a request is dealt with: who asks, of which resource, and the ways to ask it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import Depends, Header, Path, Request
from pydantic import StringConstraints

from pointsman.api.keys import Right
from pointsman.api.operation_events import Event
from pointsman.api.operations import Operations
from pointsman.api.rest.errors import Problem
from pointsman.api.rest.fields import Id
from pointsman.api.rest.guarding import Guard, no_resource
from pointsman.api.rest.idempotency import KEY_MOST, LOOKED_BACK, Once, Turns, digest_of
from pointsman.api.rest.strict_json import read_json
from pointsman.config.keys import Key
from pointsman.core.entity import Rejected
from pointsman.operations import OPERATIONS
from pointsman.operations.checks import NotFound
from pointsman.operations.facts import AboutOperation, Fact
from pointsman.operations.intents import Intent
from pointsman.operations.model import Operation
from pointsman.operations.queue import Resource
from pointsman.runtime.clock import Clock
from pointsman.runtime.operation_pages import Window

NOBODY: Final = "rest"
"""Who asks, where there are no keys."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[ -~]*$")]
Reason = Annotated[str, StringConstraints(max_length=4_000, pattern=r"^[ -~]*$")]
IdempotencyKey = Annotated[
    str, StringConstraints(min_length=1, max_length=KEY_MOST, pattern=r"^[ -~]*$")
]
OperationId = Annotated[Id, Path()]


@dataclass(frozen=True, slots=True)
class House:
    """What all requests share."""

    operations: Operations
    guard: Guard
    clock: Clock
    turns: Turns


@dataclass(frozen=True, slots=True)
class Desk:
    house: House
    resource_id: str
    by: str
    """Who asks."""
    once: Once
    key: Key | None = None
    why: str = ""
    """What for, in the asker's words."""

    def now(self) -> datetime:
        return self.house.clock.now()

    async def look(self) -> Resource:
        return await self.house.operations.look(self.resource_id)

    async def get(self, id: str) -> Operation:
        """An operation as it is.

        Raises:
            Problem: If there is none.
        """
        try:
            return await self.house.operations.get(self.resource_id, id)
        except NotFound as error:
            raise _no_operation(id) from error

    async def ask(self, intent: Intent) -> Sequence[Fact]:
        """What comes of it, once that is durable.

        Raises:
            Rejected: If it makes no sense, or not now.
            Problem: If it is more than can be written at once.
        """
        try:
            return await self.house.operations.ask(self.resource_id, intent)
        except Rejected:
            raise
        except ValueError as error:
            raise Problem(400, "too_much_at_once", str(error)) from error

    async def change(self, id: str, intent: Intent) -> Operation:
        """Ask something of an operation. Returns it as it was right after.

        Raises:
            Rejected, Problem: If it is refused.
        """
        async with self.house.turns.of(self.once):
            if before := await self.answered(id):
                return before[-1].operation or await self.get(id)
            try:
                facts = await self.ask(intent)
            except NotFound as error:
                raise await self._ended_long_ago(id, intent) from error
        about = [fact.operation for fact in facts if isinstance(fact, AboutOperation)]
        own = [operation for operation in about if operation.id == id]
        return own[-1] if own else await self.get(id)

    async def steer(self, intent: Intent) -> None:
        """Ask something of the resource as a whole."""
        async with self.house.turns.of(self.once):
            if not await self.answered(None):
                await self.ask(intent)

    async def answered(self, id: str | None) -> list[Event]:
        """What came of this very request before, of an operation or of the resource."""
        if self.once.key is None:
            return []
        window = Window(LOOKED_BACK)
        try:
            return self.once.answered(await self.events(window, id, every=True))
        except NotFound:
            return []

    async def events(
        self, window: Window, id: str | None = None, *, every: bool = False
    ) -> Sequence[Event]:
        operations = self.house.operations
        return await operations.events(self.resource_id, window, operation_id=id, every=every)

    def asked(self, meta: dict[str, Any]) -> dict[str, Any]:
        """What each intent says besides what it asks for."""
        why = {"why": self.why} if self.why else {}
        return {"by": self.by, "meta": self.once.meta({**why, **meta})}

    async def _ended_long_ago(self, id: str, intent: Intent) -> Rejected:
        """Only the record knows it, if anybody does: it is refused as if it had just ended."""
        resource = Resource()
        resource.put(await self.get(id))
        try:
            OPERATIONS.entity.decide(resource, intent, self.now())
        except Rejected as refusal:
            return refusal
        return NotFound(f"nothing becomes of operation {id} any more")


def house_of(request: Request) -> House:
    house: House = request.app.state.house
    return house


def key_of(request: Request) -> Key | None:
    key: Key | None = getattr(request.state, "key", None)
    return key


async def seeing(request: Request) -> Desk:
    """The desk of whoever looks on."""
    return _desk(request, Right.SEE, None, None, "")


async def changing(
    request: Request,
    idempotency_key: Annotated[
        IdempotencyKey | None,
        Header(description="Asking again with the same key is asking once."),
    ] = None,
    x_actor: Annotated[
        Name | None, Header(description="Who asks, if the key is not theirs alone.")
    ] = None,
    x_why: Annotated[
        Reason | None,
        Header(description="What for: `why` in the events' meta_data. As in a URL, `%C3%BC` is ü."),
    ] = None,
) -> Desk:
    """The desk of whoever changes something."""
    names = {k: v for k, v in request.path_params.items() if k != "resource_id"}
    body = await request.body() if idempotency_key else b""
    digest = digest_of(request.scope["route"].name, names, read_json(body) if body else None)
    why = unquote(x_why or "", errors="replace").replace("\0", " ")
    return _desk(request, Right.CHANGE, x_actor, idempotency_key, digest, why)


Seeing = Annotated[Desk, Depends(seeing)]
Changing = Annotated[Desk, Depends(changing)]


def _desk(
    request: Request,
    right: Right,
    actor: str | None,
    once_key: str | None,
    digest: str,
    why: str = "",
) -> Desk:
    house, key = house_of(request), key_of(request)
    named = request.path_params.get("resource_id")
    resource_id = _first(house) if named is None else named
    house.guard.check(key, right, resource_id)
    if resource_id not in house.operations.resource_ids:
        raise no_resource(resource_id)
    by = ":".join(filter(None, (key.name if key else None, actor))) or NOBODY
    return Desk(house, resource_id, by, Once(resource_id, by, once_key, digest), key, why)


def _first(house: House) -> str:
    if not house.operations.resource_ids:
        raise Problem(
            404, "no_resources", "there are no resources: name them in a site file, as [[resource]]"
        )
    return house.operations.resource_ids[0]


def _no_operation(id: str) -> Problem:
    return Problem(404, "operation_not_found", f"there is no operation {id}")
