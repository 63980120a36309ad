"""Resources of the site file: what may be said of them, and the line that answers each mistake."""

from dataclasses import fields
from pathlib import Path

import pytest

from pointsman.config import Approval, Resource, SiteError, read_site
from pointsman.config.resources import (
    ORDER,
    RESOURCE,
    OrderDirection,
    OrderField,
    OrderRule,
)

GOOD = """\
[site]
id = "mill"

[[resource]]
id = "robot-1"

[[resource]]
id = "agv"
approve = "always"
answer_within_seconds = 5
retries = 3
backoff_seconds = 2
heartbeat_seconds = 0.5
timeout_factor = 1.5
pause_when_lost = false
order = [{ field = "priority", direction = "desc" }, { field = "created_at", none_last = false }]
device = { protocol = "vda5050", broker = "127.0.0.1:1883" }
"""


def read(folder: Path, text: str) -> dict[str, Resource]:
    path = folder / "site.toml"
    path.write_text(text)
    return dict(read_site(path).resources)


def test_a_site_may_have_resources_only_in_the_order_of_the_file(tmp_path: Path) -> None:
    resources = read(tmp_path, GOOD)
    assert list(resources) == ["robot-1", "agv"]
    assert resources["robot-1"] == Resource("robot-1")
    assert resources["robot-1"].approve is Approval.ASK
    assert resources["robot-1"].device == {"protocol": "external"}


def test_all_that_is_said_of_a_resource_is_kept(tmp_path: Path) -> None:
    agv = read(tmp_path, GOOD)["agv"]
    assert (agv.approve, agv.answer_within_seconds, agv.retries) == (Approval.ALWAYS, 5, 3)
    assert (agv.heartbeat_seconds, agv.timeout_factor, agv.pause_when_lost) == (0.5, 1.5, False)
    assert agv.order == (
        OrderRule(OrderField.PRIORITY, OrderDirection.DESC),
        OrderRule(OrderField.CREATED_AT, none_last=False),
    )
    assert agv.device == {"protocol": "vda5050", "broker": "127.0.0.1:1883"}


def test_each_field_is_a_key_of_the_file() -> None:
    assert set(RESOURCE) == {field.name for field in fields(Resource)}
    assert set(ORDER) == {field.name for field in fields(OrderRule)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("retries = 3", "retrys = 3", "line 11, [[resource]] 'agv': unknown key 'retrys'; did you"),
        ("retries = 3", "retries = -1", "line 11, [[resource]] 'agv': retries must be a whole"),
        ("retries = 3", "retries = true", "line 11, [[resource]] 'agv': retries must be a whole"),
        ("= 5", "= 0", "line 10, [[resource]] 'agv': answer_within_seconds must be a number above"),
        ("= 5", "= nan", "line 10, [[resource]] 'agv': answer_within_seconds must be a number"),
        ("= 1.5", "= 0.9", "line 14, [[resource]] 'agv': timeout_factor must be a number of 1 or"),
        ("= false", '= "no"', "line 15, [[resource]] 'agv': pause_when_lost must be true or false"),
        (
            "backoff_seconds = 2",
            "backoff_seconds = 301",
            "line 12, [[resource]] 'agv': backoff_seconds = 301 is above backoff_most_seconds",
        ),
        ('"priority"', '"prio"', "line 16, [[resource]] 'agv': order has a rule whose field is"),
        ("field = ", "feld = ", "line 16, [[resource]] 'agv': order has a rule {'feld': 'prior"),
        ('"created_at"', '"priority"', "line 16, [[resource]] 'agv': order has two rules of one"),
        ('[{ field = "priority", direction = "desc" }, {', "[1, {", "line 16, [[resource]] 'agv'"),
        ('protocol = "vda5050"', "port = 1", "line 17, [[resource]] 'agv': device must name its"),
        ('"agv"', '"robot-1"', "line 8, [[resource]] 'robot-1': id 'robot-1' is taken by the one"),
        ('"agv"', '".."', "line 8, [[resource]] '..': id must be a name, not '..', which in a URL"),
        ('id = "agv"', "", "line 7, [[resource]] number 2: id is missing"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(SiteError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    line = str(caught.value).removeprefix(f"{tmp_path / 'site.toml'}, ")
    assert line.startswith(said)
    assert "\n" not in line
