"""The commands and their flags. What they do is imported when one of them is called."""

from pathlib import Path
from typing import Annotated

import typer

from pointsman.cli import dispatch_commands, operation_commands, operation_options
from pointsman.cli.options import (
    AllowControl,
    AsJson,
    Data,
    DataFolder,
    DryRun,
    Grpc,
    Http,
    Journal,
    KeysFile,
    Ocpp,
    Pem,
    Plan,
    PlanZone,
    ReportFile,
    ShownZone,
    SiteFile,
    SiteFiles,
    SiteId,
    Speed,
    TakeOver,
)

app = typer.Typer(
    help="You have a plan; pointsman makes the equipment follow it, and proves that it did.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dispatch_commands.app, name="dispatch")
app.add_typer(operation_commands.app, name="operation")
app.add_typer(operation_commands.resources, name="resource")


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """You have a plan; pointsman makes the equipment follow it, and proves that it did."""
    from pointsman.cli import output

    if version:
        from importlib.metadata import version as installed

        output.line(f"pointsman {installed('pointsman')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        output.line(context.get_help())
        raise typer.Exit(2)


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Carry out a simulated day in about 90 seconds."""
    from pointsman.cli import plans

    plans.demo(as_json=as_json)


@app.command()
def check(plan: Plan, site: SiteFile, tz: PlanZone = None, as_json: AsJson = False) -> None:
    """Tell what a plan would do: commands, clamps, gaps, limits. Writes nothing."""
    from pointsman.cli import checks

    checks.check(plan, site, tz, as_json=as_json)


@app.command()
def run(  # noqa: PLR0913  The flags of a run.
    plan: Plan,
    site: SiteFile,
    *,
    dry_run: DryRun = False,
    speed: Speed = 1.0,
    tz: PlanZone = None,
    journal: Journal = None,
    report: ReportFile = None,
    ocpp: Ocpp = None,
    take_over: TakeOver = False,
    as_json: AsJson = False,
) -> None:
    """Carry out a plan to its end, and report. Started again, it goes on where it was."""
    from pointsman.cli import plans

    plans.run(
        plan,
        site,
        report,
        plans.options(
            dry_run=dry_run,
            speed=speed,
            tz=tz,
            journal=journal,
            ocpp=ocpp,
            take_over=take_over,
        ),
        as_json=as_json,
    )


@app.command()
def simulate(
    site: SiteFile,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What goes wrong, and when.")
    ] = None,
    ocpp: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where to dial in. Default: 127.0.0.1:9000."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Write down all that is received.")
    ] = None,
) -> None:
    """Be the site's devices, speaking their real protocols on loopback, until interrupted."""
    from pointsman.cli import plans

    plans.simulate(site, faults, ocpp, log)


@app.command()
def serve(  # noqa: PLR0913  The flags of a server.
    *,
    site: SiteFiles = None,
    data: DataFolder = None,
    http: Http = None,
    grpc: Grpc = None,
    ocpp: Ocpp = None,
    keys: KeysFile = None,
    tls_certificate: Pem = None,
    tls_key: Pem = None,
    tls_client_ca: Pem = None,
    allow_control: AllowControl = False,
    take_over: TakeOver = False,
    as_json: AsJson = False,
) -> None:
    """Serve dispatches over gRPC, and operations over REST and MCP, until interrupted."""
    from pointsman.cli.extras import needing

    with needing("serve"):
        from pointsman.cli import serving

    serving.serve_until_stopped(
        site or (),
        take_over=take_over,
        allow_control=allow_control,
        as_json=as_json,
        data=data,
        http=http,
        grpc=grpc,
        ocpp=ocpp,
        keys=keys,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
    )


@app.command()
def history(  # noqa: PLR0913  Its flags.
    *,
    resource: operation_options.Resource = None,
    from_: operation_options.From = None,
    to: operation_options.To = None,
    gantt: operation_options.Gantt = None,
    out: operation_options.Out = None,
    url: operation_options.Url = None,
    key: operation_options.Key = None,
    timeout: operation_options.Timeout = 60.0,
    timezone: operation_options.Zone = None,
    as_json: AsJson = False,
) -> None:
    """Work out figures of what has happened to operations; draw them as a Gantt chart."""
    flags = locals()
    from pointsman.cli.extras import needing

    with needing("history"):
        from pointsman.cli import history as past

        past.history(past.Past(**flags))


@app.command()
def mcp(
    *,
    allow_control: AllowControl = False,
    url: operation_options.Url = None,
    key: operation_options.Key = None,
    timeout: operation_options.Timeout = 60.0,
) -> None:
    """Speak MCP on standard input and output, for an agent, on behalf of a server."""
    from pointsman.cli.extras import needing

    with needing("mcp"):
        from pointsman.cli import agents

    agents.speak_until_closed(url, key, timeout, allow_control=allow_control)


@app.command()
def why(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="The id of an asset.")],
    time: Annotated[
        str | None, typer.Argument(metavar="[TIME]", help="ISO 8601. Default: the last fact's.")
    ] = None,
    journal: Journal = None,
    data: Data = None,
    site_id: SiteId = None,
    tz: ShownZone = None,
    as_json: AsJson = False,
) -> None:
    """Tell the facts behind an asset's value, now or at a time."""
    from pointsman.cli import questions

    questions.why(questions.Asked(journal, data, site_id, tz, as_json), asset, time)


@app.command()
def report(
    day: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            help="The plan put in force last of those that reach into this day, as in 2019-06-05.",
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(metavar="ID", help="This plan. Default: the one put in force last."),
    ] = None,
    journal: Journal = None,
    data: Data = None,
    site_id: SiteId = None,
    tz: ShownZone = None,
    as_json: AsJson = False,
) -> None:
    """Report a plan: what was planned, requested, acknowledged, delivered."""
    from pointsman.cli import questions

    questions.report(questions.Asked(journal, data, site_id, tz, as_json), day, plan)


@app.command()
def status(
    journal: Journal = None,
    data: Data = None,
    site_id: SiteId = None,
    tz: ShownZone = None,
    as_json: AsJson = False,
) -> None:
    """Show the run, the plan in force, and how each asset stands."""
    from pointsman.cli import questions

    questions.status(questions.Asked(journal, data, site_id, tz, as_json))


@app.command()
def log(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as facts come.")] = False,
    journal: Journal = None,
    data: Data = None,
    tz: ShownZone = None,
    as_json: AsJson = False,
) -> None:
    """Print every fact, a line each, oldest first."""
    from pointsman.cli import questions

    questions.log(questions.Asked(journal, data, None, tz, as_json), follow_on=follow)
