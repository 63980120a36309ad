"""`pointsman operation` and `pointsman resource`, each called beside a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pyarrow import parquet

from pointsman.cli.errors import run
from pointsman.config import Key, Role
from pointsman.operations.policy import Policy
from tests.protocols.rest_bench import ASKING, AT_ONCE, Serving, server, stranger
from tests.unit.cli.given import Ended

Shell: TypeAlias = Callable[..., Coroutine[Any, Any, Ended]]
OBSERVER = Key("guest", "k-observer-0123456789", Role.OBSERVER, None)
NOBODY = "00000000-0000-4000-8000-000000000000"
HOMES = {"robot-1": "hall", "robot-2": "hall"}


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("POINTSMAN_KEY", raising=False)

    async def call(*words: str) -> Ended:
        capsys.readouterr()
        status = await asyncio.to_thread(run, words)
        return Ended(status, *capsys.readouterr())

    return call


@asynccontextmanager
async def beside(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: Policy = ASKING,
    keys: tuple[Key, ...] = (),
) -> AsyncIterator[None]:
    async with server(Serving(folder, policy=policy, resources=HOMES, keys=keys)) as one:
        monkeypatch.setenv("POINTSMAN_URL", one.url)
        yield


async def good(shell: Shell, *words: str) -> str:
    ended = await shell(*words)
    assert (ended.status, ended.error) == (0, ""), ended
    return ended.out


async def told(shell: Shell, *words: str) -> Any:  # noqa: ANN401  JSON.
    return json.loads(await good(shell, *words, "--json"))


async def bad(shell: Shell, *words: str, status: int = 1) -> str:
    """The one line that it says."""
    ended = await shell(*words)
    assert (ended.status, ended.out) == (status, ""), ended
    [line] = ended.error.splitlines()
    return line.removeprefix("pointsman: ")


async def added(shell: Shell, *words: str) -> str:
    found = await told(shell, "operation", "add", '{"task": "weld"}', *words)
    return str(found["operation"]["id"])


async def test_an_operation_is_added_approved_and_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        id = await added(shell, "--priority", "5", "--planned", "5m", "--job", "shift-1")
        assert "asked whether it may start" in await good(shell, "operation", "why", id)
        assert id in await good(shell, "operation", "requests")
        await good(shell, "operation", "approve", id, "--why", "the cell is clear")
        assert f"{id}: it is RUNNING" in await good(shell, "operation", "why", id)
        done = await told(shell, "operation", "complete", id, "--result", '{"welds": 3}')
        assert (done["operation"]["outcome"], done["result"]) == ("SUCCESS", {"welds": 3})
        shown = await good(shell, "operation", "show", id, "--timezone", "Europe/Berlin")
        assert {"COMPLETED", "5m", "shift-1"} <= set(shown.split())


async def test_what_is_said_of_an_operation_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        first = await added(shell)
        found = await told(
            shell, "operation", "add", '{"a": 1}', "--release", "2030-01-01T08:00",
            "--due", "2030-01-01T09:00Z", "--planned", "1h30m", "--after", first,
            "--priority", "-3", "--timezone", "Europe/Berlin", "--once", "order-7",
        )  # fmt: skip
        work = found["operation"]
        assert work["payload"] == {"a": 1}
        assert work["release_date"] == "2030-01-01T07:00:00Z"
        assert (work["planned_duration"], work["priority"]) == (5_400_000, -3)
        assert [one["depends_on_operation_id"] for one in work["dependencies"]] == [first]
        id = work["id"]
        changed = await told(
            shell, "operation", "update", id, "--due", "none", "--priority", "4", "--after", "none",
            "--payload", '{"b": 2}',
        )  # fmt: skip
        work = changed["operation"]
        assert (work["due_date"], work["priority"], work["dependencies"]) == (None, 4, [])
        assert work["payload"] == {"b": 2}


async def test_adding_again_with_the_same_key_is_adding_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        ids = [await added(shell, "--once", "order-7") for _ in range(2)]
        assert ids[0] == ids[1]
        assert "1 operation\n" in await good(shell, "operation", "list")


async def test_operations_of_all_resources_are_listed_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch, policy=AT_ONCE):
        one = await added(shell)
        other = await added(shell, "--resource", "robot-2")
        listed = await told(shell, "operation", "list")
        found = [o["operation"] for o in listed["operations"]]
        assert [(o["id"], o["resource_id"]) for o in found] == [
            (one, "robot-1"),
            (other, "robot-2"),
        ]
        shown = await told(shell, "operation", "show", other)
        assert shown["operation"]["resource_id"] == "robot-2"
        await good(shell, "operation", "fail", other, "--reason", "jammed", "--code", "E7")
        failed = await told(shell, "operation", "list", "--state", "failed")
        assert [o["operation"]["id"] for o in failed["operations"]] == [other]
        detail = await told(shell, "operation", "show", other)
        assert (detail["error"], detail["error_code"]) == ("jammed", "E7")


async def test_lists_go_on_over_pages_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        monkeypatch.setattr("pointsman.cli.rest_client.PAGE", 2)
        ids = [await added(shell) for _ in range(5)]
        for limit, expected in ((3, ids[:3]), (9, ids)):
            listed = await told(shell, "operation", "list", "--limit", str(limit))
            assert [o["operation"]["id"] for o in listed["operations"]] == expected


async def test_verbs_take_several_and_one_that_is_refused_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch, policy=AT_ONCE):
        running, waiting = await added(shell), await added(shell)
        await good(shell, "operation", "hold", waiting)
        assert "it is held" in await good(shell, "operation", "why", waiting)
        await good(shell, "operation", "release", waiting)
        assert "is PAUSED" in await good(shell, "operation", "pause", running)
        assert "is RUNNING" in await good(shell, "operation", "resume", running)
        ended = await shell("operation", "cancel", running, NOBODY, waiting, "--why", "fire")
        assert ended.status == 1
        assert ended.out.count("CANCELLED") == 2
        assert ended.error == f"pointsman: {NOBODY}: there is no operation {NOBODY}\n"


async def test_where_leave_is_needed_a_verb_says_who_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        id = await added(shell)
        await good(shell, "operation", "deny", id, "--why", "not now")
        out = await good(shell, "operation", "cancel", id)
        assert "somebody is asked whether to cancel it" in out
        request = out.split()[-1]
        await good(shell, "operation", "approve", request)
        assert "CANCELLED" in await good(shell, "operation", "show", id)
        words = await bad(shell, "operation", "approve", id)
        assert words == f"nothing is asked about operation {id}: there is no request"


async def test_resources_are_listed_and_steered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch):
        out = await good(shell, "resource", "pause", "robot-2", "--why", "service")
        assert out == "robot-2 is paused, with 0 queued\n"
        found = await told(shell, "resource", "list")
        states = {one["resource_id"]: one["is_paused"] for one in found["resources"]}
        assert states == {"robot-1": False, "robot-2": True}
        assert "paused" in await good(shell, "resource", "list")
        assert "running" in await good(shell, "resource", "resume", "robot-2")
        assert "stopped" in await good(shell, "resource", "stop", "robot-2")
        assert "running" in await good(shell, "resource", "start", "robot-2")
        assert "robot-9" in await bad(shell, "resource", "pause", "robot-9")
        for odd in ("..", ".", "../..", "a/b"):  # And none of them is the first resource.
            assert repr(odd) in await bad(shell, "resource", "pause", odd)
            assert repr(odd) in await bad(shell, "operation", "add", "{}", "--resource", odd)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("operation", "add", "[1]"), "PAYLOAD: a JSON object such as"),
        (("operation", "add", "{"), "PAYLOAD: '{' is no JSON"),
        (("operation", "add", "{}", "--planned", "forever"), "--planned: 'forever' is no length"),
        (("operation", "add", "{}", "--due", "soon"), "--due"),
        (("operation", "list", "--state", "quued"), "did you mean 'queued'?"),
        (("operation", "update", "x"), "nothing is to be changed"),
        (("operation", "complete", "x", "--result", "{"), "--result: '{' is no JSON"),
    ],
)
async def test_words_that_mean_nothing_are_told_before_a_server_is_asked(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    monkeypatch.setenv("POINTSMAN_URL", "http://127.0.0.1:1")
    assert said in await bad(shell, *words, status=2)


@pytest.mark.parametrize("url", ["grpc://127.0.0.1:50051", "nonsense", "http://"])
async def test_a_url_that_is_none_is_told_with_one_that_would_be(url: str, shell: Shell) -> None:
    assert "http://127.0.0.1:8080" in await bad(shell, "resource", "list", "--url", url)


@pytest.mark.parametrize("words", [["list"], ["show", "lift"], ["add", "{}"]])
@pytest.mark.parametrize("told", [b"<html>", b"[]", b'{"detail": []}', b"null"])
async def test_another_program_at_that_address_is_told_in_a_line(
    words: list[str], told: bytes, shell: Shell
) -> None:
    async with stranger(told) as url:
        said = await bad(shell, "operation", *words, "--url", url)
        assert said.endswith("200 OK; is that a server of pointsman?")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", '{"task": 1, "task": 2}'], "'task' is there twice"),
        (["add", '{"kg": 1e999}'], "1e999 is no number"),
        (["list", "--timeout", "inf"], "--timeout"),
    ],
)
async def test_words_that_mean_nothing_are_told_before_anybody_is_asked(
    words: list[str], said: str, shell: Shell
) -> None:
    assert said in await bad(shell, "operation", *words, status=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--key", "schlüssel"], "--key: letters"),
        (["list", "--key", "two\nlines"], "--key: letters"),
        (["add", "{}", "--once", "schlüssel"], "--once: letters"),
        (["add", "{}", "--once", "order-1 "], "--once: letters"),
        (["add", '{"half": "\\ud800"}'], "half a character"),
        (["show", "\udcff"], "half a character"),
        (["add", "{}", "--why", "\udcff"], "Connection refused"),
        (["add", "{}", "--why", " shift 1 "], "Connection refused"),
    ],
)
async def test_what_no_request_can_say_is_told_in_a_line(
    words: list[str], said: str, shell: Shell
) -> None:
    told = await bad(shell, "operation", *words, "--url", "http://127.0.0.1:1")
    assert said in told
    assert "schlüssel" not in told


async def test_a_server_that_is_away_is_one_line(shell: Shell) -> None:
    words = await bad(shell, "operation", "list", "--url", "http://127.0.0.1:1")
    assert words.startswith("no answer from http://127.0.0.1:1")


async def test_a_key_that_may_not_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch, keys=(OBSERVER,)):
        assert "key" in await bad(shell, "resource", "list")
        key = ("--key", OBSERVER.key)
        assert "robot-1" in await good(shell, "resource", "list", *key)
        assert "observer" in await bad(shell, "operation", "add", "{}", *key)


async def test_who_changed_something_and_why_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with server(Serving(tmp_path, policy=AT_ONCE)) as one:
        monkeypatch.setenv("POINTSMAN_URL", one.url)
        id = await added(shell, "--why", "Frühschicht")
        operation = await one.operations.get("robot-1", id)
        events = one.operations.subscribe("robot-1", 0)
        with events:
            async with asyncio.timeout(5):
                event = await anext(e async for e in events if e.operation_id == operation.id)
        assert (event.by, event.meta["why"]) == ("cli", "Frühschicht")


async def test_what_rests_until_it_is_tried_again_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    policy = Policy(ask=False, retries=1, backoff=timedelta(minutes=1))
    async with beside(tmp_path, monkeypatch, policy=policy):
        id = await added(shell)
        await good(shell, "operation", "fail", id, "--reason", "jammed")
        await asyncio.sleep(0.3)
        await good(shell, "operation", "cancel", id)
        (row,) = (await told(shell, "history"))["operations"]
        assert row["running_seconds"] <= row["cycle_seconds"] - 0.3


async def test_a_history_is_figures_a_table_and_a_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    monkeypatch.setattr("pointsman.cli.history.PAGE", 3)
    async with beside(tmp_path, monkeypatch, policy=AT_ONCE):
        done, failed = await added(shell, "--planned", "5m"), await added(shell)
        await good(shell, "operation", "complete", done)
        await good(shell, "operation", "fail", failed, "--reason", "jammed")
        found = await told(shell, "history")
        report = found["report"]
        assert (report["completed"], report["failed"], report["cancelled"]) == (1, 1, 0)
        assert report["failures_by_cause"] == {"EXTERNAL_ERROR": 1}
        rows = {row["operation_id"]: row for row in found["operations"]}
        assert rows[done]["planned_seconds"] == 300
        assert (rows[done]["error"], rows[failed]["error"]) == ("", "jammed")
        chart, table = tmp_path / "chart.html", tmp_path / "figures.csv"
        out = await good(shell, "history", "--gantt", str(chart), "--out", str(table))
        assert "1 completed, 1 failed, 0 cancelled" in out
        assert "e+" not in out  # As in 1.55e+03 an hour.
        assert {line.split(",")[0] for line in table.read_text().splitlines()[1:]} == {done, failed}
        assert done in chart.read_text()
        await good(shell, "history", "--out", str(tmp_path / "figures.parquet"))
        assert set(parquet.read_table(tmp_path / "figures.parquet")["state"].to_pylist()) == {
            "COMPLETED",
            "FAILED",
        }
        later = await told(shell, "history", "--from", "+1h")
        assert later["report"]["operations"] == 0
        assert "no .csv, .json or .parquet" in await bad(
            shell, "history", "--out", "figures.xls", status=2
        )


async def test_a_rest_between_two_tries_is_no_time_that_an_operation_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    rest = timedelta(seconds=0.5)
    policy = Policy(ask=False, retries=1, backoff=rest)
    async with beside(tmp_path, monkeypatch, policy=policy):
        id = await added(shell)
        await good(shell, "operation", "fail", id, "--reason", "jammed")
        for _ in range(500):
            if id in await good(shell, "operation", "list", "--state", "RUNNING"):
                break
            await asyncio.sleep(0.02)
        await good(shell, "operation", "complete", id)
        [row] = (await told(shell, "history"))["operations"]
        assert (row["attempts"], row["state"], row["error"]) == (2, "COMPLETED", "")
        assert row["running_seconds"] <= row["cycle_seconds"] - rest.total_seconds()


async def test_a_history_tells_of_what_goes_on_without_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    async with beside(tmp_path, monkeypatch, policy=AT_ONCE):
        id = await added(shell)
        queued = await added(shell)
        await good(shell, "operation", "cancel", queued)
        await asyncio.sleep(0.1)
        for window in ((), ("--to", "+1d")):
            [row, _] = (await told(shell, "history", *window))["operations"]
            assert (row["state"], row["ended_at"]) == ("RUNNING", None)
            assert 0.1 < row["running_seconds"] < 60
        quiet = await told(shell, "history", "--from", "now")
        assert [row["operation_id"] for row in quiet["operations"]] == [id]
        assert quiet["report"]["utilisation_percentage"] == pytest.approx(100)
        await good(shell, "operation", "complete", id)
        after = await told(shell, "history", "--from", "now")
        assert after["operations"] == []
