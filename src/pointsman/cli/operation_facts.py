"""What `log` says of a fact about operations, or about the resource that they are for."""

from datetime import tzinfo
from typing import Any

from pointsman.cli.output import plain
from pointsman.cli.times import show
from pointsman.core.names import text_of
from pointsman.operations import facts
from pointsman.runtime.codec import Happened


def line_of(happened: Happened, zone: tzinfo | None) -> str:
    """`2026-06-05 08:00:00+02:00 hall robot-1 Requested 4711 START until … by planner`."""
    entity, fact, at = happened
    where = (text_of(word) for word in entity.split("/")[1:])
    by = f"by {fact.by}" if getattr(fact, "by", "") else ""
    words = (show(at, zone), *where, type(fact).__name__, _told(fact, zone), by)
    return plain(" ".join(word for word in words if word))


def _told(fact: Any, zone: tzinfo | None) -> str:  # noqa: ANN401  Kinds of facts meet in a log.
    match fact:
        case facts.Requested(operation) if request := operation.request:
            return f"{operation.id} {request.ask} until {show(request.answer_by, zone)}"
        case facts.AboutRequest(operation, request=request) if request:
            return f"{operation.id} {request.ask}"
        case facts.Failed(operation) | facts.Cancelled(operation) if ending := operation.ending:
            why = f": {ending.error}" if ending.error else ""
            return f"{operation.id} {ending.reason}{why}"
        case facts.Progressed(operation) if progress := operation.progress:
            return f"{operation.id} {progress.fraction:.0%} {progress.note}".rstrip()
        case facts.AboutOperation(operation):
            return operation.id
        case facts.AboutResource(header):
            return header.why
        case facts.JobChanged(job):
            return f"{job.id} {'held' if job.held else 'released'}"
        case _:
            return str(fact.thing)
