"""What is written for users is so: examples run, and no command, flag or key is missing."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from pointsman.cli.commands import app

ROOT: Final = Path(__file__).parent.parent
README: Final = (ROOT / "README.md").read_text()
LINES_MOST: Final = 120
PAGES: Final = [ROOT / "README.md", ROOT / "examples" / "README.md", *(ROOT / "docs").glob("*.md")]
NAMES: Final = [page.relative_to(ROOT).as_posix() for page in PAGES]
WORDS: Final[Any] = typer.main.get_command(app)
"""The command line, as Typer makes it."""
ALL_AT_ONCE: Final = 50_000
"""A speed that makes hours of a run a moment."""


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of this language; "" is a block of commands."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[list[str]]:
    """What is typed after `pointsman`, in each block of commands."""
    for block in blocks(text, ""):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("pointsman "):
                yield shlex.split(line, comments=True)[1:]


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= LINES_MOST


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (site,) = blocks(README, "toml")
    (program,) = blocks(README, "python")
    (tmp_path / "site.toml").write_text(site)
    assert program.count("\n") <= 20
    assert "speed=960" in program
    said: dict[str, Any] = {}
    exec(compile(program.replace("speed=960", f"speed={ALL_AT_ONCE}"), "README.md", "exec"), said)  # noqa: S102
    assert set(said["report"]["totals"]["commands"]) == {"COMPLETED"}
    assert capsys.readouterr().out.startswith("wallbox {'COMPLETED': 5}\nplanned   5.525 kWh\n")
    assert (tmp_path / "home.db").exists()


@pytest.mark.parametrize("name", NAMES)
def test_each_command_that_is_written_down_can_be_typed(name: str) -> None:
    for words in commands((ROOT / name).read_text()):
        context = WORDS.commands[words[0]].make_context(words[0], list(words[1:]))
        for path in (context.params.get("site"), context.params.get("plan")):
            if path is not None and str(path).startswith("examples/"):
                assert (ROOT / path).exists(), words


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *PAGES[1:]], ids=lambda p: p.name)
def test_each_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    away = [link for link in links if not link.startswith("http")]
    assert [link for link in away if not (path.parent / link).exists()] == []
