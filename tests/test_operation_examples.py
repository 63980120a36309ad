"""The examples of operations run, say what they should, and end by themselves."""

import runpy
import sys
from pathlib import Path
from typing import Final

import pytest

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
SAID: Final[dict[str, tuple[list[str], list[str]]]] = {
    "queue": ([], ["in order: charge, sweep, pick, place", "not before 14:00: charge"]),
    "callbacks": (
        [],
        ["operation_start_denied robots do not fly", "why not: ", "operation_cancelled"],
    ),
    "visualization": (["--port", "0", "--seconds", "0.1"], ["open http://127.0.0.1:"]),
    "openapi": (["--port", "0"], ["POST /operations/add: 201", "lift is COMPLETED"]),
    "mcp": (["--port", "0"], ["the dispatcher is stopped"]),
    "dual_interface": (
        ["--port", "0", "--page-port", "0", "--seconds", "0.2"],
        ["people: http://127.0.0.1:", "agents: ", "events were told"],
    ),
    "figures": (["--table", "day.csv", "--chart", "day.html"], [" completed, ", "utilisation "]),
}


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs_and_ends(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, said = SAID[name]
    script = EXAMPLES / f"operations_{name}.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script), *words])
    runpy.run_path(str(script), run_name="__main__")
    shown = capsys.readouterr().out
    for line in said:
        assert line in shown
    if name == "figures":
        assert (tmp_path / "day.csv").read_text().count("\n") == 13
        assert "Plotly.newPlot" in (tmp_path / "day.html").read_text()


def test_each_example_of_operations_is_run() -> None:
    names = {path.stem.removeprefix("operations_") for path in EXAMPLES.glob("operations_*.py")}
    assert names == set(SAID)
