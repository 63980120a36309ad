"""What users import, by the names that were ever documented, and without noise."""

import subprocess
import sys
from pathlib import Path

import pointsman.dispatch
import pointsman.dispatch.actor

SOURCE = Path(pointsman.dispatch.__file__).parents[2]
DOCUMENTED = {
    "ActorDispatcher",
    "Created",
    "Deleted",
    "Dispatch",
    "DispatchEvent",
    "DispatchInfo",
    "Dispatcher",
    "MergeByType",
    "MergeByTypeTarget",
    "MergeStrategy",
    "ReceiverFetcher",
    "RunningState",
    "Updated",
}


def test_all_documented_names_are_there() -> None:
    assert set(pointsman.dispatch.__all__) >= DOCUMENTED
    assert all(hasattr(pointsman.dispatch, name) for name in pointsman.dispatch.__all__)
    assert pointsman.dispatch.actor.__all__ == ["DispatchingActor"]


def test_importing_it_says_nothing() -> None:
    told = _run("import pointsman.dispatch")
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_without_the_extra_its_name_is_told_in_one_line() -> None:
    told = _run(
        "import sys; sys.modules['frequenz.client.dispatch'] = None; import pointsman.dispatch"
    )
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: dispatches need the extra:")
    assert "pip install 'pointsman[dispatch]'" in last


def _run(code: str) -> "subprocess.CompletedProcess[str]":
    paths = {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=paths)
