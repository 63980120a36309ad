"""The arguments and flags of `pointsman dispatch`."""

from typing import Annotated, TypeAlias

import typer

Text: TypeAlias = str | None
Texts: TypeAlias = list[str] | None
Choice: TypeAlias = bool | None

Microgrid: TypeAlias = Annotated[str, typer.Argument(metavar="MICROGRID", help="As in 7.")]
Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The dispatch, as in 64.")]
Ids: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="ID…", help="As in 64, or 1,2 or 1-3.")
]
Type: TypeAlias = Annotated[str, typer.Argument(metavar="TYPE", help="What is to be done.")]
TargetWord: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="Ids as in 1,2 or categories as in battery:li_ion."),
]
StartWord: TypeAlias = Annotated[
    str, typer.Argument(metavar="START", help="now, +1h30m, or ISO 8601 with its zone.")
]
DurationWord: TypeAlias = Annotated[
    str, typer.Argument(metavar="DURATION", help="As in 300, 5m, 1h30m, PT5M, forever.")
]

Url: TypeAlias = Annotated[
    Text,
    typer.Option(metavar="URL", help="grpc://HOST:PORT[?ssl=false]. Default: the one served here."),
]
Key: TypeAlias = Annotated[Text, typer.Option(metavar="KEY", help="What to show that server.")]
Secret: TypeAlias = Annotated[Text, typer.Option(metavar="SECRET", help="What to sign calls with.")]
Timeout: TypeAlias = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.001, max=1e6, help="How long to wait for an answer."),
]
Zone: TypeAlias = Annotated[
    Text,
    typer.Option("--timezone", metavar="ZONE", help="Of times, read and shown. Default: local."),
]
Anchor: TypeAlias = Annotated[
    Text,
    typer.Option(
        "--timezone", metavar="ZONE", help="Of times, read and shown, and of what recurs."
    ),
]

Every: TypeAlias = Annotated[
    Text, typer.Option(metavar="PERIOD", help="It recurs: day, 15m, '2 weeks'.")
]
Count: TypeAlias = Annotated[int | None, typer.Option(min=1, max=4096, help="So many times.")]
Until: TypeAlias = Annotated[
    Text, typer.Option(metavar="TIME", help="The last start is then at the latest, or never.")
]
ByMinute: TypeAlias = Annotated[Texts, typer.Option(metavar="N", help="0 to 59, as in 0,30.")]
ByHour: TypeAlias = Annotated[Texts, typer.Option(metavar="N", help="0 to 23, as in 8-17.")]
ByDay: TypeAlias = Annotated[Texts, typer.Option(metavar="DAY", help="As in mon-fri.")]
ByMonthDay: TypeAlias = Annotated[
    Texts, typer.Option(metavar="N", help="1 to 31, or -1 for the last one.")
]
ByMonth: TypeAlias = Annotated[Texts, typer.Option(metavar="MONTH", help="As in jan or 1.")]
Payload: TypeAlias = Annotated[
    Text, typer.Option(metavar="JSON", help="An object, or @FILE that has one.")
]

NewStart: TypeAlias = Annotated[Text, typer.Option(metavar="START", help="Another start.")]
NewDuration: TypeAlias = Annotated[Text, typer.Option(metavar="DURATION", help="Another one.")]
NoDuration: TypeAlias = Annotated[bool, typer.Option("--no-duration", help="It never ends.")]
NewTarget: TypeAlias = Annotated[Text, typer.Option(metavar="TARGET", help="Another target.")]
Activate: TypeAlias = Annotated[
    Choice, typer.Option("--activate/--deactivate", help="Whether it has runs.")
]
NoPayload: TypeAlias = Annotated[bool, typer.Option("--no-payload", help="Empty it.")]
NoRecurrence: TypeAlias = Annotated[bool, typer.Option("--no-recurrence", help="Once only.")]
Inactive: TypeAlias = Annotated[bool, typer.Option("--inactive", help="It has no runs yet.")]
Dry: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Whoever acts only pretends to.")]

Targets: TypeAlias = Annotated[
    Texts, typer.Option(metavar="TARGET", help="Any of these. May be given several times.")
]
From: TypeAlias = Annotated[Text, typer.Option(metavar="TIME", help="From then on.")]
To: TypeAlias = Annotated[Text, typer.Option(metavar="TIME", help="Before then.")]
Active: TypeAlias = Annotated[Choice, typer.Option("--active/--inactive")]
DryOrNot: TypeAlias = Annotated[Choice, typer.Option("--dry-run/--no-dry-run")]
Recurring: TypeAlias = Annotated[Choice, typer.Option("--recurring/--one-shot")]
OfIds: TypeAlias = Annotated[Texts, typer.Option(metavar="ID", help="As in 64, 1,2 or 1-3.")]
Query: TypeAlias = Annotated[
    Texts, typer.Option(metavar="TEXT", help="A part of the type, or #64 for an id.")
]
Running: TypeAlias = Annotated[bool, typer.Option("--running", help="Only what runs now.")]
OfType: TypeAlias = Annotated[Text, typer.Option(metavar="TYPE", help="Exactly this type.")]
SortBy: TypeAlias = Annotated[Text, typer.Option(metavar="start|created|updated")]
Descending: TypeAlias = Annotated[Choice, typer.Option("--descending/--ascending")]
Limit: TypeAlias = Annotated[int | None, typer.Option(min=1, help="At most so many.")]
PageSize: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=1000, help="How many to ask for at once.")
]
Runs: TypeAlias = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
RunsFrom: TypeAlias = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Which start then or later.")
]
RunsUntil: TypeAlias = Annotated[Text, typer.Option(metavar="TIME", help="Which start before.")]
