"""Resting: a dispatch that nobody knew, and of whose runs there is nothing to tell.

Most of those that are listed are so. What `judging` makes of them step by step is the same.
"""

from datetime import datetime

from pointsman.dispatches.following import Followed, MissedRuns
from pointsman.dispatches.judging import written_at
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.runs import GRACE, Overlap, end_of, last_start, starts_of


def at_rest(dispatch: Dispatch, overlap: Overlap, now: datetime) -> Followed | None:
    """As it is once judged. None: it does not rest, or that takes a closer look."""
    data = dispatch.data
    counts = data.recurrence is not None and data.recurrence.count is not None
    if not data.active or (counts and last_start(dispatch) is None):
        return None
    try:
        starts = starts_of(dispatch)
        latest, coming = starts.at_or_before(now), starts.after(now)
        missed = None
        if latest is not None:
            end, written = end_of(latest, data.duration_seconds), written_at(dispatch, now)
            if end is None or end > now - GRACE:
                return None
            if latest > written:
                missed = MissedRuns(starts.after(written) or latest, latest)
    except Exception:  # Of a rule that nobody can work out. Who looks closer says so.
        return None
    return Followed(dispatch, now, coming, over=not coming, missed=missed, overlap=overlap)
