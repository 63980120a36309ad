"""The arguments and flags of `pointsman operation`, `resource` and `history`."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Text: TypeAlias = str | None
Texts: TypeAlias = list[str] | None

Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The operation.")]
Ids: TypeAlias = Annotated[list[str], typer.Argument(metavar="ID…", help="The operations.")]
Payload: TypeAlias = Annotated[
    str, typer.Argument(metavar="PAYLOAD", help="A JSON object, or @FILE that has one.")
]
ResourceId: TypeAlias = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="The resource, as the site file names it.")
]
Request: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="A request, or the operation that it is about.")
]
Resource: TypeAlias = Annotated[
    Text, typer.Option(metavar="ID", help="The resource. Default: the site's first.")
]
OfResource: TypeAlias = Annotated[
    Text, typer.Option("--resource", metavar="ID", help="The resource. Default: whichever has it.")
]
Resources: TypeAlias = Annotated[
    Text, typer.Option("--resource", metavar="ID", help="Only of this one. Default: of all.")
]
Url: TypeAlias = Annotated[
    Text, typer.Option(metavar="URL", help="http://HOST:PORT. Default: the one served here.")
]
Key: TypeAlias = Annotated[Text, typer.Option(metavar="KEY", help="What to show that server.")]
Timeout: TypeAlias = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.001, max=1e6, help="How long to wait for an answer."),
]
Zone: TypeAlias = Annotated[
    Text,
    typer.Option("--timezone", metavar="ZONE", help="Of times, read and shown. Default: local."),
]
Why: TypeAlias = Annotated[
    str, typer.Option(metavar="TEXT", help="What for. The history keeps it.")
]
Priority: TypeAlias = Annotated[int | None, typer.Option(metavar="N", help="Larger goes first.")]
Release: TypeAlias = Annotated[
    Text, typer.Option(metavar="TIME", help="It starts no earlier: +1h30m, or ISO 8601.")
]
Due: TypeAlias = Annotated[Text, typer.Option(metavar="TIME", help="By when it should be done.")]
Planned: TypeAlias = Annotated[
    Text, typer.Option(metavar="DURATION", help="How long it should take: 300, 5m, 1h30m, PT5M.")
]
Job: TypeAlias = Annotated[
    Text, typer.Option(metavar="ID", help="The job: a label that operations share.")
]
After: TypeAlias = Annotated[
    Texts, typer.Option(metavar="ID", help="It starts once this one has ended well.")
]
Once: TypeAlias = Annotated[
    Text, typer.Option(metavar="KEY", help="Adding again with the same key is adding once.")
]
State: TypeAlias = Annotated[
    Text,
    typer.Option(metavar="STATE", help="queued, running, paused, completed, failed, cancelled."),
]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, help="At most so many.")]
Result: TypeAlias = Annotated[
    Text, typer.Option(metavar="JSON", help="What came of it, or @FILE that has it.")
]
Error: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why it failed, for people.")
]
Code: TypeAlias = Annotated[str, typer.Option(metavar="CODE", help="Why it failed, for programs.")]
NewPayload: TypeAlias = Annotated[
    Text, typer.Option(metavar="JSON", help="Another one: an object, or @FILE that has one.")
]

From: TypeAlias = Annotated[
    Text, typer.Option("--from", metavar="TIME", help="From then on: -1d, or ISO 8601.")
]
To: TypeAlias = Annotated[Text, typer.Option("--to", metavar="TIME", help="Until then.")]
Gantt: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="OUT.html", help="Write a Gantt chart to this file.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write each operation's figures to a .csv, .json or .parquet."
    ),
]
