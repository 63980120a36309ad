"""What the page on executors says is so."""

import re
from pathlib import Path

import pytest

from pointsman.config import read_site
from pointsman.devices.executors import check_executor, executor_kinds

PAGE = Path(__file__).parents[3] / "docs" / "operations-vehicles.md"


@pytest.mark.parametrize("kind", ["simulated", "vda5050"])
def test_each_key_of_a_device_table_is_told_of(kind: str) -> None:
    keys = executor_kinds()[kind].keys
    inner = [name for key in keys.values() for name in key.keys]
    text = PAGE.read_text()
    assert [name for name in (*keys, *inner) if f"`{name}`" not in text] == []


def test_its_site_file_can_be_used(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    path = tmp_path / "site.toml"
    path.write_text(block[1])
    [resource] = read_site(path).resources.values()
    assert check_executor(resource.id, resource.device).name == "vda5050"
