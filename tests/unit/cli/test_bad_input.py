"""What cannot be carried out is one line that says where, exit status 1, and nothing written."""

from collections.abc import Callable

import pytest

from pointsman.library.comma_separated import FILE_BYTES_LIMIT
from tests.unit.cli.given import PLAN, SITE, Shell

HEAD = "timestamp,ev_1_kw\n"
PLANS: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "a column that no asset answers": (
        "timestamp,ev_9_kw\n2026-01-01T08:00Z,1\n2026-01-01T09:00Z,1\n",
        ("column 'ev_9_kw'", "asset map"),
    ),
    "a naive time": (HEAD + "2026-01-01 08:00,1\n2026-01-01 09:00,1\n", ("line 2", "--tz")),
    "a time twice": (
        HEAD + "2026-01-01T08:00Z,1\n2026-01-01T09:00Z,1\n2026-01-01T09:00Z,1\n",
        ("line 4", "twice"),
    ),
    "times out of order": (
        HEAD + "2026-01-01T09:00Z,1\n2026-01-01T08:00Z,1\n",
        ("line 3", "comes after"),
    ),
    "an infinity": (
        HEAD + "2026-01-01T08:00Z,1\n2026-01-01T09:00Z,-inf\n",
        ("line 3", "column 'ev_1_kw'", "-inf"),
    ),
    "a negative charge": (
        HEAD + "2026-01-01T08:00Z,-2.5\n2026-01-01T09:00Z,1\n",
        ("line 2", "column 'ev_1_kw'", "-2.5"),
    ),
    "both directions at once": (
        PLAN.replace("10:00:00Z,,0,0", "10:00:00Z,,3,4"),
        ("line 4", "column 'battery_discharge_kw'", "'battery_charge_kw'"),
    ),
    "a truncated file": (PLAN[:-20], ("line 4",)),
    "a binary file": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, ()),
    "an empty file": ("", ()),
    "no rows": (HEAD, ("row",)),
}
SITES: dict[str, tuple[str, tuple[str, ...]]] = {
    "an asset that the site does not know": (
        SITE.replace('ev_1 = "bay-1"', 'ev_1 = "bay-2"'),
        ("line 19", "'bay-2'", "did you mean 'bay-1'?"),
    ),
    "a key with a typo": (
        SITE.replace("rating_kw", "ratng_kw"),
        ("line 9", "'ratng_kw'", "did you mean 'rating_kw'?"),
    ),
    "no TOML": ("[site\n", ("line 1",)),
    "a device that speaks nothing known": (
        SITE.replace("rating_kw = 11.0", 'rating_kw = 11.0\ndevice = { protocol = "ocp" }'),
        ("'bay-1'", "'ocp'"),
    ),
}
COMMANDS = ("check", "run")
LOCK = "pointsman.db.lock"
"""Nobody may delete a lock file, for a successor may hold it by then. It says nothing."""


@pytest.fixture(params=COMMANDS)
def refused(request: pytest.FixtureRequest, shell: Shell) -> Callable[..., str]:
    """The one line with which the command refuses what is in the folder."""

    def call(*also: str) -> str:
        before = shell.files()
        ended = shell(request.param, "plan.csv", "--site", "site.toml", *also)
        assert (ended.status, ended.out) == (1, "")
        assert ended.error.startswith("pointsman: ")
        assert ended.error.count("\n") == 1
        assert "Traceback" not in ended.error
        assert shell.files() - {LOCK} == before
        return ended.error

    return call


@pytest.mark.parametrize("name", PLANS)
def test_a_bad_plan(refused: Callable[..., str], shell: Shell, name: str) -> None:
    content, parts = PLANS[name]
    shell.write("plan.csv", content)
    line = refused()
    assert [part for part in ("plan.csv", *parts) if part not in line] == []


@pytest.mark.parametrize("name", SITES)
def test_a_bad_site(refused: Callable[..., str], shell: Shell, name: str) -> None:
    content, parts = SITES[name]
    shell.write("site.toml", content)
    line = refused()
    assert [part for part in parts if part not in line] == []


def test_a_plan_that_is_far_too_large(refused: Callable[..., str], shell: Shell) -> None:
    with (shell.folder / "plan.csv").open("wb") as file:
        file.truncate(FILE_BYTES_LIMIT + 1)
    assert "plan.csv" in refused()


def test_a_plan_that_is_not_there(refused: Callable[..., str], shell: Shell) -> None:
    (shell.folder / "plan.csv").unlink()
    assert "plan.csv" in refused()


def test_a_site_that_is_not_there(refused: Callable[..., str], shell: Shell) -> None:
    (shell.folder / "site.toml").rename(shell.folder / "sites.toml")
    assert "did you mean 'sites.toml'?" in refused()


def test_a_zone_that_does_not_exist(refused: Callable[..., str]) -> None:
    assert "Europe/Berlin" in refused("--tz", "Europe/Berln")
