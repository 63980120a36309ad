"""The commands of dispatches against a real server: each command, each flag, each failure."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.protocols.dispatch_shell import Beside, Shell, beside

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    with beside(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def shell(
    server: Beside, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"POINTSMAN_{name}", raising=False)
    monkeypatch.setenv("POINTSMAN_GRPC_URL", server.url)
    return Shell(capsys)


def made(shell: Shell, *words: str) -> dict[str, Any]:
    """What `create` says of what it created."""
    found: dict[str, Any] = json.loads(shell.did("create", *words, "--json"))
    return found


def changed(shell: Shell, microgrid: str, id: int, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.did("update", microgrid, str(id), *words, "--json"))
    return found


def ids(shell: Shell, *words: str) -> list[int]:
    return [one["id"] for one in json.loads(shell.did("list", *words, "--json"))["dispatches"]]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_what_is_created_is_as_it_was_written(shell: Shell) -> None:
    whole = made(
        shell, "1", "charge", "battery:li_ion,meter", "2099-01-05T08:00", "1h30m",
        "--inactive", "--dry-run", "--payload", '{"power_kw": 5, "deep": [1.5, null]}',
        "--every", "2 weeks", "--count", "3", "--by-day", "mon-tue,Fri", "--by-hour", "8,9",
        "--by-minute", "0..1", "--by-month", "jan-mar", "--timezone", "Europe/Berlin",
    )  # fmt: skip
    assert whole["start_time"] == "2099-01-05T07:00:00Z"
    assert (whole["duration_seconds"], whole["active"], whole["dry_run"]) == (5400, False, True)
    assert whole["target"]["categories"] == [
        {"category": "BATTERY", "type": "LI_ION"},
        {"category": "METER", "type": None},
    ]
    assert whole["payload"] == {
        "power_kw": 5,
        "deep": [1.5, None],
        "recurrence_timezone": "Europe/Berlin",
    }
    assert whole["recurrence"] == {
        "frequency": "WEEKLY", "interval": 2, "count": 3, "until": None, "minutes": [0, 1],
        "hours": [8, 9], "weekdays": ["monday", "tuesday", "friday"], "month_days": [],
        "months": [1, 2, 3],
    }  # fmt: skip
    shown = shell.did("get", "MID1", f"DID{whole['id']}", "--timezone", "Europe/Berlin")
    assert "start     2099-01-05 08:00:00+01:00\n" in shown
    assert "duration  1h30m\n  target    battery:li_ion,meter\n" in shown
    assert "every 2 weeks on mon, tue, fri in jan, feb, mar at hour 8, 9 at minute 0, 1" in shown
    assert "3 times, in Europe/Berlin" in shown
    assert "inactive, dry run" in shown


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("300", 300), ("5 minutes", 300), ("PT5M", 300), ("0", 0), ("forever", None)],
)
def test_a_duration_is_as_long_as_it_says(shell: Shell, duration: str, seconds: int | None) -> None:
    assert made(shell, "2", "t", "1", "+1h", duration)["duration_seconds"] == seconds


def test_what_starts_now_runs_at_once(shell: Shell) -> None:
    now = datetime.now(UTC)  # noqa: TID251
    created = made(shell, "3", "run", "1,2", "now", "1h")
    assert abs(instant(created["start_time"]) - now) < timedelta(seconds=5)
    assert created["target"] == {"ids": [1, 2]}
    made(shell, "3", "later", "1", "+1 day", "1h")
    made(shell, "3", "off", "1", "now", "1h", "--inactive")
    time.sleep(max(0.0, (instant(created["start_time"]) - now).total_seconds()))  # It is rounded.
    assert ids(shell, "3", "--running") == [created["id"]]
    assert "running" in shell.did("list", "3")


@pytest.mark.parametrize(
    ("category", "number"),
    [("chp", "CHP"), ("ELECTROLYZER", "ELECTROLYZER"), ("crypto-miner", "CRYPTO_MINER"),
     ("hvac", "HVAC"), ("precharger", "PRECHARGER"), ("steam_boiler", "STEAM_BOILER")],
)  # fmt: skip
def test_a_category_is_the_one_that_it_names(shell: Shell, category: str, number: str) -> None:
    target = made(shell, "2", "t", category, "+1h")["target"]
    assert target["categories"] == [{"category": number, "type": None}]


def test_each_filter_lets_through_what_it_says(shell: Shell) -> None:
    later, soon = "2098-06-01T00:00Z", "2098-01-01T00:00Z"
    a = made(shell, "4", "alpha", "1,2", soon, "1h")["id"]
    b = made(shell, "4", "beta", "battery:li_ion", later, "1h", "--inactive")["id"]
    c = made(shell, "4", "alphabet", "2,3", soon, "forever", "--dry-run", "--every", "day")["id"]
    asked: list[tuple[list[int], str]] = [
        ([c, b, a], ""),
        ([c, a], "--target 2"),
        ([b, a], "--target 1 --target battery"),
        ([b], "--start-from 2098-02-01T00:00Z"),
        ([c, a], "--start-to 2098-02-01T00:00Z"),
        ([c, b], "--end-from 2098-02-01T00:00Z"),
        ([a], "--end-to 2098-02-01T00:00Z"),
        ([c, b, a], "--updated-from -1h"),
        ([], "--updated-to -1h"),
        ([], "--updated-from +1h"),
        ([c, a], "--active"),
        ([b], "--inactive"),
        ([c], "--dry-run"),
        ([b, a], "--no-dry-run"),
        ([c], "--recurring"),
        ([b, a], "--one-shot"),
        ([b, a], f"--id {a},{b}"),
        ([c, a], "--query alpha"),
        ([b, a], f"--query beta --query #{a}"),
        ([a], "--type alpha"),
        ([a], "--type alpha --query alpha --query beta"),
        ([], "--running"),
        ([a, b, c], "--sort created"),
        ([a, c, b], "--sort start --ascending"),
        ([b, c, a], "--sort start --descending"),
        ([a, b, c], "--ascending"),
        ([c, b], "--limit 2"),
        ([c, b, a], "--page-size 1"),
        ([a], "--type alpha --limit 1 --page-size 1"),
    ]
    assert [(ids(shell, "4", *flags.split()), flags) for _, flags in asked] == asked
    changed(shell, "4", a, "--deactivate")
    assert ids(shell, "4", "--sort", "updated", "--descending")[0] == a
    lines = shell.did("list", "4").splitlines()
    assert lines[-1] == "3 dispatches"
    assert sum("alpha" in line for line in lines) == 2


def test_each_field_can_be_changed_and_cleared(shell: Shell) -> None:
    id = made(shell, "5", "t", "1", "2099-01-01T08:00Z", "1h", "--payload", '{"a": 1}')["id"]

    def change(*words: str) -> dict[str, Any]:
        return changed(shell, "5", id, *words)

    assert change("--start", "2099-01-02T08:00+01:00")["start_time"] == "2099-01-02T07:00:00Z"
    assert change("--duration", "2h")["duration_seconds"] == 7200
    assert change("--no-duration")["duration_seconds"] is None
    assert change("--target", "inverter:pv")["target"]["categories"][0]["type"] == "PV"
    assert change("--deactivate")["active"] is False
    assert change("--activate")["active"] is True
    assert change("--payload", '{"b": {}}')["payload"] == {"b": {}}
    assert change("--every", "day", "--by-hour", "7", "--count", "9")["recurrence"]["count"] == 9
    assert change("--until", "2100-01-01T00:00Z")["recurrence"]["until"] == "2100-01-01T00:00:00Z"
    rule = change("--until", "never", "--by-hour", "none", "--by-month-day", "-1")["recurrence"]
    assert (rule["until"], rule["count"], rule["hours"], rule["month_days"]) == (
        None, None, [], [-1],
    )  # fmt: skip
    anchored = change("--by-hour", "8", "--timezone", "Europe/Berlin")
    assert anchored["payload"] == {"b": {}, "recurrence_timezone": "Europe/Berlin"}
    assert change("--no-payload")["payload"] == {}
    assert change("--no-recurrence")["recurrence"] is None
    soon = instant(change("--start", "now")["start_time"]) - datetime.now(UTC)  # noqa: TID251
    assert timedelta(seconds=-1) < soon < timedelta(seconds=5)


def test_an_update_without_a_change_is_refused_before_anything_is_sent(shell: Shell) -> None:
    nowhere = ("--url", "grpc://127.0.0.1:1?ssl=false")
    for flags in ((), ("--timezone", "Europe/Berlin")):
        line = shell.refused("update", "5", "64", *flags, *nowhere, status=2)
        assert line.startswith("nothing is to change; give --start")


def test_deletions_say_which(shell: Shell) -> None:
    some = [made(shell, "6", "t", "1", "+1h")["id"] for _ in range(3)]
    first, second, third = map(str, some)
    missing = str(some[2] + 64)
    ended = shell("delete", "6", first, missing)
    assert (ended.status, ended.out) == (1, f"deleted: {first}\n")
    assert ended.error.startswith(f"pointsman: 1 of 2 could not be deleted: {missing}: ")
    told = shell.did("delete", "6", f"{second},DID{third}", "--json")
    assert json.loads(told) == {"deleted": some[1:], "failed": []}
    assert ids(shell, "6") == []
    line = shell.refused("delete", "6", first)
    assert line == f"microgrid 6 has no dispatch {first}"
    ended = shell("delete", "6", f"{first}..{int(first) + 2}")
    assert (ended.status, ended.out) == (1, "")
    assert "3 of 3 could not be deleted" in ended.error


def test_what_is_missing_does_not_hide_what_is_there(shell: Shell) -> None:
    id = made(shell, "8", "there", "1", "+1h")["id"]
    ended = shell("get", "8", str(id), "1", "--json")
    assert ended.status == 1
    told = json.loads(ended.out)
    assert [one["type"] for one in told["dispatches"]] == ["there"]
    assert told["failed"] == [{"id": 1, "error": "microgrid 8 has no dispatch 1"}]
    assert shell.refused("get", "8", "1") == "microgrid 8 has no dispatch 1"
    assert shell.refused("get", "9", str(id)) == f"microgrid 9 has no dispatch {id}"
    assert "ID" in shell.refused("get", "8", status=2)


def test_the_coming_runs_are_foretold(shell: Shell) -> None:
    id = str(
        made(
            shell, "10", "t", "1", "2099-03-28T08:00", "30m", "--every", "day",
            "--timezone", "Europe/Berlin",
        )["id"]
    )  # fmt: skip
    told = shell.did("next", "10", id, "--count", "2", "--timezone", "Europe/Berlin")
    assert told.splitlines() == [
        "2099-03-28 08:00:00+01:00 to 2099-03-28 08:30:00+01:00",
        "2099-03-29 08:00:00+02:00 to 2099-03-29 08:30:00+02:00",  # The clock was set forward.
    ]
    flags = ("--from", "2099-04-01T06:15Z", "--until", "2099-04-03T06:00Z", "--json")
    assert json.loads(shell.did("next", "10", id, *flags)) == {
        "dispatch": int(id),
        "running": {"start": "2099-04-01T06:00:00Z", "end": "2099-04-01T06:30:00Z"},
        "runs": [{"start": "2099-04-02T06:00:00Z", "end": "2099-04-02T06:30:00Z"}],
    }
    changed(shell, "10", int(id), "--deactivate")
    assert "as it is inactive" in shell.did("next", "10", id)
    endless = str(made(shell, "10", "t", "1", "2099-01-01T00:00Z")["id"])
    assert "without an end" in shell.did("next", "10", endless)
    assert "no run" in shell.did("next", "10", endless, "--until", "2098-01-01T00:00Z")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("create 7 t FUSE now", "FUSE is of an older list"),
        ("create 7 t batery now", "did you mean 'battery'?"),
        ("create 7 t 1 2099-01-01T08:00", "has no zone"),
        ("create 7 t 1 yesterday", "'yesterday' is no time"),
        ("create 7 t 1 now 5x", "'5x' is no duration; write 300 (seconds)"),
        ("create 7 t 1 now 1.5s", "not in whole seconds"),
        ("create 7 t 1 now --by-day mon", "add --every"),
        ("create 7 t 1 now --every blue", "is no period"),
        ("create 7 t 1 now --every day --count 1 --until now", "give one of them"),
        ("create 7 t 1 now --payload {", "is no JSON"),
        ("create 7 t 1 now --timezone Europe/Berln", "nearest: 'Europe/Berlin'"),
        ("create seven t 1 now", "MICROGRID: 'seven' is no id"),
        ("update 7 64 --duration 1h --no-duration", "contradict each other"),
        ("delete 7 3-1", "goes backwards"),
        ("list 7 --sort size", "none of start, created, updated"),
        ("list 7 --start-from 2099-01-01", "2099-01-01T00:00Z"),
        ("list 7 --nothing", "see pointsman --help"),
        ("next 7 64 --timeout 0", "--timeout"),
    ],
)
def test_words_that_mean_nothing_are_refused_in_a_line(shell: Shell, words: str, line: str) -> None:
    assert line in shell.refused(*words.split(), status=2)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("create 7 t 1 2001-01-01T00:00Z", "start_time 2001-01-01T00:00:00+00:00 has passed"),
        ("create 7 t 1 +1h --every week --by-month-day 1", "recurrence.bymonthdays is given with"),
        ("create 7 t 1 +1h --every year --by-month feb --by-month-day 30", "no occurrence"),
        ("update 7 64 --activate", "microgrid 7 has no dispatch 64"),
        ("next 7 18446744073709551615", "no dispatch 18446744073709551615"),
        ("create 7 t 1 +1h --payload @missing.json", "missing.json: no such file or directory"),
    ],
)
def test_what_the_server_refuses_is_told_in_its_words(shell: Shell, words: str, line: str) -> None:
    assert line in shell.refused(*words.split())


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "'' is no URL of a Dispatch API"),
        ("127.0.0.1:50051", "is no URL of a Dispatch API"),
        ("http://127.0.0.1:1", "write grpc://HOST:PORT"),
        ("grpc://127.0.0.1:1?ssl=maybe", "Invalid boolean value 'maybe'"),
        ("grpc://127.0.0.1:99999?ssl=false", "is no URL of a Dispatch API"),
        ("grpc://127.0.0.1:1/path?ssl=false", "Unexpected path"),
        ("grpc://127.0.0.1:1?ssl=false", "no server answers at grpc://127.0.0.1:1?ssl=false"),
    ],
)
def test_a_url_that_leads_nowhere_is_told(shell: Shell, url: str, line: str) -> None:
    told = shell.refused("list", "7", "--url", url)
    assert line in told
    assert "b''" not in told


def test_a_server_without_tls_says_how_to_reach_it(shell: Shell, server: Beside) -> None:
    told = shell.refused("list", "7", "--url", f"grpc://{server.host}")
    assert told == f"grpc://{server.host} does not speak TLS; end the URL with ?ssl=false"


def test_an_answer_is_not_waited_for_any_longer_than_asked(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"grpc://127.0.0.1:{silent.getsockname()[1]}?ssl=false"
        line = shell.refused("list", "7", "--timeout", "0.3", "--url", url)
    assert line == f"{url} has not answered within 0.3 seconds"
