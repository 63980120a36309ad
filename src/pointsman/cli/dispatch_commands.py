"""`pointsman dispatch`: the commands and their flags. What they do is imported when called.

Each passes on all that it was given, by name: see `dispatch_flags` for what that means.
"""

from typing import TYPE_CHECKING

import typer

from pointsman.cli import dispatch_options as options
from pointsman.cli.extras import needing
from pointsman.cli.options import AsJson

if TYPE_CHECKING:
    from types import ModuleType


app = typer.Typer(
    help="Dispatches of a microgrid, at any server of the Dispatch API.",
    no_args_is_help=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_(  # noqa: PLR0913  Its flags.
    microgrid: options.Microgrid,
    *,
    target: options.Targets = None,
    start_from: options.From = None,
    start_to: options.To = None,
    end_from: options.From = None,
    end_to: options.To = None,
    updated_from: options.From = None,
    updated_to: options.To = None,
    active: options.Active = None,
    dry_run: options.DryOrNot = None,
    recurring: options.Recurring = None,
    id: options.OfIds = None,
    query: options.Query = None,
    running: options.Running = False,
    type: options.OfType = None,
    sort: options.SortBy = None,
    descending: options.Descending = None,
    limit: options.Limit = None,
    page_size: options.PageSize = None,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """List dispatches: those that meet all that is asked for."""
    _call("list_", "Listing", locals())


@app.command()
def get(
    microgrid: options.Microgrid,
    ids: options.Ids,
    *,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Show dispatches."""
    _call("get", "Several", locals())


@app.command()
def create(  # noqa: PLR0913  Its flags.
    microgrid: options.Microgrid,
    type: options.Type,
    target: options.TargetWord,
    start: options.StartWord,
    duration: options.DurationWord = "forever",
    *,
    inactive: options.Inactive = False,
    dry_run: options.Dry = False,
    payload: options.Payload = None,
    every: options.Every = None,
    count: options.Count = None,
    until: options.Until = None,
    by_minute: options.ByMinute = None,
    by_hour: options.ByHour = None,
    by_day: options.ByDay = None,
    by_month_day: options.ByMonthDay = None,
    by_month: options.ByMonth = None,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Anchor = None,
    as_json: AsJson = False,
) -> None:
    """Create a dispatch, and show it."""
    _call("create", "Creation", locals())


@app.command()
def update(  # noqa: PLR0913  Its flags.
    microgrid: options.Microgrid,
    id: options.Id,
    *,
    start: options.NewStart = None,
    duration: options.NewDuration = None,
    no_duration: options.NoDuration = False,
    target: options.NewTarget = None,
    active: options.Activate = None,
    payload: options.Payload = None,
    no_payload: options.NoPayload = False,
    every: options.Every = None,
    count: options.Count = None,
    until: options.Until = None,
    by_minute: options.ByMinute = None,
    by_hour: options.ByHour = None,
    by_day: options.ByDay = None,
    by_month_day: options.ByMonthDay = None,
    by_month: options.ByMonth = None,
    no_recurrence: options.NoRecurrence = False,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Anchor = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given of a dispatch, and show it. `none` empties a --by list."""
    _call("update", "Change", locals())


@app.command()
def delete(
    microgrid: options.Microgrid,
    ids: options.Ids,
    *,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Delete dispatches, and tell which."""
    _call("delete", "Several", locals())


@app.command()
def stream(
    microgrid: options.Microgrid,
    *,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Print what happens to dispatches, until interrupted."""
    _call("stream", "Asked", locals())


@app.command("next")
def next_(  # noqa: PLR0913  Its flags.
    microgrid: options.Microgrid,
    id: options.Id,
    *,
    count: options.Runs = 10,
    from_: options.RunsFrom = "now",
    until: options.RunsUntil = None,
    url: options.Url = None,
    key: options.Key = None,
    secret: options.Secret = None,
    timeout: options.Timeout = 60.0,
    timezone: options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Foretell a dispatch's runs: their starts and ends."""
    _call("next_", "Coming", locals())


def _call(command: str, asked: str, flags: dict[str, object]) -> None:
    from pointsman.cli import dispatch_flags

    getattr(_commands(), command)(getattr(dispatch_flags, asked)(**flags))


def _commands() -> "ModuleType":
    """What the commands do.

    Raises:
        FlagError: If the extra that they need is not installed.
    """
    with needing("dispatch"):
        from pointsman.cli import dispatches
    return dispatches
