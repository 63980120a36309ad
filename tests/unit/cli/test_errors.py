"""Which errors are a line, and which are a bug."""

import pytest

from pointsman.cli import errors
from pointsman.cli.errors import FlagError, line_of
from pointsman.core.entity import Rejected
from pointsman.journal.ownership import InUse
from pointsman.schedules.table import ScheduleError
from tests.unit.cli.given import Shell


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ScheduleError("plan.csv, line 3: no"), "plan.csv, line 3: no"),
        (InUse("in use: stop that"), "in use: stop that, or take its place with --take-over"),
        (Rejected("older than the plan in force"), "older than the plan in force"),
        (FlagError("--day 'x' is no day"), "--day 'x' is no day"),
        (PermissionError(13, "Permission denied", "out.json"), "out.json: permission denied"),
        (OSError(98, "Address already in use"), "address already in use"),
        (ExceptionGroup("", [ExceptionGroup("", [ScheduleError("deep")])]), "deep"),
    ],
)
def test_what_is_nobodys_bug_is_a_line(error: BaseException, line: str) -> None:
    assert line_of(error) == line


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), ExceptionGroup("", [TypeError()])]
)
def test_a_bug_is_none(error: BaseException) -> None:
    assert line_of(error) is None


def raising(error: BaseException) -> object:
    def app(*_: object, **__: object) -> None:
        raise error

    return app


def test_a_bug_is_not_hidden(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman.cli.commands.app", raising(ValueError("our fault")))
    with pytest.raises(ValueError, match="our fault"):
        shell("status")


def test_a_message_of_several_lines_becomes_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "first\n  second " + "x" * 10_000
    monkeypatch.setattr("pointsman.cli.commands.app", raising(ScheduleError(long)))
    ended = shell("status")
    assert ended.status == 1
    assert ended.error.startswith("pointsman: first second x")
    assert ended.error.count("\n") == 1
    assert len(ended.error) < errors.SHOWN + 20


def test_an_interrupt_has_its_own_status(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (KeyboardInterrupt(), SystemExit(130)):
        monkeypatch.setattr("pointsman.cli.commands.app", raising(error))
        ended = shell("status")
        assert (ended.status, ended.error) == (130, "pointsman: interrupted\n")
