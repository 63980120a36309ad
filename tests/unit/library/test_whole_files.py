"""Files that are there complete or not at all."""

import errno
import os
from pathlib import Path

import pytest

from pointsman.library.whole_files import write_whole


def test_a_file_is_written_and_written_over(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for data in (b"one", b"another"):
        write_whole(page, data)
        assert page.read_bytes() == data
    assert [*tmp_path.iterdir()] == [page]


def test_what_was_there_stays_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    page = tmp_path / "page.html"
    write_whole(page, b"before")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as met:
        write_whole(page, b"after")
    assert (met.value.errno, met.value.filename) == (errno.ENOSPC, str(page))
    assert page.read_bytes() == b"before"
    assert [*tmp_path.iterdir()] == [page]


def test_a_place_that_is_none_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "page.html"
    with pytest.raises(FileNotFoundError) as met:
        write_whole(nowhere, b"")
    assert met.value.filename == str(nowhere)
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"")


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    link, page = tmp_path / "link", tmp_path / "pages" / "page.html"
    link.symlink_to(page)
    write_whole(link, b"there")
    assert (link.is_symlink(), page.read_bytes()) == (True, b"there")
    reading, writing = os.pipe()
    write_whole(Path(f"/dev/fd/{writing}"), b"through")
    assert os.read(reading, 7) == b"through"
    os.close(reading)
    os.close(writing)
