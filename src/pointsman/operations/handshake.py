"""The handshake: somebody is asked for leave, and only their answer to that very request counts.

    asked --yes, in time--> granted: it starts, pauses, resumes or is let go
          --no, or too late--> denied: as if nobody had asked; before a start it rests a while
          --no longer wanted--> withdrawn: as if nobody had asked

Where nobody need be asked, the policy says yes at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pointsman.core.values import replace
from pointsman.operations.checks import (
    META_BYTES,
    Conflict,
    check_json,
    check_text,
    conflict,
    digits,
    times,
)
from pointsman.operations.facts import Denied, Fact, OperationFact, Withdrawn
from pointsman.operations.intents import Answer
from pointsman.operations.model import Ask, Ending, Operation, Phase, Reason, Request
from pointsman.operations.moves import REST_LEAST, Teller
from pointsman.operations.queue import Resource

NO_ANSWER: Final = "no_answer"
POLICY: Final = "policy"


def asked(
    tell: Teller, operation: Operation, ask: Ask, reason: Reason = Reason.NONE
) -> Sequence[OperationFact]:
    """Somebody is asked, or the policy says yes. A cancellation takes the place of any request."""
    facts: list[OperationFact] = []
    pending = operation.request
    if pending is not None:
        if pending.ask is ask:
            return []
        if ask is not Ask.CANCEL:
            raise Conflict(
                "request_pending",
                f"a request to {pending.ask.lower()} operation {operation.id} waits for its answer",
                phase=operation.phase,
            )
        facts.append(withdrawn(tell, operation))
        operation = facts[-1].operation
    requested = tell.requested(operation, ask, reason)
    if tell.policy.ask:
        return [*facts, requested]
    return [*facts, requested, *granted(_decided(tell, POLICY), requested.operation)]


def answered(resource: Resource, tell: Teller, answer: Answer) -> Sequence[Fact]:
    """What an answer leads to.

    Raises:
        NotFound, Conflict: If there is no such request, or it is over. Nothing has changed.
        Invalid: If what comes with it cannot be written down.
    """
    check_text("reasoning", answer.reasoning)
    check_json("data", answer.data, META_BYTES)
    operation = resource.known(answer.id)
    request = operation.request
    if request is None or request.number != answer.number or tell.now >= request.answer_by:
        raise Conflict(
            "request_closed",
            f"request {digits(answer.number)} of operation {answer.id} does not wait for an answer"
            " (any more)",
            phase=operation.phase,
        )
    if not answer.accepted:
        return denied(resource, tell, operation, answer.reasoning, answer.data)
    if request.ask is Ask.START and resource.active is not None:
        raise conflict("resource_busy", "another operation goes on", operation)
    return granted(_decided(tell, answer.reasoning, answer.data, request), operation)


def granted(tell: Teller, operation: Operation) -> Sequence[OperationFact]:
    """What its request asked for, happens."""
    request = operation.request
    match request.ask if request else None:
        case Ask.START:
            return tell.start(operation)
        case Ask.PAUSE:
            return [tell.pause(operation)]
        case Ask.RESUME:
            return [tell.resume(operation)]
        case _:
            reason = request.reason if request else Reason.USER_REQUEST
            return [cancelled(tell, operation, reason)]


def cancelled(tell: Teller, operation: Operation, reason: Reason) -> OperationFact:
    """Without asking: at once if it has not started, else when its executor has let go."""
    ending = Ending(Phase.CANCELLED, reason)
    operation = replace(operation, request=None)
    waits = operation.phase in (Phase.QUEUED, Phase.QUARANTINED)
    return tell.end(operation, ending) if waits else tell.let_go(operation, ending)


def denied(
    resource: Resource,
    tell: Teller,
    operation: Operation,
    reasoning: str,
    data: Mapping[str, Any] | None = None,
) -> Sequence[Fact]:
    """It is not to be. Only denials of a start are counted, for each operation alone."""
    request = operation.request
    meta = {**tell.meta, **_said(request, reasoning, data)}
    if request is None or request.ask is not Ask.START:
        after = tell.changed(operation, request=None)
        return [Denied(after, None, tell.by, meta, request)]
    most, cooldown = tell.policy.pause_after_denials, max(tell.policy.cooldown, REST_LEAST)
    denials = operation.denials + 1
    meta |= {"retry_count": denials, "max_retries": most}
    meta["cooldown_seconds"] = cooldown.total_seconds()
    after = tell.changed(
        operation, request=None, denials=denials, not_before=tell.now + cooldown, ending=None
    )
    facts: list[Fact] = [Denied(after, None, tell.by, meta, request)]
    if most is not None and denials % most == 0:
        why = f"operation {operation.id} was denied its start {times(denials)}"
        facts.append(tell.paused(resource.header, why))
    return facts


def withdrawn(tell: Teller, operation: Operation, why: str = "") -> OperationFact:
    """What it asked for is no longer wanted."""
    after = tell.changed(operation, request=None, ending=None)
    meta = {**tell.meta, "withdrawn": why} if why else tell.meta
    return Withdrawn(after, None, tell.by, meta, operation.request)


def start_withdrawn(
    resource: Resource, tell: Teller, why: str, *, of: str | None = None
) -> Sequence[OperationFact]:
    """Nobody waits any more for leave to start: no operation, or this one."""
    asking = resource.asking
    if asking is None or of not in (None, asking):
        return []
    return [withdrawn(tell, resource.operations[asking], why)]


def _said(
    request: Request | None, reasoning: str, data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What goes with a denial."""
    meta: dict[str, Any] = {}
    if reasoning:
        meta["reasoning"] = reasoning
    if data is not None:
        meta["decision_data"] = dict(data)
    if request and request.meta:
        meta["request_meta_data"] = dict(request.meta)
    return meta


def _decided(
    tell: Teller,
    reasoning: str,
    data: Mapping[str, Any] | None = None,
    request: Request | None = None,
) -> Teller:
    """Says with each fact what was decided, on what was asked for, and what else was said."""
    decision = {"accepted": True, "reasoning": reasoning, "data": dict(data or {})}
    asked_with = request.meta if request else {}
    meta = {**asked_with, **tell.meta, "request_decision": decision}
    return replace(tell, meta=meta)
