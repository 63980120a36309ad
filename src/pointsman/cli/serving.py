"""The command that stays: a server."""

import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # What goes wrong is told here, in one line.

from pointsman.app.serving import Doors, Serving, serve
from pointsman.cli import output
from pointsman.cli.errors import FlagError
from pointsman.cli.stopping import until_stopped
from pointsman.config import HTTP, read_settings


def serve_until_stopped(
    sites: Sequence[Path],
    *,
    take_over: bool,
    allow_control: bool,
    as_json: bool,
    **flags: str | Path | None,
) -> None:
    """Serve what is in the data folder, until a signal. Tells on one line where, once it does.

    Raises:
        FlagError: If a flag or a variable cannot be used.
    """
    try:
        settings = read_settings(os.environ, **flags)
        serving = Serving(
            settings,
            tuple(sites),
            take_over=take_over,
            allow_control=allow_control,
            http_must=settings.http != HTTP,
        )
    except ValueError as error:
        raise FlagError(str(error)) from error

    if flags.get("ocpp") is not None:
        output.note("--ocpp is not served by this release: nothing listens there")

    def tell(doors: Doors) -> None:
        if doors.http_url is None:
            output.note(f"{doors.why_no_http}; --http with another address would serve it")
        if as_json:
            where = {"grpc": doors.grpc_url, "http": doors.http_url}
            output.json({**where, "data": str(settings.data), "pid": os.getpid()}, indent=0)
        else:
            http = f", operations at {doors.http_url}" if doors.http_url else ""
            output.line(f"dispatches of {settings.data} at {doors.grpc_url}{http}")
        output.flush()

    until_stopped(serve(serving, tell))
