"""What is written for users is so: examples run, and no command, flag or key is missing."""

import dataclasses
import inspect
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from pointsman.cli import errors
from pointsman.cli.commands import app
from pointsman.config import read_site
from pointsman.config.resources import RESOURCE, Resource
from pointsman.config.site import ASSET, MICROGRID, SITE
from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Key
from pointsman.devices.protocols import COMMON_KEYS, check_devices, protocols
from pointsman.devices.simulated import FAULT_KEYS, SIMULATION_KEYS
from pointsman.devices.simulated.faults import FAULTLESS
from pointsman.library.frames import COUNT_COLUMNS, TIME_COLUMNS, read_table
from pointsman.schedules.changes import plan_of, rows_of
from pointsman.schedules.model import CommandStatus, CommandType, Mark
from pointsman.schedules.table import Table

ROOT: Final = Path(__file__).parent.parent
README: Final = (ROOT / "README.md").read_text()
LINES_MOST: Final = 140
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


def section(page: str, title: str) -> str:
    """What stands under a header of a page of docs/, up to the next header that ends it."""
    text = (ROOT / "docs" / page).read_text()
    level = max(len(title.partition(" ")[0]), 2)
    found = re.search(
        rf"^{re.escape(title)}\n(.*?)(?=^#{{2,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/{page} has no {title!r}"
    return found[1]


def table(page: str, title: str) -> dict[str, str]:
    """The first table under a header: each first word in backticks, and the last cell."""
    rows = re.findall(r"^\| `([^`]+)`.*\| ([^|]*) \|$", section(page, title), re.MULTILINE)
    assert len({word for word, _ in rows}) == len(rows), f"a row of {title!r} is there twice"
    return dict(rows)


def shown(value: object) -> str:
    """A default, as the tables of docs/ write it."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def test_each_key_of_an_asset_is_described_with_its_default() -> None:
    fields = {field.name: field for field in dataclasses.fields(Asset)}
    defaults = {name: shown(field.default) for name, field in fields.items() if name in ASSET}
    told = {**defaults, "id": "required", "kind": "required", "device": "simulated"}
    assert table("site-file.md", "## `[[asset]]`") == told


def test_each_key_of_a_resource_is_described_with_its_default() -> None:
    fields = {field.name: field for field in dataclasses.fields(Resource)}
    defaults = {name: shown(field.default) for name, field in fields.items() if name in RESOURCE}
    told = {**defaults, "id": "required", "device": "external"}
    assert table("site-file.md", "## `[[resource]]`") == told


@pytest.mark.parametrize(
    ("title", "keys"),
    [("## `[site]`", SITE), ("## `[microgrid]`", MICROGRID)],
)
def test_each_key_of_the_other_tables_is_described(title: str, keys: dict[str, Any]) -> None:
    assert set(table("site-file.md", title)) == set(keys)


def keys_of_devices() -> dict[str, Mapping[str, Key]]:
    """By the header that they are described under."""
    common = {"### Every protocol": COMMON_KEYS, "### Simulated equipment": SIMULATION_KEYS}
    own = {
        f"### `{name}`": {k: v for k, v in protocol.keys.items() if k not in SIMULATION_KEYS}
        for name, protocol in protocols().items()
        if name != "simulated"
    }
    return {**common, **own, "### Faults": FAULT_KEYS}


@pytest.mark.parametrize("title", keys_of_devices())
def test_each_key_of_a_device_is_described_with_its_default(title: str) -> None:
    keys = keys_of_devices()[title]
    told = {name: "required" if key.required else shown(key.default) for name, key in keys.items()}
    assert table("site-file.md", title) == told


def test_each_default_of_a_fault_is_described() -> None:
    text = section("site-file.md", "### Faults")
    for name in ("delay_seconds", "revert_seconds"):
        row = next(line for line in text.splitlines() if f"`{name}`" in line)
        assert f" {getattr(FAULTLESS, name):g}, if it is not said" in row


def test_the_example_of_a_site_file_is_one(tmp_path: Path) -> None:
    (example,) = blocks((ROOT / "docs" / "site-file.md").read_text(), "toml")
    path = tmp_path / "site.toml"
    path.write_text(example)
    check_devices(read_site(path).assets.values())


def test_each_command_has_its_part_with_each_flag_and_has_help() -> None:
    for name, command in WORDS.commands.items():
        text = section("commands.md", f"## {name}")
        assert command.help, name
        for flag in command.params:
            words = [word for word in flag.opts if word.startswith("--")] or [flag.name.upper()]
            assert flag.help, (name, words)
            assert all(f"`{word}" in text for word in words), (name, words)
    titles = re.findall(r"^## ([a-z]+)$", (ROOT / "docs" / "commands.md").read_text(), re.MULTILINE)
    assert sorted(titles) == sorted(WORDS.commands)


@pytest.mark.parametrize("group", ["dispatch", "operation", "resource"])
def test_each_command_of_a_group_is_there_with_each_flag_and_has_help(group: str) -> None:
    text = section("commands.md", f"## {group}")
    for name, command in WORDS.commands[group].commands.items():
        assert re.search(rf"`{name}[ `]", text), name
        assert command.help, name
        for flag in command.params:
            words = [word for word in (*flag.opts, *flag.secondary_opts) if word.startswith("--")]
            assert all(re.search(rf"`{word}[ `]|, `{word}", text) for word in words), (name, words)


def test_each_exit_status_is_explained() -> None:
    known = re.findall(r"^(\d+) +it ", errors.__doc__ or "", re.MULTILINE)
    assert (
        re.findall(r"^\| (\d+) \| it ", section("commands.md", "# Commands"), re.MULTILINE) == known
    )


@pytest.mark.parametrize("title", ["## OCPP 1.6J", "## SunSpec over Modbus TCP"])
def test_each_type_of_command_is_told_on_the_wire(title: str) -> None:
    assert set(CommandType) <= set(table("devices.md", title))


PLANS: Final = (ROOT / "docs" / "plans.md").read_text()
START: Final = datetime(2025, 1, 15, 18, tzinfo=UTC)
SITE_OF_PLANS: Final = {
    "bay": Asset("bay", AssetKind.EV_CHARGER, rating_kw=11.0, min_kw=1.4),
    "battery": Asset("battery", AssetKind.BATTERY, rating_kw=5.0),
}
CHANGES: Final = re.findall(r"^\| (.+) \| `(\w+)` \| `(.+)` \| `(.+)` \|$", PLANS, re.MULTILINE)


@pytest.mark.parametrize(("column", "cells", "told"), [one[1:] for one in CHANGES])
def test_change_detection_says_what_the_page_says(column: str, cells: str, told: str) -> None:
    values = [None if cell == "-" else float(cell) for cell in cells.split()]
    times = tuple(START + count * timedelta(minutes=15) for count in range(len(values)))
    imported = plan_of(
        Table("the page", times, {column: values}),
        {"ev_001": "bay"},
        created_at=START,
        assets=SITE_OF_PLANS,
    )
    (timeline,) = imported.timelines
    words = [
        f"{timeline.slots[row.row]}:{'release' if row.mark is Mark.RELEASE else f'{row.value:g}'}"
        for row in rows_of(timeline, imported.plan)
    ]
    assert " ".join(words) == told


def test_the_example_of_counted_steps_is_a_plan() -> None:
    (program,) = blocks(PLANS, "python")
    said: dict[str, Any] = {}
    exec(compile(program, "plans.md", "exec"), said)  # noqa: S102
    assert [str(time) for time in said["table"].times] == [
        f"2025-01-15 17:{minute:02}:00+00:00" for minute in (0, 15, 30)
    ]


def test_each_option_of_an_import_is_there_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| `?(\w+)", section("plans.md", "## What is sent"), re.MULTILINE)
    )
    keywords = inspect.signature(plan_of).parameters
    options = ("nan", "max_hold", "both", "end", "on_unmapped", "replace")
    assert rows == {name: str(keywords[name].default) for name in options}


def test_each_name_of_a_time_column_is_there() -> None:
    text = section("plans.md", "## Times")
    assert [name for name in (*TIME_COLUMNS, *COUNT_COLUMNS) if f"`{name}`" not in text] == []


def test_the_example_of_a_plan_is_one(tmp_path: Path) -> None:
    (example,) = blocks(PLANS, "text")
    path = tmp_path / "plan.csv"
    path.write_text(example)
    found = plan_of(
        read_table(path), {"ev_001": "bay"}, created_at=START, assets=SITE_OF_PLANS
    ).report
    assert (found.assets, found.context, found.gaps) == (
        ("bay", "battery"),
        ("price_per_kwh",),
        0,
    )


@pytest.mark.parametrize(
    "message",
    re.findall(
        r"`([^`]+)`",
        "\n".join(
            line.split("|")[1]
            for line in section("plans.md", "## What is refused").splitlines()
            if line.startswith("| `")
        ),
    ),
)
def test_each_message_that_is_explained_exists(message: str) -> None:
    source = (ROOT / "src" / "pointsman").rglob("*.py")
    text = " ".join(
        path.read_text() for path in source if path.parts[-2] in {"schedules", "library"}
    )
    joined = re.sub(r'"\s+f?"', "", text)
    parts = [part.strip() for part in message.split("…") if part.strip()]
    assert [part for part in parts if part not in joined] == []


def test_each_status_is_explained() -> None:
    text = section("operating.md", "## The report")
    told = re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)
    assert sorted(told) == sorted(status.value for status in CommandStatus)
