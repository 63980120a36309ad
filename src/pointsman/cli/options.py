"""The arguments and flags that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Plan: TypeAlias = Annotated[
    str, typer.Argument(metavar="PLAN", help="A .csv or .parquet file, or - for CSV from stdin.")
]
SiteFile: TypeAlias = Annotated[
    Path, typer.Option("--site", metavar="SITE.toml", help="The site and its equipment.")
]
PlanZone: TypeAlias = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="The zone of plan times that have no offset."),
]
ShownZone: TypeAlias = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="The zone of times. Default: the site's, else UTC."),
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Do everything but write to a device.")
]
Speed: TypeAlias = Annotated[
    float, typer.Option(metavar="N", help="Simulated devices only: N times as fast.")
]
ReportFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="OUT.json", help="Write the report to this file."),
]
TakeOver: TypeAlias = Annotated[
    bool, typer.Option("--take-over", help="Take the journal from the process that has it.")
]
Ocpp: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where chargers dial in. Default: 127.0.0.1:9000."),
]
Journal: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The journal. Default: ./pointsman.db."),
]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A data directory, whose journal.db is meant."),
]
SiteId: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Which site, where the journal has several."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
SiteFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--site", metavar="SITE.toml", help="A site to claim. May come several times."),
]
DataFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data directory. Default: ./pointsman-data."),
]
Http: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="REST, and MCP at /mcp. Default: 127.0.0.1:8080."),
]
Grpc: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The Dispatch API. Default: 127.0.0.1:50051."),
]
KeysFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--keys", metavar="KEYS.toml", help="Who is let in. Without: this machine."),
]
Pem: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="PEM. With a certificate and a key: TLS only.")
]
AllowControl: TypeAlias = Annotated[
    bool, typer.Option("--allow-control", help="Let agents change things over MCP, not only look.")
]
