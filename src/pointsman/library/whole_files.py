"""Files that are there complete or not at all."""

from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place once it is complete; until then, what was there stays.

    What is no file, as a pipe, is written to.

    Raises:
        OSError: If it cannot be written. It names `path`.
    """
    place = path.resolve()
    part = place.with_name(f"{place.name}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        part.write_bytes(data)
        part.replace(place)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
