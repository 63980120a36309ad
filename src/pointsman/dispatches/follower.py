"""A follower of a microgrid's dispatches: it has seen them, and tells when their runs change.

                 See               See, SeeDeleted, Listed
      nothing --------> a dispatch --------+        the news is noticed
                           |  ^ <----------+
             Wake, when    |  |
             an edge or    v  |  Take
             news is due  told, and waiting to be taken

A dispatch is seen in any number of ways, at any time: streamed, listed, or again from long ago.
Only what is newer than what is known, by its server's `update_time`, is news. What was told is a
fact before anybody hears of it, and so is that it was taken: after a crash in between it is told
again as the same change. What has ended is still known for a while, lest it come back.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest
from itertools import chain, islice, takewhile
from typing import Final, assert_never

from pointsman.core.agenda import Agenda
from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.core.values import replace
from pointsman.dispatches.following import (
    AT_ONCE,
    Announced,
    Fact,
    Followed,
    Intent,
    Leave,
    Listed,
    Missed,
    News,
    Noticed,
    Remembered,
    See,
    SeeDeleted,
    Take,
    TakeAll,
    Taken,
)
from pointsman.dispatches.judging import judge, noticed, removed, set_back
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.resting import at_rest
from pointsman.dispatches.runs import GRACE, Overlap
from pointsman.dispatches.sharing import lean

FACTS_MOST: Final = 490
"""Of one intent, and of what is forgotten besides."""
SEEN_MOST: Final = 500
ENDED_KEPT: Final = 1_000
"""So many that were deleted or are over are still known. Then the oldest half is forgotten."""


@dataclass(slots=True)
class Follower:
    """All that is followed, by id. One owner changes it in place."""

    followed: dict[str, Followed] = field(default_factory=dict)
    agenda: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    ended: set[str] = field(default_factory=set)

    def __copy__(self) -> "Follower":
        return Follower(self.followed.copy(), copy(self.agenda), self.ended.copy())


def initial() -> Follower:
    return Follower()


def decide(follower: Follower, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:
    match intent:
        case Wake():
            facts = _told(follower, now)
        case See(dispatches) if len(dispatches) > SEEN_MOST:
            raise Rejected(f"{len(dispatches)} dispatches at once: see at most {SEEN_MOST}")
        case See(dispatches, overlap):
            facts = _seen(follower, dispatches, overlap, now)
        case SeeDeleted(dispatch):
            facts = _deleted(follower.followed.get(str(dispatch.id)), dispatch, now)
        case Listed():
            facts = list(islice(_unlisted(follower, intent, now), FACTS_MOST))
        case Take(dispatch_id, seq):
            facts = _taken(follower.followed.get(str(dispatch_id)), seq)
        case TakeAll():
            told = (_taken(known, known.seq) for known in follower.followed.values())
            facts = list(islice(chain.from_iterable(told), FACTS_MOST))
        case Leave():
            return [Forgotten(thing) for thing in islice(follower.followed, FACTS_MOST)]
        case _:
            assert_never(intent)
    return [*facts, *_tidied(follower, facts)] if facts else []


def evolve(follower: Follower, fact: Fact) -> Follower:
    match fact:
        case Forgotten(thing):
            follower.followed.pop(thing, None)
            follower.agenda.drop(thing)
            follower.ended.discard(thing)
        case Noticed(followed) | Announced(followed) | Taken(followed):
            _keep(follower, fact.thing, followed)
        case Missed(followed) | Remembered(followed):
            _keep(follower, fact.thing, followed)
        case _:
            assert_never(fact)
    return follower


def due(follower: Follower) -> datetime | None:
    first = follower.agenda.first()
    return first[0] if first else None


def _keep(follower: Follower, thing: str, followed: Followed) -> None:
    dispatch = lean(followed.dispatch)
    own = followed if dispatch is followed.dispatch else replace(followed, dispatch=dispatch)
    follower.followed[thing] = own
    if followed.due is None:
        follower.agenda.drop(thing)
    else:
        follower.agenda.put(thing, followed.due)
    if followed.ended:
        follower.ended.add(thing)
    else:
        follower.ended.discard(thing)


def _told(follower: Follower, now: datetime) -> Sequence[Fact]:
    """What has become due, the first first. What is too much comes with the next wake."""
    facts: list[Fact] = []
    for _, thing in takewhile(lambda entry: entry[0] <= now, follower.agenda.in_order()):
        facts += judge(follower.followed[thing], now)
        if len(facts) >= FACTS_MOST:
            break
    return facts


def _seen(
    follower: Follower, dispatches: Iterable[Dispatch], overlap: Overlap, now: datetime
) -> Sequence[Fact]:
    facts: list[Fact] = []
    own: dict[str, Followed] = {}
    for dispatch in dispatches:
        thing = str(dispatch.id)
        known = own.get(thing) or follower.followed.get(thing)
        if known is None or known.dispatch.update_time < dispatch.update_time:
            news = News.CREATED if known is None or known.deleted else News.UPDATED
            after = at_rest(dispatch, overlap, now) if known is None else None
            after = after or _settled(noticed(known, dispatch, overlap, now), now)
            if known is not None or not _long_over(after, now):
                own[thing] = after
                facts.append(Noticed(after, news))
        elif not known.deleted:
            after = set_back(replace(known, overlap=overlap), now)
            if after != known:
                own[thing] = _settled(replace(after, due=AT_ONCE), now)
                facts.append(Remembered(own[thing]))
    return facts


def _long_over(followed: Followed, now: datetime) -> bool:
    """Then nobody need hear of it: it may well have been forgotten, and is listed again."""
    return followed.ended and followed.dispatch.update_time < now - GRACE


def _deleted(known: Followed | None, dispatch: Dispatch, now: datetime) -> Sequence[Fact]:
    if known is None:
        return [Remembered(removed(None, dispatch, now))]
    if known.deleted:
        return []
    return [Noticed(_settled(removed(known, dispatch, now), now), News.DELETED)]


def _unlisted(follower: Follower, listed: Listed, now: datetime) -> Iterator[Fact]:
    """What was deleted while nobody looked. What is over, or about to be, need not be listed."""
    for followed in follower.followed.values():
        dispatch = followed.dispatch
        if followed.ended or dispatch.id in listed.ids or dispatch.update_time > listed.as_of:
            continue
        if dispatch.end_time is None or dispatch.end_time > listed.as_of + GRACE:
            yield from _deleted(followed, dispatch, now)
        elif followed.due is None and not followed.waiting:
            settled = _settled(replace(followed, due=AT_ONCE), now)  # Inactive, so nothing woke it.
            if settled.ended:
                yield Remembered(settled)


def _taken(known: Followed | None, seq: int) -> Sequence[Fact]:
    taken = [change for change in known.waiting if change.seq <= seq] if known else []
    if known is None or not taken:
        return []
    return [Taken(replace(known, waiting=known.waiting[len(taken) :], taken=taken[-1]))]


def _settled(followed: Followed, now: datetime) -> Followed:
    """Judged already, if there is nothing to be told; otherwise it is due at once."""
    facts = judge(followed, now)
    told = any(isinstance(fact, Announced) for fact in facts)
    return followed if told else facts[-1].followed


def _tidied(follower: Follower, facts: Sequence[Fact]) -> Sequence[Fact]:
    """The oldest of those that have ended, once there are too many. None that has news."""
    if len(follower.ended) <= ENDED_KEPT:
        return []
    news = {fact.thing for fact in facts}
    by_age = nsmallest(ENDED_KEPT // 2, follower.ended, key=lambda thing: _age(follower, thing))
    return [Forgotten(thing) for thing in by_age if thing not in news]


def _age(follower: Follower, thing: str) -> tuple[datetime, str]:
    return follower.followed[thing].judged_at, thing
