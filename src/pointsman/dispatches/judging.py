"""What a follower makes of one dispatch: of news about it, and of the time that has passed.

    news --noticed, removed--> Followed, due at once --judge--> what is to be told, and when next

To judge is to compare what was told with what the dispatch has its runs be, and to tell the
difference. It costs the same however old the rule is, and however long nobody judged.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from pointsman.core.values import replace
from pointsman.dispatches.following import (
    AT_ONCE,
    Announced,
    Edge,
    Followed,
    Missed,
    MissedRuns,
    Remembered,
    RunChange,
)
from pointsman.dispatches.model import TIMEZONE, Dispatch
from pointsman.dispatches.recurrence import FOREVER, MOMENT
from pointsman.dispatches.runs import (
    GRACE,
    Never,
    Overlap,
    Run,
    Starts,
    last_start,
    run_at,
    run_of,
    starts_of,
)
from pointsman.dispatches.waiting import with_one_more

Judged: TypeAlias = Announced | Missed | Remembered

ROUNDING: Final = timedelta(seconds=1)
"""What starts at once may start so much before it was written, as starts are whole seconds."""


def noticed(
    known: Followed | None, dispatch: Dispatch, overlap: Overlap, now: datetime
) -> Followed:
    """As it is with this version of the dispatch, which is not judged yet."""
    written = written_at(dispatch, now)
    if known is None:
        seen = Followed(dispatch, written, AT_ONCE, overlap=overlap)
    else:
        seen = replace(
            _overlooked(known, min(now, dispatch.update_time)),
            dispatch=dispatch,
            judged_at=_judged_at(known, dispatch, written),
            due=AT_ONCE,
            deleted=False,
            changed=known.run is not None and (known.changed or _differs(known.dispatch, dispatch)),
            overlap=overlap,
            fault="",
        )
    try:
        return _made_to_go_on(known, _counted(seen), now)
    except Exception as error:  # Of a rule that nobody can work out. The others must go on.
        return replace(seen, fault=_line(error))


def written_at(dispatch: Dispatch, now: datetime) -> datetime:
    """What starts later, starts after it was written."""
    return min(now, dispatch.update_time - ROUNDING)


def removed(known: Followed | None, dispatch: Dispatch, now: datetime) -> Followed:
    """As it is once deleted. What nobody knew is remembered, so that it does not come back."""
    if known is None:
        return Followed(dispatch, now, None, deleted=True, over=True)
    update_time = max(dispatch.update_time, known.dispatch.update_time)
    return replace(
        _overlooked(known, min(now, update_time)),
        dispatch=replace(dispatch, update_time=update_time),
        due=AT_ONCE,
        deleted=True,
        changed=False,
    )


def set_back(followed: Followed, now: datetime) -> Followed:
    """With a clock that turned out to be wrong by much, what was missed may still be told."""
    judged_at = max(now, followed.last.run_start) if followed.last else now
    if judged_at >= followed.judged_at or followed.judged_at - now <= GRACE:
        return followed
    return replace(followed, judged_at=judged_at, due=AT_ONCE)


def judge(followed: Followed, now: datetime) -> Sequence[Judged]:
    """What is to be told or remembered as of `now`: at least one fact, the last with all of it."""
    try:
        starts = starts_of(followed.dispatch) if not followed.fault else Never()
        return _judge(followed, max(now, followed.judged_at), starts)
    except Exception as error:  # Of a rule that nobody can work out. The others must go on.
        faulty = replace(followed, fault=_line(error))
        return _judge(faulty, max(now, followed.judged_at), Never())


def _judge(before: Followed, now: datetime, starts: Starts) -> Sequence[Judged]:
    lives = before.dispatch.data.active and not before.deleted
    latest, coming = starts.at_or_before(now), starts.after(now)
    fresh, missed = _fresh(before, starts, latest, now) if lives else ((), None)
    going = _going(before, starts, now) if before.run else None
    changes, going = _changes(before, going, fresh, now)
    after = Followed(
        before.dispatch,
        judged_at=now,
        due=_due(before.overlap, coming if lives else None, going),
        deleted=before.deleted,
        over=before.deleted or not (coming or before.fault or _goes_on(before, latest, now)),
        waiting=before.waiting,
        taken=before.taken,
        missed=_missed(before, missed, started=any(edge is Edge.STARTED for edge, _ in changes)),
        overlap=before.overlap,
        fault=before.fault,
    )
    facts: list[Judged] = [Missed(after)] if missed else []
    for edge, run in changes:
        change = RunChange(edge, run.start, run.end, after.seq + 1, now)
        after = replace(after, waiting=with_one_more(after.waiting, change))
        facts.append(Announced(after))
    return facts or [Remembered(after)]


def _fresh(
    before: Followed, starts: Starts, latest: datetime | None, now: datetime
) -> tuple[Sequence[Run], MissedRuns | None]:
    """The runs that have started since it was judged: those still to be told, and the others."""
    if latest is None or latest <= before.judged_at:
        return (), None
    first, late = starts.after(before.judged_at) or latest, now - GRACE
    before_late = latest if latest <= late else starts.at_or_before(late)
    begin = first if first > late else max(first, before_late or first)
    fresh = [run_of(before.dispatch, start) for start in _until(starts, begin, latest)]
    if _is_over(fresh[0], late):
        return fresh[1:], MissedRuns(first, begin)
    if begin == first:
        return fresh, None
    return fresh, MissedRuns(first, starts.at_or_before(begin - MOMENT) or first)


def _until(starts: Starts, first: datetime, latest: datetime) -> Iterator[datetime]:
    start: datetime | None = first
    while start is not None and start < latest:
        yield start
        start = starts.after(start)
    yield latest


def _going(before: Followed, starts: Starts, now: datetime) -> Run | None:
    """The run that was told, as the dispatch has it by now. It ends at once if it has it not."""
    told = before.run
    if told is None:
        return None
    if before.dispatch.data.active and not before.deleted:
        start = starts.at_or_before(before.judged_at)
        merged = before.overlap is Overlap.MERGE and start is not None and start > told.run_start
        if start is not None and (start == told.run_start or merged):
            return Run(told.run_start, run_of(before.dispatch, start).end)
    return Run(told.run_start, now if told.run_end is None else min(told.run_end, now))


def _changes(
    before: Followed, going: Run | None, fresh: Sequence[Run], now: datetime
) -> tuple[list[tuple[Edge, Run]], Run | None]:
    """What is to be told, in order, and what goes on after that."""
    told: list[tuple[Edge, Run]] = []
    changed = before.changed
    for run in fresh:
        if going and going.end is not None and going.end < run.start:
            told.append((Edge.STOPPED, going))
        elif going and before.overlap is Overlap.MERGE:
            going = Run(going.start, run.end)
            continue
        told.append((Edge.STARTED, run))
        going, changed = run, False
    if going and _is_over(going, now):
        told.append((Edge.STOPPED, going))
        going = None
    elif going and changed:
        told.append((Edge.RECONFIGURED, going))
    return told, going


def _due(overlap: Overlap, coming: datetime | None, going: Run | None) -> datetime | None:
    """An end is due a moment later, when all starts of that instant have been told."""
    end = going.end + MOMENT if going and going.end else None
    if going and end is None and overlap is Overlap.MERGE:
        return None
    return min((edge for edge in (coming, end) if edge), default=None)


def _goes_on(followed: Followed, latest: datetime | None, now: datetime) -> bool:
    return latest is not None and not _is_over(run_of(followed.dispatch, latest), now)


def _is_over(run: Run, instant: datetime) -> bool:
    return run.end is not None and run.end <= instant


def _missed(before: Followed, new: MissedRuns | None, *, started: bool) -> MissedRuns | None:
    """What was missed counts until a run is told after which nothing was."""
    if new is None:
        return None if started else before.missed
    old, last = before.missed, before.last
    if old is None or (last is not None and last.run_start > old.last):
        return new
    return MissedRuns(old.first, new.last)


def _overlooked(known: Followed, until: datetime) -> Followed:
    """With the runs of a version that is replaced now, if nobody had the time to judge them."""
    lives = known.dispatch.data.active and not (known.deleted or known.fault)
    if not lives or known.due is None or known.due > until:
        return known
    starts = starts_of(known.dispatch)
    last = starts.at_or_before(until)
    if last is None or last <= known.judged_at:
        return known
    missed = MissedRuns(starts.after(known.judged_at) or last, last)
    return replace(known, missed=_missed(known, missed, started=False))


def _judged_at(known: Followed, dispatch: Dispatch, written: datetime) -> datetime:
    """Up to when the runs of another version count as judged: nothing is to be told twice."""
    if not known.deleted and not known.fault and _starts(known.dispatch) == _starts(dispatch):
        return known.judged_at
    return max(written, known.last.run_start) if known.last else written


def _made_to_go_on(known: Followed | None, seen: Followed, now: datetime) -> Followed:
    """If this version lets a run go on that did not, that run starts, however long ago it began."""
    instant = max(now, known.judged_at) if known else now
    going = run_at(seen.dispatch, instant)
    told = known.run if known else None
    if going is None or (told is not None and told.run_start == going.start):
        return seen
    if known and not known.deleted and not known.fault:
        before = run_at(known.dispatch, instant)
        judged = before is not None and before.start == going.start <= known.judged_at
        if judged and (told or before == going):  # Or it was told, and over, by a wrong clock.
            return seen
    return replace(seen, judged_at=min(seen.judged_at, going.start - MOMENT))


def _counted(seen: Followed) -> Followed:
    """With its last start, if there is a count that nobody has worked out yet."""
    rule = seen.dispatch.data.recurrence
    if rule is None or rule.count is None or last_start(seen.dispatch) is not None:
        return seen
    starts = starts_of(seen.dispatch)
    return replace(seen, dispatch=replace(seen.dispatch, last_start=starts.at_or_before(FOREVER)))


def _starts(dispatch: Dispatch) -> object:
    """All that says when runs start."""
    data = dispatch.data
    return data.active, data.start_time, data.recurrence, data.payload.get(TIMEZONE)


def _differs(one: Dispatch, other: Dispatch) -> bool:
    """Whether a run of the one is to be carried out otherwise than one of the other."""
    return _conduct(one) != _conduct(other)


def _conduct(dispatch: Dispatch) -> object:
    data = dispatch.data
    target = frozenset(data.target.ids), frozenset(data.target.kinds)
    return data.type, target, data.duration_seconds, data.dry_run, data.payload


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
