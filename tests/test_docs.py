"""The documentation, run: each page's code from top to bottom, as a reader would type it."""

import ast
import doctest
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pandas as pd
import pytest

from pointsman.coordinator import AdapterRegistry

DOCS: Final = Path(__file__).parent.parent / "docs"
PAGES: Final = sorted(DOCS.glob("*.md"))
BLOCK: Final = re.compile(r"^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each block of Python code."""
    text = page.read_text()
    for match in BLOCK.finditer(text):
        yield text[: match.start("code")].count("\n") + 1, match["code"]


def run(page: Path, namespace: dict[str, Any]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    for line, code in blocks(page):
        if code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(
                code, namespace, page.name, str(page), line - 1
            )
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            namespace |= test.globs
            assert not report, "".join(report)
        else:
            tree = ast.increment_lineno(ast.parse(code), line - 1)
            exec(compile(tree, str(page), "exec"), namespace)  # noqa: S102  That is what it is for.


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(page, {"__name__": "__main__"})


def test_what_a_page_gets_wrong_is_found(tmp_path: Path) -> None:
    page = tmp_path / "wrong.md"
    page.write_text("```python\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(AssertionError, match=r"Expected:\s+3"):
        run(page, {})
    page.write_text("\n```python\nmissing\n```\n")
    with pytest.raises(NameError):
        run(page, {})


# The examples of the interface that the coordinator keeps, as they are written there.

ENGINE = """
from pointsman.coordinator import DispatchEngine, EventBus

engine = DispatchEngine(event_bus=EventBus())

commands = engine.schedule_to_commands(
    result.schedule,
    asset_map={
        "ev_001": "ast_charger_bay_1",
        "ev_002": "ast_charger_bay_2",
        "battery": "ast_batt_001"
    }
)
"""
DISPATCH = """
from datetime import datetime, timezone

now = datetime.now(timezone.utc)
pending = engine.get_pending_commands(now)

for cmd in pending:
    adapter = registry.get(cmd.asset_id)
    engine.dispatch_command(cmd, adapter)
"""
RESPONSES = """
engine.handle_response(cmd, success=True)
engine.handle_response(cmd, success=False, error="connection timeout")
"""
TIMEOUTS = """
timed_out = engine.check_timeouts(now)
for cmd in timed_out:
    print(f"Command {cmd.command_id} to {cmd.asset_id} timed out")
"""
COMMAND = """
from pointsman.coordinator.base import Command, CommandType, CommandStatus

cmd = Command(
    asset_id="ast_charger_001",
    command_type=CommandType.SET_CHARGE_RATE,
    parameters={"power_kw": 22.0},
    scheduled_at=datetime(2025, 1, 15, 8, 0, tzinfo=timezone.utc),
)
"""
EVENTS = """
from pointsman.coordinator import EventType

bus.subscribe(EventType.COMMAND_DISPATCHED, lambda e: log.info(
    f"Dispatched {e.payload['command_type']} to {e.payload['asset_id']}"
))
"""
LOOKUPS = """
cmd = engine.get_command("cmd_a1b2c3d4e5f6")
asset_cmds = engine.get_commands_for_asset("ast_charger_001")
"""
STARTS: Final = ("now", "2025-01-15T08:00Z")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("answer", [True, None])
def test_the_documented_examples_run_as_they_are_written(
    start: str, answer: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pd.Timestamp(start) if start != "now" else pd.Timestamp.now("UTC").floor("h")
    frame = pd.DataFrame(
        {
            "ev_ev_001_kw": [22.0, 22.0, 22.0, 0.0],
            "ev_ev_002_kw": [7.0, 7.0, 0.0, 0.0],
            "total_ev_kw": [29.0, 29.0, 22.0, 0.0],
            "battery_charge_kw": [5.0, 0.0, 0.0, 0.0],
            "battery_discharge_kw": [0.0, 4.0, 4.0, 0.0],
        },
        index=pd.date_range(first, periods=4, freq="1h"),
    )
    registry = AdapterRegistry()
    adapter = SimpleNamespace(send=lambda _: answer)
    for asset_id in ("ast_charger_bay_1", "ast_charger_bay_2", "ast_batt_001"):
        registry.register(asset_id, adapter)
    space: dict[str, Any] = {
        "result": SimpleNamespace(schedule=frame),
        "registry": registry,
        "log": logging.getLogger("depot"),
    }
    exec(ENGINE, space)  # noqa: S102
    space["bus"] = space["engine"].bus
    for example in (EVENTS, DISPATCH, RESPONSES, TIMEOUTS, COMMAND, LOOKUPS):
        exec(example, space)  # noqa: S102
    assert len(space["pending"]) == 3
    handed = {c.asset_id: c.status for c in space["pending"]}
    waiting = "COMPLETED" if answer else "DISPATCHED"
    assert sorted(handed.values()) == sorted([waiting, waiting, "COMPLETED"])
    assert (space["cmd"], space["asset_cmds"]) == (None, [])
    assert capsys.readouterr().out == ""
