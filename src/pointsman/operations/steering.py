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
from pointsman.operations.policy import Policy
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
            return _configured(resource, tell, policy)
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


def _configured(resource: Resource, tell: Teller, policy: Policy) -> Sequence[Fact]:
    """It is run as its owner says, who hears from now on what its executor says."""
    check_policy(policy)
    policy, goes_on = replace(policy, order=complete(policy.order)), resource.active is not None
    if policy == resource.header.policy and not goes_on:
        return []
    begun_at = tell.now if goes_on else resource.header.begun_at
    header = replace(resource.header, policy=policy, begun_at=begun_at)
    return [Configured(header, tell.by, tell.meta)]
