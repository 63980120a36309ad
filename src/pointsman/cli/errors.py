"""How a command ends: its exit status, and one line for whatever went wrong.

0    it did what it was asked to
1    it could not, and says why in one line on standard error
2    it was called in a way that means nothing
130  it was interrupted
143  it was terminated
"""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final, cast

import typer

INTERRUPTED: Final = 130
TERMINATED: Final = 143
MISUSED: Final = 2
SHOWN: Final = 600
"""Characters of a message. Nobody reads further."""

_MISUSE: Final = cast("type[Exception]", typer.BadParameter.__base__)
"""Words on the command line that mean nothing. Typer keeps a copy of click of its own."""


class FlagError(ValueError):
    """A flag or an argument that cannot be used."""


class Misused(ValueError):
    """Words of a command that mean nothing. One line: which, what was met, what would work."""


class ServerError(Exception):
    """A server could not be reached, or would not do what it was asked to."""


class CommandsFailed(Exception):
    """A plan came to its end, and devices did not do all that they were told."""


def run(words: Sequence[str]) -> int:
    """Run a command, and return its exit status. What it did not expect is a bug, and raises."""
    from pointsman.cli.commands import app

    try:
        status = app(list(words), prog_name="pointsman", standalone_mode=False)
        sys.stdout.flush()
    except _MISUSE as error:
        said = cast("typer.BadParameter", error).format_message()
        return _say(f"{said.rstrip('.')}; see pointsman --help", MISUSED)
    except Misused as error:
        return _say(str(error), MISUSED)
    except typer.Exit as end:
        status = end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except SystemExit as end:  # Typer's own answer to an interrupt, or to a pipe that broke.
        status = end.code
    except BrokenPipeError:  # Whoever read along, such as `head`, has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as error:
        if (line := line_of(error)) is None:
            raise
        return _say(line, 1)
    if status == INTERRUPTED:
        return _say("interrupted", INTERRUPTED)
    if status == TERMINATED:
        return _say("terminated", TERMINATED)
    return status if isinstance(status, int) else 0


def line_of(error: BaseException) -> str | None:
    """What to tell of an error that is nobody's bug. None: it is one, or hides one."""
    lines = [_line_of_one(leaf) for leaf in _leaves(error)]
    return None if None in lines else lines[0]


def _line_of_one(error: BaseException) -> str | None:
    from pointsman.journal.ownership import InUse

    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    if isinstance(error, InUse):
        return f"{error}, or take its place with --take-over"
    return str(error) if isinstance(error, (OSError, *_expected())) else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _expected() -> tuple[type[BaseException], ...]:
    from pointsman.api.keys import Exposed
    from pointsman.config import SiteError
    from pointsman.core.entity import Rejected
    from pointsman.devices.protocols import DeviceTableError
    from pointsman.devices.simulated.faults import FaultsError
    from pointsman.devices.simulated.sessions import SessionsError
    from pointsman.journal import Fenced, JournalUnreadable, Misplaced
    from pointsman.library.running import JournalFailed, Replaced
    from pointsman.runtime.codec import UnknownFact
    from pointsman.schedules.table import ScheduleError
    from pointsman.schedules.views import UnknownAsset, UnknownPlan

    return (
        FlagError,
        ServerError,
        CommandsFailed,
        ScheduleError,
        SiteError,
        Exposed,
        Rejected,
        DeviceTableError,
        FaultsError,
        SessionsError,
        Fenced,
        JournalUnreadable,
        Misplaced,
        Replaced,
        JournalFailed,
        UnknownFact,
        UnknownAsset,
        UnknownPlan,
    )


def _say(message: str, status: int) -> int:
    line = " ".join(message.split())
    print(f"pointsman: {line[:SHOWN]}", file=sys.stderr)  # noqa: T201  What a command says.
    return status
