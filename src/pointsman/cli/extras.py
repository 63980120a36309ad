"""Packages that not everybody installs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pointsman.cli.errors import FlagError

EXTRAS: Final[Mapping[str, str]] = {
    "frequenz": "dispatch",
    "google": "dispatch",
    "grpc": "dispatch",
    "grpc_health": "dispatch",
    "grpc_reflection": "dispatch",
    "aiomqtt": "vda5050",
    "fastapi": "rest",
    "fastapi_offline": "rest",
    "httpx2": "rest",
    "mcp": "mcp",
    "plotly": "web",
    "starlette": "rest",
    "uvicorn": "rest",
}
"""The extra that brings a package."""


@contextmanager
def needing(command: str) -> Iterator[None]:
    """What is imported inside may belong to an extra.

    Raises:
        FlagError: If that is not installed. One line, which says how to.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise FlagError(
            f"pointsman {command} needs the package {error.name}; "
            f"it comes with pip install 'pointsman[{extra}]'"
        ) from error
