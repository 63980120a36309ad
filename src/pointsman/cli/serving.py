"""The command that stays: a server."""

import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # What goes wrong is told here, in one line.

from pointsman.app.serving import Serving, serve
from pointsman.cli import output
from pointsman.cli.errors import FlagError
from pointsman.cli.stopping import until_stopped
from pointsman.config import read_settings


def serve_until_stopped(
    sites: Sequence[Path], *, take_over: bool, as_json: bool, **flags: str | Path | None
) -> None:
    """Serve what is in the data folder, until a signal. Tells on one line where, once it does.

    Raises:
        FlagError: If a flag or a variable cannot be used.
    """
    try:
        settings = read_settings(os.environ, **flags)
        serving = Serving(settings, tuple(sites), take_over=take_over)
    except ValueError as error:
        raise FlagError(str(error)) from error

    for door in ("http", "ocpp"):
        if flags.get(door) is not None:
            output.note(f"--{door} is not served by this release: nothing listens there")

    def tell(url: str) -> None:
        if as_json:
            output.json({"grpc": url, "data": str(settings.data), "pid": os.getpid()}, indent=0)
        else:
            output.line(f"dispatches of {settings.data} at {url}")
        output.flush()

    until_stopped(serve(serving, tell))
