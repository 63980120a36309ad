"""The commands of dispatches explain themselves, and the documentation knows all their flags."""

import re
from pathlib import Path

import pytest

from tests.unit.cli.given import Shell

COMMANDS = ("list", "get", "create", "update", "delete", "stream", "next")
PAGE = Path(__file__).parents[3] / "docs" / "commands.md"
SHARED = "--url --key --secret"
RULE = "--every --count --until --by-minute --by-hour --by-day --by-month-day --by-month"
FLAGS = {
    "list": "--target --start-from --start-to --end-from --end-to --updated-from --updated-to"
    " --active --inactive --dry-run --no-dry-run --recurring --one-shot --id --query --running"
    " --type --sort --ascending --descending --limit --page-size --timezone --timeout",
    "get": "MICROGRID ID --timezone --timeout",
    "create": f"{RULE} MICROGRID TYPE TARGET START DURATION --inactive --dry-run --payload"
    " --timezone --timeout",
    "update": f"{RULE} MICROGRID ID --start --duration --no-duration --target --activate"
    " --deactivate --payload --no-payload --no-recurrence --timezone --timeout",
    "delete": "MICROGRID ID --timeout",
    "stream": "MICROGRID --timezone",
    "next": "MICROGRID ID --count --from --until --timezone --timeout",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_its_flags(shell: Shell, command: str) -> None:
    ended = shell("dispatch", command, "--help")
    assert (ended.status, ended.error) == (0, "")
    wanted = f"{FLAGS[command]} {SHARED} --json".split()
    assert [flag for flag in wanted if flag not in ended.out] == []
    assert f"\n  {command} " in shell("dispatch", "--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_flag_is_in_the_documentation(shell: Shell, command: str) -> None:
    page = PAGE.read_text()
    section = page[page.index("\n## dispatch\n") :].split("\n## ")[1]
    helped = re.findall(
        r"^  (--[a-z-]+)(?:, (--[a-z-]+))?", shell("dispatch", command, "--help").out, re.MULTILINE
    )
    flags = {flag for pair in helped for flag in pair if flag}
    assert sorted(flag for flag in flags if f"`{flag}" not in section) == []


def test_without_a_command_the_help_is_shown(shell: Shell) -> None:
    ended = shell("dispatch")
    assert ended.status == 2
    assert "Commands:" in ended.out + ended.error or "Missing command" in ended.error
