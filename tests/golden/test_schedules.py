"""What earlier releases journaled of plans and commands reads today as it did then."""

from typing import get_args

from pointsman.runtime.codec import Codec
from pointsman.schedules import SCHEDULES
from pointsman.schedules.facts import Fact
from pointsman.schedules.lifecycle import due
from pointsman.schedules.model import Channel, CommandStatus, CommandType
from tests.golden.replay import read, replay
from tests.unit.schedules.given import at

GOLDEN = "schedules-0.1.jsonl"


def test_the_site_of_the_first_release_is_as_it_was() -> None:
    site = replay(GOLDEN, [SCHEDULES])["schedules/caltech/engine"]
    assert site.run is not None
    assert (site.run.number, site.run.speed, site.run.pid) == (1, 960.0, 42)
    assert site.newest is not None
    assert (site.newest.id, site.newest.assets) == ("noon", ("bay-1",))
    assert {id: (p.ended, p.expired) for id, p in site.plans.items()} == {
        "morning": (True, True),
        "one": (True, False),
        "two": (True, True),
        "noon": (True, True),
    }
    ends = {id: c.progress.status for id, c in site.commands.items() if not c.plan_id}
    assert ends == {
        "cmd_start": CommandStatus.COMPLETED,
        "cmd_new": CommandStatus.COMPLETED,
        "cmd_cancelled": CommandStatus.CANCELLED,
        "cmd_refused": CommandStatus.REJECTED,
        "cmd_silent": CommandStatus.COMPLETED,
        "cmd_failed": CommandStatus.FAILED,
    }
    assert site.commands["cmd_start"].type is CommandType.START_CHARGING
    assert site.commands["cmd_cancelled"].parameters == {"note": "by hand"}
    assert site.measured["bay-1"].charged_kwh == 2.5
    assert site.states["bay-1"].reason == "EVDisconnected"
    last = site.desks["bay-1"].lanes[Channel.POWER].last
    assert last is not None
    assert (last.release, last.progress.answered_at) == (True, at(14, 30))
    assert due(site) is None, "nothing is left to do"


def test_every_line_of_it_is_a_fact_and_every_fact_has_a_line() -> None:
    codec = Codec([SCHEDULES])
    records = read(GOLDEN)
    met = {type(codec.decode(key, data).fact).__name__ for key, data in records if data}
    assert met == {fact.__name__ for fact in get_args(Fact)} - {"Forgotten"}
    assert any(not data for _, data in records), "and something was forgotten"
