"""Packages that not everybody installs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pointsman.cli.errors import FlagError

DISPATCH: Final = frozenset({"frequenz", "google", "grpc", "grpc_health", "grpc_reflection"})


@contextmanager
def needing(command: str) -> Iterator[None]:
    """What is imported inside belongs to the extra `dispatch`.

    Raises:
        FlagError: If that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in DISPATCH:
            raise
        raise FlagError(
            f"pointsman {command} needs the package {error.name}; "
            "it comes with pip install 'pointsman[dispatch]'"
        ) from error
