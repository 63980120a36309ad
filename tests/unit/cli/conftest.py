"""A shell for each test."""

from pathlib import Path

import pytest

from tests.unit.cli.given import Shell


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POINTSMAN_JOURNAL", raising=False)
    return Shell(tmp_path, capsys)
