"""The page of events, over real sockets: what it serves, to whom, and that nothing in it acts."""

import http.client
import json
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from pointsman.operation_dispatcher import (
    BrowserEventVisualizer,
    DispatchEvent,
    EventType,
    OperationDispatcher,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, op

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\n\ndata: forged"


def evil(number: int = 0) -> DispatchEvent:
    return DispatchEvent(
        resource_id=EVIL,
        event_type=EventType.OPERATION_ADDED,
        meta_data={EVIL: EVIL, "number": number},
    )


@pytest.fixture
def page() -> Iterator[BrowserEventVisualizer]:
    with BrowserEventVisualizer(port=0, max_events=5) as visualizer:
        yield visualizer


def connect(page: BrowserEventVisualizer) -> http.client.HTTPConnection:
    port = int(page.url.rstrip("/").rpartition(":")[2])
    return http.client.HTTPConnection("127.0.0.1", port, timeout=5)


def get(
    page: BrowserEventVisualizer, path: str, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = connect(page)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def frames(page: BrowserEventVisualizer, count: int, **headers: str) -> list[tuple[int, str]]:
    """The first frames of a stream with data: number and data."""
    connection = connect(page)
    connection.request("GET", "/events", headers=headers)
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "text/event-stream"
    found: list[tuple[int, str]] = []
    lines: list[str] = []
    while len(found) < count:
        line = response.readline().decode().rstrip("\n")
        if line:
            lines.append(line)
        elif fields := dict(one.split(": ", 1) for one in lines if not one.startswith(":")):
            if "data" in fields:
                found.append((int(fields["id"]), fields["data"]))
            lines = []
    connection.close()
    return found


def test_events_are_streamed_in_frames_that_a_browser_understands(
    page: BrowserEventVisualizer,
) -> None:
    page.on_request(evil(1))
    page.on_notification(evil(2))
    page.publish(evil(3))
    told = [(number, json.loads(data)) for number, data in frames(page, 3)]
    assert [(n, one["source"]) for n, one in told] == [
        (1, "request"),
        (2, "notification"),
        (3, "custom"),
    ]
    assert told[0][1]["event"]["meta_data"] == {EVIL: EVIL, "number": 1}


def test_who_lost_the_connection_goes_on_after_what_they_saw(page: BrowserEventVisualizer) -> None:
    for number in range(1, 5):
        page.publish(evil(number))
    assert [number for number, _ in frames(page, 2, **{"Last-Event-ID": "2"})] == [3, 4]
    for odd in ("no number", "9999", "-1", "9" * 400):
        assert [number for number, _ in frames(page, 4, **{"Last-Event-ID": odd})] == [1, 2, 3, 4]


def test_only_so_many_events_are_remembered(page: BrowserEventVisualizer) -> None:
    for number in range(20):
        page.publish(evil(number))
    status, headers, body = get(page, "/history")
    assert (status, headers["content-type"]) == (200, "application/json")
    numbers = [one["event"]["meta_data"]["number"] for one in json.loads(body)["events"]]
    assert numbers == [15, 16, 17, 18, 19]


def test_nothing_that_an_event_says_becomes_a_part_of_the_page(
    page: BrowserEventVisualizer,
) -> None:
    page.publish(evil())
    served = {path: get(page, path) for path in ("/", "/script.js", "/style.css", "/history")}
    for status, headers, body in served.values():
        assert status == 200
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert b"alert(1)" not in body or headers["content-type"] == "application/json"
    script = served["/script.js"][2].decode()
    assert "textContent" in script
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function", script
    )
    assert not re.search(r"<script(?! src=)|\son\w+=|style=", served["/"][2].decode())


def test_the_page_is_bounded_too() -> None:
    script = files("pointsman.library.operation_dispatcher").joinpath("page", "script.js")
    assert "while (list.childElementCount > shown)" in script.read_text()


def test_it_is_for_this_computer_only(page: BrowserEventVisualizer) -> None:
    assert page.url.startswith("http://127.0.0.1:")
    assert get(page, "/history", Host="evil.example")[0] == 403
    assert get(page, "/history", Host="localhost:1")[0] == 200
    assert get(page, "/nothing")[0] == 404
    assert get(page, "/../secret")[0] == 404


def test_each_event_comes_with_its_operation() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        page = BrowserEventVisualizer(port=0, operation_dispatcher=dispatcher)
        lift = dispatcher.add(op(payload={"to": EVIL}))
        page.on_notification(dispatcher.get_events()[0])
        [told] = json.loads(page.history())["events"]
    assert told["operation"]["id"] == str(lift.id)
    assert told["operation"]["payload"] == {"to": EVIL}


def test_it_ends_when_it_is_stopped_even_with_browsers_there() -> None:
    page = BrowserEventVisualizer(port=0)
    with pytest.raises(RuntimeError, match="not started"):
        _ = page.url
    assert page.start() == page.start()
    connection = connect(page)
    connection.request("GET", "/events")
    response = connection.getresponse()
    page.stop()
    page.stop()
    assert response.read() in (b"retry: 1000\n\n", b"retry: 1000\n\n:\n\n")
    connection.close()
    with pytest.raises(ValueError, match="one of request, notification, custom would work"):
        page.publish(evil(), "rumour")
    with pytest.raises(ValueError, match="max_events must be greater than 0"):
        BrowserEventVisualizer(max_events=0)
