"""`pointsman operation` and `pointsman resource`: the commands and their flags.

Each passes on all that it was given, by name: see `operation_flags` for what that means.
"""

from typing import TYPE_CHECKING

import typer

from pointsman.cli import operation_options as options
from pointsman.cli.extras import needing
from pointsman.cli.options import AsJson

if TYPE_CHECKING:
    from types import ModuleType

SETTINGS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    help="Operations on the resources of a server: what is queued, runs, and has ended.",
    no_args_is_help=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)
resources = typer.Typer(
    help="The resources of a server: robots, machines, vehicles.",
    no_args_is_help=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


@app.command()
def add(  # noqa: PLR0913  Its flags.
    payload: options.Payload,
    *,
    resource: options.Resource = None,
    priority: options.Priority = None,
    release: options.Release = None,
    due: options.Due = None,
    planned: options.Planned = None,
    job: options.Job = None,
    after: options.After = None,
    once: options.Once = None,
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Queue an operation, and show it."""
    _call("add", "Addition", locals())


@app.command("list")
def list_(  # noqa: PLR0913  Its flags.
    *,
    resource: options.Resources = None,
    state: options.State = None,
    job: options.Job = None,
    limit: options.Limit = 100,
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """List what runs and what is queued, in order; or what is in a state."""
    _call("list_", "Listing", locals())


@app.command()
def show(
    id: options.Id,
    *,
    resource: options.OfResource = None,
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Show all there is to know of an operation."""
    _call("show", "One", locals())


@app.command()
def why(
    id: options.Id,
    *,
    resource: options.OfResource = None,
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Tell why an operation does not start: all that keeps it back."""
    _call("why", "One", locals())


@app.command()
def requests(
    *,
    resource: options.Resources = None,
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a yes or no."""
    _call("requests", "Asked", locals())


@app.command()
def approve(
    id: options.Request,
    *,
    resource: options.OfResource = None,
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a request: the operation starts, or is cancelled, paused or resumed."""
    _call("approve", "Act", locals())


@app.command()
def deny(
    id: options.Request,
    *,
    resource: options.OfResource = None,
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Say no to a request."""
    _call("deny", "Act", locals())


@app.command()
def update(  # noqa: PLR0913  Its flags.
    id: options.Id,
    *,
    resource: options.OfResource = None,
    payload: options.NewPayload = None,
    priority: options.Priority = None,
    release: options.Release = None,
    due: options.Due = None,
    planned: options.Planned = None,
    job: options.Job = None,
    after: options.After = None,
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given of an operation that waits or is paused. `none` empties a flag."""
    _call("update", "Change", locals())


@app.command()
def complete(  # noqa: PLR0913  Its flags.
    id: options.Id,
    *,
    resource: options.OfResource = None,
    result: options.Result = None,
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Report that an operation has ended as it should."""
    _call("complete", "Completion", locals())


@app.command()
def fail(  # noqa: PLR0913  Its flags.
    id: options.Id,
    *,
    resource: options.OfResource = None,
    reason: options.Error = "failed, as somebody said on the command line",
    code: options.Code = "",
    why: options.Why = "",
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Report that an operation has failed."""
    _call("fail", "Failure", locals())


def _steering(name: str, words: str) -> None:
    """A command that does one thing to operations, one after the other."""

    @app.command(name, help=words)
    def steer(
        ids: options.Ids,
        *,
        resource: options.OfResource = None,
        why: options.Why = "",
        url: options.Url = None,
        key: options.Key = None,
        timeout: options.Timeout = 60.0,
        timezone: options.Zone = None,
        as_json: AsJson = False,
    ) -> None:
        _call("steer", "Steering", {**locals(), "verb": name}, but="name")


_steering("cancel", "Cancel operations; where leave is needed, somebody is asked for it.")
_steering("pause", "Pause running operations; where leave is needed, somebody is asked for it.")
_steering("resume", "Resume paused operations; where leave is needed, somebody is asked for it.")
_steering("hold", "Let queued operations wait until they are released.")
_steering("release", "Let operations that were held start when their turn comes.")
_steering("retry", "Try operations again that are in quarantine, or that rest.")


@resources.command("list")
def list_resources(
    *,
    url: options.Url = None,
    key: options.Key = None,
    timeout: options.Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """List the resources, and what each does."""
    _call("resource_list", "Asked", locals())


def _running(name: str, words: str) -> None:
    """A command that does one thing to a resource."""

    @resources.command(name, help=words)
    def run(
        resource: options.ResourceId,
        *,
        why: options.Why = "",
        url: options.Url = None,
        key: options.Key = None,
        timeout: options.Timeout = 60.0,
        as_json: AsJson = False,
    ) -> None:
        _call("resource_steer", "Running", {**locals(), "verb": name}, but="name")


_running("pause", "Start nothing more on a resource. What runs goes on.")
_running("resume", "Let a paused resource start operations again.")
_running("start", "Let a stopped resource take up its queue.")
_running("stop", "Start nothing more on a resource, until it is started again.")


def _call(command: str, asked: str, flags: dict[str, object], *, but: str = "") -> None:
    """`flags` are the locals of a command, `but` one that is no flag."""
    from pointsman.cli import operation_flags

    flags.pop(but, None)
    getattr(_commands(), command)(getattr(operation_flags, asked)(**flags))


def _commands() -> "ModuleType":
    """What the commands do.

    Raises:
        FlagError: If the extra that they need is not installed.
    """
    with needing("operation"):
        from pointsman.cli import operations
    return operations
