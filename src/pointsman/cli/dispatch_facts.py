"""What `log` says of a fact about dispatches, their ids, or who follows them."""

from datetime import tzinfo
from typing import Any

from pointsman.cli.times import show
from pointsman.core.names import site_of, text_of
from pointsman.dispatches import facts, following
from pointsman.dispatches.ids import Drawn
from pointsman.dispatches.model import Dispatch
from pointsman.runtime.codec import Happened


def line_of(happened: Happened, zone: tzinfo | None) -> str:
    """`2026-06-05 08:00:00+02:00 microgrid-7 Created 67 charge from … for 300 s DAILY`."""
    entity, fact, at = happened
    what = _told(fact, zone)
    words = (show(at, zone), text_of(site_of(entity)), type(fact).__name__, what)
    return " ".join(word for word in words if word)


def _told(fact: Any, zone: tzinfo | None) -> str:  # noqa: ANN401  Kinds of facts meet in a log.
    match fact:
        case facts.AboutDispatch(dispatch):
            return _dispatch(dispatch, zone)
        case following.Announced(followed=followed):
            change = fact.change
            end = f" to {show(change.run_end, zone)}" if change.run_end else ""
            what = f"{change.edge} from {show(change.run_start, zone)}{end}"
            return f"{followed.dispatch.id} {followed.dispatch.data.type} {what}"
        case following.Noticed(followed=followed, news=news):
            return f"{followed.dispatch.id} {news}"
        case following.Missed(followed=followed) if missed := followed.missed:
            span = f"{show(missed.first, zone)} to {show(missed.last, zone)}"
            return f"{followed.dispatch.id} runs from {span}"
        case following.AboutFollowed(followed=followed):
            return str(followed.dispatch.id)
        case Drawn(upto):
            return f"ids up to {upto}"
        case _:
            return str(fact.thing)


def _dispatch(dispatch: Dispatch, zone: tzinfo | None) -> str:
    data = dispatch.data
    words = [str(dispatch.id), data.type, f"from {show(data.start_time, zone)}"]
    seconds = data.duration_seconds
    words.append("without an end" if seconds is None else f"for {seconds} s")
    if data.recurrence:
        words.append(str(data.recurrence.frequency))
    words += ["inactive"] * (not data.active) + ["dry run"] * data.dry_run
    return " ".join(words)
