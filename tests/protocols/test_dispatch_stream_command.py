"""`dispatch stream` as a process, keys and TLS: what takes a server, or a process, of its own."""

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pointsman.api.listening import Tls
from pointsman.config import Key
from pointsman.config.keys import Role
from tests.protocols.dispatch_shell import Shell, beside
from tests.protocols.test_dispatch_guard import Certificates
from tests.unit.cli.given import ENVIRONMENT, PYTHON

LONG_SECONDS = 30.0
KEYS = (
    Key("ann", "ann's key", Role.OPERATOR, frozenset({7})),
    Key("bob", "bob's key", Role.OBSERVER, None, "bob's secret"),
)


class Lines:
    """What a process says, line by line, as it says it."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self._said: queue.Queue[str] = queue.Queue()
        for pipe in (child.stdout, child.stderr):
            threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: Iterator[str]) -> None:
        for line in pipe:
            self._said.put(line.rstrip("\n"))

    def next(self) -> str:
        return self._said.get(timeout=LONG_SECONDS)


@contextmanager
def streaming(url: str, *words: str) -> Iterator[Lines]:
    child = subprocess.Popen(
        [*PYTHON, "dispatch", "stream", "7", *words],
        env={**ENVIRONMENT, "POINTSMAN_GRPC_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Lines(child)
    finally:
        child.kill()
        child.wait(LONG_SECONDS)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"POINTSMAN_{name}", raising=False)
    return Shell(capsys)


def test_events_come_as_they_happen_also_after_the_server_was_away(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with beside(tmp_path / "served") as server, streaming(server.url, "--json") as lines:
        monkeypatch.setenv("POINTSMAN_GRPC_URL", server.url)
        assert lines.next() == f"pointsman: listening to microgrid 7 of {server.url}"
        created = shell.did("create", "7", "charge", "1", "+1h", "5m", "--json")
        id = str(json.loads(created)["id"])
        first = json.loads(lines.next())
        assert (first["event"], first["dispatch"]["id"]) == ("created", int(id))
        server.stop()
        gone = lines.next()
        assert gone.startswith(f"pointsman: {server.url} has broken off")
        assert gone.endswith("; trying again")
        server.start()
        again = lines.next()
        assert again.startswith("pointsman: listening again; for what changed meanwhile: ")
        shell.did("update", "7", id, "--duration", "6m")
        shell.did("delete", "7", id)
        events = [json.loads(lines.next()) for _ in range(2)]
        assert [event["event"] for event in events] == ["updated", "deleted"]
        assert events[0]["dispatch"]["duration_seconds"] == 360
        look = again.partition("pointsman dispatch ")[2].split()
        assert shell(*look).status == 0, "what it says to look with works"
        lines.child.send_signal(signal.SIGINT)
        assert lines.next() == "pointsman: interrupted"
        assert lines.child.wait(LONG_SECONDS) == 130


def test_events_are_lines_and_a_termination_is_clean(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = ("--timezone", "Europe/Berlin")
    with beside(tmp_path / "served") as server, streaming(server.url, *zone) as lines:
        monkeypatch.setenv("POINTSMAN_GRPC_URL", server.url)
        lines.next()
        shell.did("create", "7", "charge", "battery", "2099-07-01T08:00", *zone)
        said = lines.next()
        assert " created " in said
        assert said.endswith("charge for battery from 2099-07-01 08:00:00+02:00")
        lines.child.send_signal(signal.SIGTERM)
        assert lines.next() == "pointsman: terminated"
        assert lines.child.wait(LONG_SECONDS) == 143


def test_a_stream_of_no_server_ends_at_once(shell: Shell) -> None:
    line = shell.refused("stream", "7", "--url", "grpc://127.0.0.1:1?ssl=false")
    assert line.startswith("no server answers at grpc://127.0.0.1:1?ssl=false: ")


def test_a_key_is_asked_for_and_judged(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with beside(tmp_path / "served", keys=KEYS) as server:
        monkeypatch.setenv("POINTSMAN_GRPC_URL", server.url)
        assert shell.refused("list", "7") == (
            f"{server.url} asks for a key: give --key, or set POINTSMAN_KEY"
        )
        for command in ("list", "stream"):
            wrong = shell.refused(command, "7", "--key", "guessed")
            assert wrong.startswith(f"{server.url} does not take this key: ")
            assert "guessed" not in wrong
        monkeypatch.setenv("POINTSMAN_KEY", KEYS[0].key)
        assert shell.did("list", "7") == "0 dispatches\n"
        for command in ("list", "stream"):
            assert "does not allow that to this key" in shell.refused(command, "8")
        bob = ("--key", KEYS[1].key, "--secret", "bob's secret")
        assert shell.did("list", "8", *bob) == "0 dispatches\n"
        assert "does not take this key" in shell.refused("list", "8", "--key", KEYS[1].key)
        assert "does not allow" in shell.refused("create", "8", "t", "1", "now", *bob)
        assert "bob's secret" not in shell("create", "8", "t", "1", "now", *bob).error


def test_tls_is_spoken_or_what_is_wrong_with_it_is_told(shell: Shell, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    tls = Tls(certificates.server, certificates.server.with_suffix(".key"))
    with beside(tmp_path / "served", tls=tls) as server:
        url = f"grpc://{server.host}"
        trusting = f"{url}?ssl_root_certificates_path={certificates.authority}"
        assert shell.did("list", "7", "--url", trusting) == "0 dispatches\n"
        distrusted = shell.refused("list", "7", "--url", url)
        assert "certificate" in distrusted
        assert "ssl_root_certificates_path" in distrusted
        assert "leave out ssl=false" in shell.refused("list", "7", "--url", f"{url}?ssl=false")
        missing = f"{url}?ssl_root_certificates_path={tmp_path}/missing.pem"
        assert "Failed to read root certificates" in shell.refused("list", "7", "--url", missing)


def test_at_a_server_that_is_away_nothing_is_deleted(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with beside(tmp_path / "served") as server:
        monkeypatch.setenv("POINTSMAN_GRPC_URL", server.url)
        id = json.loads(shell.did("create", "7", "t", "1", "+1h", "--json"))["id"]
        server.stop()
        line = shell.refused("delete", "7", f"{id}-{id + 2}")
        assert "no server answers" in line
        server.start()
        assert str(id) in shell.did("list", "7"), "it is still there"


@pytest.mark.parametrize("words", [["dispatch", "list", "7"], ["serve"]])
def test_without_the_extra_one_line_names_it(words: list[str]) -> None:
    code = (
        "import sys; sys.modules['frequenz'] = None;"
        f"from pointsman.cli.errors import run; sys.exit(run({words}))"
    )
    done = subprocess.run(
        [PYTHON[0], "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pointsman: pointsman {words[0]} needs the package frequenz")
    assert done.stderr.endswith("pip install 'pointsman[dispatch]'\n")


def test_the_help_of_dispatches_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; from pointsman.cli.errors import run; run(['dispatch', 'create', '--help']);"
        "slow = {'asyncio', 'grpc', 'google.protobuf', 'frequenz', 'msgspec', 'sqlite3'};"
        "sys.exit(', '.join(slow & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [PYTHON[0], "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "DURATION" in done.stdout
