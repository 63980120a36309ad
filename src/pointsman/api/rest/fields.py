"""Fields as they come in: instants, numbers and JSON, none of them guessed."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Query
from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from pointsman.operations.checks import DURATION_MOST, ID_LENGTH_MOST, PRIORITY_MOST

MILLISECONDS_MOST: Final = int(DURATION_MOST.total_seconds() * 1_000)
LINE_MOST: Final = 1_000
SEQ_MOST: Final = 2**63 - 1


def instant(value: object) -> datetime | None:
    """An instant in ISO 8601. One without a zone is meant in UTC.

    Raises:
        ValueError: If it is none.
    """
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text in ISO 8601, such as 2026-01-01T12:00:00Z")
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be in ISO 8601, such as 2026-01-01T12:00:00Z") from error


Instant = Annotated[
    datetime,
    BeforeValidator(instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Whole = Annotated[int, Field(strict=True)]
Priority = Annotated[Whole, Field(ge=-PRIORITY_MOST, le=PRIORITY_MOST)]
Milliseconds = Annotated[Whole, Field(gt=0, le=MILLISECONDS_MOST)]
Id = Annotated[
    str, StringConstraints(min_length=1, max_length=ID_LENGTH_MOST, pattern="^[A-Za-z0-9_-]+$")
]
Line = Annotated[str, StringConstraints(max_length=LINE_MOST)]
Seq = Annotated[int | None, Query(ge=0, le=SEQ_MOST)]
"""A place among all events."""
