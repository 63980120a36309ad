"""The rules of the house that a machine can hold: sizes, words, layers, and what lies around."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "src" / "pointsman"

FILE_LIMIT: Final = 500
FILE_AIM: Final = 300
FUNCTION_LIMIT: Final = 70
FUNCTION_AIM: Final = 40
LONGER: Final[dict[str, str]] = {
    "src/pointsman/devices/simulated/physics.py": "one class: what all equipment has in common",
    "src/pointsman/schedules/changes.py:plan_of": "the documented keywords, a line each, twice",
    "src/pointsman/__init__.py:run": "the flags of a run, and a line for each",
    "src/pointsman/schedules/lifecycle.py:decide": "one row an intent: the table is the function",
}
"""Files and functions (`file:name`) of `src` that pass the aim, each with its reason."""

SIGNBOARDS: Final = ("coordinator", "dispatch", "operation_dispatcher")
VAGUE: Final = {"utils", "util", "helpers", "helper", "common", "misc"}
ELSEWHERE: Final = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w"),
    "a folder outside the project": re.compile(r"\.\./shared\b"),
    "a package registry": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang)|--(?:extra-)?index-url"
    ),
}
TEMPORARY: Final = re.compile(r"(?<![\w.])/tmp/")


@cache
def files() -> tuple[Path, ...]:
    """All files of the project: what git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    else:  # An unpacked archive.
        found = (path for part in ("src", "tests", "examples") for path in (ROOT / part).rglob("*"))
    return tuple(sorted(path for path in found if path.is_file()))


def python(*folders: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Name, text and tree of each module in these folders."""
    for path in files():
        if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in folders):
            text = path.read_text()
            yield path.relative_to(ROOT).as_posix(), text, ast.parse(text)


def texts() -> Iterator[tuple[str, str]]:
    """All text files but this one, which must say what is forbidden."""
    for path in files():
        if path != Path(__file__):
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text()
            except UnicodeDecodeError:
                continue


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and length of each function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_no_file_is_too_long() -> None:
    everything = python(SOURCE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
    long = {name: text.count("\n") for name, text, _ in everything}
    assert {name: lines for name, lines in long.items() if lines > FILE_LIMIT} == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{name}:{function}": lines
        for name, _, tree in python(SOURCE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
        for function, lines in functions(tree)
        if lines > FUNCTION_LIMIT
    }
    assert long == {}


def test_what_passes_the_aim_has_its_reason() -> None:
    passing = {}
    for name, text, tree in python(SOURCE):
        if text.count("\n") > FILE_AIM:
            passing[name] = text.count("\n")
        for function, lines in functions(tree):
            if lines > FUNCTION_AIM:
                passing[f"{name}:{function}"] = lines
    assert {name: lines for name, lines in passing.items() if name not in LONGER} == {}
    assert set(LONGER) <= passing.keys(), "these are short enough by now: take them off the list"


def test_each_module_says_what_it_is_for() -> None:
    modules = python(SOURCE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
    silent = [name for name, text, tree in modules if text.strip() and not ast.get_docstring(tree)]
    assert silent == []


def test_each_package_of_the_source_says_what_it_is_for() -> None:
    empty = [name for name, text, _ in python(SOURCE) if not text.strip()]
    assert empty == []


def test_no_module_has_a_name_for_everything() -> None:
    assert [name for name, _, _ in python(ROOT) if Path(name).stem in VAGUE] == []


def test_each_folder_of_the_source_is_in_the_architecture() -> None:
    described = (ROOT / "ARCHITECTURE.md").read_text()
    folders = {Path(name).parent.relative_to("src/pointsman") for name, _, _ in python(SOURCE)}
    names = {folder.as_posix() for folder in folders} - {"."}
    assert sorted(name for name in names if f"`{name}/`" not in described) == []


def test_what_is_left_to_do_has_an_issue() -> None:
    bare = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\s*\(?#\d+)")
    assert [name for name, text in texts() if bare.search(text)] == []


@pytest.mark.parametrize("what", ELSEWHERE)
def test_the_project_stands_alone(what: str) -> None:
    assert [name for name, text in texts() if ELSEWHERE[what].search(text)] == []


def test_only_tests_name_the_folder_for_temporary_files() -> None:
    named = [name for name, text in texts() if TEMPORARY.search(text)]
    assert [name for name in named if not name.startswith("tests/")] == []


def test_no_lock_file_records_where_packages_came_from() -> None:
    locks = [path.name for path in files() if re.search(r"\.lock$|-lock\.|\.pylock", path.name)]
    assert locks == []
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [pin for pin in pins if pin and not re.fullmatch(r"#.*|[a-z0-9.-]+==[\w.]+", pin)]
    assert odd == []


def test_each_dependency_is_pinned() -> None:
    pins = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    wanted = list(project()["project"]["dependencies"])
    for extra in project()["project"]["optional-dependencies"].values():
        wanted += extra
    names = {re.match(r"[\w-]+", one).group().lower() for one in wanted}  # type: ignore[union-attr]
    assert sorted(names - pins - {"pointsman"}) == []


def test_the_layers_hold() -> None:
    """In a process of its own, as it would silence every logger of this one."""
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    command = [sys.executable, "-c", lint]
    paths = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    result = subprocess.run(
        command, cwd=ROOT, env=paths, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_nobody_imports_a_signboard() -> None:
    sign = re.compile(rf"^\s*(?:from|import) pointsman\.(?:{'|'.join(SIGNBOARDS)})\b", re.MULTILINE)
    own = tuple(f"src/pointsman/{name}/" for name in SIGNBOARDS)
    users = [name for name, text, _ in python(SOURCE) if sign.search(text)]
    assert [name for name in users if not name.startswith(own)] == []


def test_each_public_name_of_a_protocol_is_described() -> None:
    bare = [
        f"{name}:{shape.name}.{node.name}"
        for name, _, tree in python(SOURCE)
        for shape in shapes(tree)
        for node in shape.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []


def shapes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """The classes that are `typing.Protocol`s, whatever name that was imported under."""
    aliases = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        for alias in node.names
        if alias.name == "Protocol"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
            if bases & aliases:
                yield node


def test_the_changelog_knows_this_version() -> None:
    version = project()["project"]["version"]
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_each_verb_of_make_that_is_written_down_exists() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"^\s*make ([a-z]+)|`make ([a-z]+)`", re.MULTILINE)
    named = {
        (name, first or second)
        for name, text in texts()
        if name.endswith(".md") or name in {".ci/run", "Makefile"}
        for first, second in command.findall(text)
    }
    assert sorted((name, verb) for name, verb in named if verb not in verbs) == []


def test_decisions_are_numbered_and_short() -> None:
    decisions = sorted((ROOT / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in decisions:
        text = path.read_text()
        assert "The price" in text, f"{path.name} says no price"
        assert text.count("\n") <= 50, f"{path.name} is longer than a page"
