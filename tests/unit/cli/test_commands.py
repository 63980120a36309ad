"""Each command's help, and what becomes of words, pipes and interrupts."""

import signal
import subprocess
import sys
import time

import pytest

from tests.unit.cli.given import ENVIRONMENT, PYTHON, Shell

COMMANDS = ("demo", "check", "run", "simulate", "why", "report", "status", "log")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(shell: Shell, command: str) -> None:
    ended = shell(command, "--help")
    assert ended.status == 0
    assert f"pointsman {command}" in ended.out
    if command != "simulate":
        assert "--json" in ended.out
    assert shell("--help").out.count(f"\n  {command} ") == 1


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("check", "--site --tz"),
        ("run", "--site --dry-run --speed --tz --journal --report --ocpp --take-over"),
        ("simulate", "--site --faults --ocpp --log"),
        ("why", "--journal --data ASSET TIME"),
        ("report", "--journal --data --day"),
        ("status", "--journal --data"),
        ("log", "--journal --data --follow"),
    ],
)
def test_each_flag_is_there(shell: Shell, command: str, flags: str) -> None:
    helped = shell(command, "--help").out
    assert [flag for flag in flags.split() if flag not in helped] == []


def test_without_a_command_the_help_is_shown_and_nothing_was_done(shell: Shell) -> None:
    ended = shell()
    assert (ended.status, "Commands:" in ended.out) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("chekc", "plan.csv"),
        ("check",),
        ("check", "plan.csv"),
        ("run", "plan.csv", "--site", "site.toml", "--spede", "2"),
        ("run", "plan.csv", "--site", "site.toml", "--speed", "fast"),
    ],
)
def test_words_that_mean_nothing_are_one_line(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell(*words)
    assert ended.status == 2
    assert ended.error.startswith("pointsman: ")
    assert (ended.error.count("\n"), ended.out) == (1, "")


def test_the_package_itself_is_the_command_line() -> None:
    words = [sys.executable, "-m", "pointsman", "--version"]
    ended = subprocess.run(words, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert ended.stdout.startswith("pointsman ")


def test_the_version_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"{len(name)}.0")
    assert shell("--version").out == "pointsman 9.0\n"


def test_the_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; from pointsman.cli.errors import run; run(['--help']);"
        "slow = {'asyncio', 'sqlite3', 'msgspec', 'pandas', 'rich.table', 'pointsman.app'};"
        "sys.exit(', '.join(slow & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [PYTHON[0], "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Commands:" in done.stdout


def test_a_reader_that_has_had_enough_is_told_nothing(shell: Shell) -> None:
    words = [*PYTHON, "check", "plan.csv", "--site", "site.toml"]
    child = subprocess.Popen(
        words,
        cwd=shell.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    try:
        assert (child.wait(30), child.stderr.read()) == (1, b"")
    finally:
        child.kill()
        child.stderr.close()


def test_an_interrupt_is_clean(shell: Shell) -> None:
    words = [*PYTHON, "check", "-", "--site", "site.toml"]
    child = subprocess.Popen(
        words,
        cwd=shell.folder,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(1.5)  # It waits for a plan on its standard input by then.
        child.send_signal(signal.SIGINT)
        out, error = child.communicate(timeout=30)
    finally:
        child.kill()
    assert (child.returncode, out, error) == (130, "", "pointsman: interrupted\n")
