"""What a device will do when it can."""

from typing import Any

import pytest

from pointsman.core.entity import Rejected
from pointsman.schedules.facts import (
    Completed,
    Dispatched,
    Expired,
    Requeued,
    Superseded,
)
from pointsman.schedules.intents import (
    Acknowledge,
    Dispatch,
    Open,
    Submit,
)
from pointsman.schedules.lifecycle import decide, due
from pointsman.schedules.model import (
    Command,
    CommandType,
    Run,
)
from pointsman.schedules.site import Site
from tests.unit.schedules.given import (
    ask,
    at,
    hand_made,
    kinds,
    only,
    sent,
    simple,
    wake,
    yes,
)


def test_a_device_that_will_act_when_it_can_is_waited_for() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(type=CommandType.CHANGE_AVAILABILITY, power_kw=None)), at(8))
    command = sent(site, at(8))
    ask(site, Acknowledge(command.id, 1, patient=True), at(8))
    assert wake(site, at(10, 59)) == []
    assert kinds(ask(site, yes(command), at(11))) == [Completed]


AVAILABILITY: dict[str, Any] = {"type": CommandType.CHANGE_AVAILABILITY, "power_kw": None}


def promised(site: Site) -> Command:
    """A change of availability that its charger will carry out when the car has left."""
    ask(site, Submit(hand_made("cmd_later", **AVAILABILITY)), at(7))
    command = sent(site, at(8))
    return only(ask(site, Acknowledge(command.id, 1, patient=True), at(8)))


def test_what_a_device_will_do_when_it_can_keeps_nothing_else_waiting() -> None:
    site = simple({1: 22.0, 3: 0.0})
    promise = promised(site)
    row = sent(site, at(9))
    assert row.power_kw == 22.0, "else a car would charge unplanned for hours"
    ask(site, yes(row), at(9))
    assert kinds(ask(site, yes(promise), at(10))) == [Completed]


def test_a_newer_command_replaces_what_a_device_will_do_when_it_can() -> None:
    site = simple({3: 1.0})
    promise = promised(site)
    ask(site, Submit(hand_made("cmd_undo", scheduled_at=at(8, 10), **AVAILABILITY)), at(8))
    facts = wake(site, at(8, 10))
    assert kinds(facts) == [Dispatched, Superseded]
    assert site.commands[promise.id].progress.superseded_by == "cmd_undo"
    with pytest.raises(Rejected, match="is SUPERSEDED"):
        decide(site, yes(promise), at(8, 11))


def test_a_newer_command_that_is_handed_out_does_so_too() -> None:
    site = simple({3: 1.0})
    promised(site)
    facts = ask(
        site, Dispatch(hand_made("cmd_undo", scheduled_at=at(8, 10), **AVAILABILITY)), at(9)
    )
    assert kinds(facts) == [Dispatched, Superseded]


def test_what_a_device_will_do_when_it_can_ends_with_its_time() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made("cmd_later", expires_at=at(9), **AVAILABILITY)), at(7))
    ask(site, Acknowledge(sent(site, at(8)).id, 1, patient=True), at(8))
    assert wake(site, at(8, 59, 59)) == []
    assert kinds(wake(site, at(9))) == [Requeued, Expired]


def test_a_promise_to_an_earlier_run_is_in_doubt() -> None:
    site = simple({3: 1.0})
    promise = promised(site)
    ask(site, Open(Run(1, 1.0, dry_run=False, started_at=at(8))), at(8, 1))
    [again, once_more] = wake(site, at(8, 1))
    assert isinstance(again, Requeued)
    assert isinstance(once_more, Dispatched)
    assert (once_more.command.id, once_more.command.progress.doubtful) == (promise.id, True)
    assert due(site) == at(8, 1, 30), "and it is not patient before it is promised again"
