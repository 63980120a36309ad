"""Steering: what is asked of a resource as a whole."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from pointsman.core.values import replace
from pointsman.operations.checks import Conflict, check_policy, check_text
from pointsman.operations.facts import (
    Configured,
    Fact,
    ResourceResumed,
    ResourceStarted,
    ResourceStopped,
)
from pointsman.operations.handshake import start_withdrawn
from pointsman.operations.intents import (
    Configure,
    PauseResource,
    ResumeResource,
    StartResource,
    StopResource,
)
from pointsman.operations.moves import Teller
from pointsman.operations.queue import Resource
from pointsman.operations.ranking import complete

PAUSED: Final = "the dispatcher was paused"

Steer: TypeAlias = Configure | StartResource | StopResource | PauseResource | ResumeResource


def steered(resource: Resource, tell: Teller, intent: Steer) -> Sequence[Fact]:
    """What becomes of the resource. What waits for leave to start need not wait if it stops.

    Raises:
        Conflict: If it is so already.
        Invalid: If nobody could live by the policy.
    """
    header, about = resource.header, (tell.by, tell.meta)
    match intent:
        case Configure(policy):
            check_policy(policy)
            policy = replace(policy, order=complete(policy.order))
            if policy == header.policy:
                return []
            return [Configured(replace(header, policy=policy), *about)]
        case StartResource(paused):
            if header.running_since is not None:
                raise Conflict("already_running", "the dispatcher is running already")
            started = replace(header, running_since=tell.now, changed_at=tell.now)
            if header.paused or not paused:
                return [ResourceStarted(started, *about)]
            withdrawn = start_withdrawn(resource, tell, PAUSED)
            return [*withdrawn, ResourceStarted(started, *about), tell.paused(started, "")]
        case StopResource():
            if header.running_since is None:
                raise Conflict("not_running", "the dispatcher is not running")
            withdrawn = start_withdrawn(resource, tell, "the dispatcher was stopped")
            stopped = replace(header, running_since=None, changed_at=tell.now)
            return [*withdrawn, ResourceStopped(stopped, *about)]
        case PauseResource(why):
            check_text("why", why)
            if header.paused:
                raise Conflict("already_paused", "the dispatcher is paused already")
            withdrawn = start_withdrawn(resource, tell, PAUSED)
            return [*withdrawn, tell.paused(header, why)]
        case ResumeResource():
            if not header.paused:
                raise Conflict("not_paused", "the dispatcher is not paused")
            resumed = replace(header, paused=False, why="", changed_at=tell.now)
            return [ResourceResumed(resumed, *about)]
