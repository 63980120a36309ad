"""Fields as they come in: instants, numbers and JSON, none of them guessed."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from pointsman.operations.checks import DURATION_MOST, PRIORITY_MOST

MILLISECONDS_MOST: Final = int(DURATION_MOST.total_seconds() * 1_000)
LINE_MOST: Final = 1_000
SEQ_MOST: Final = 2**63 - 1
_LOST_PLUS: Final = re.compile(r"(:\d\d\S*) (\d\d:?\d\d)\Z")
"""A URL says a space by a plus, so an offset that was not quoted comes without its sign."""
_UUID: Final = re.compile("[0-9a-fA-F]{8}(-?)([0-9a-fA-F]{4}\\1){3}[0-9a-fA-F]{12}")


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
        read = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", value))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be in ISO 8601, such as 2026-01-01T12:00:00Z") from error


def identity(text: str) -> str:
    """The id of an operation, in its one spelling.

    Raises:
        ValueError: If it is no UUID.
    """
    if not _UUID.fullmatch(text):
        raise ValueError("must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000")
    return str(UUID(text))


Instant = Annotated[
    datetime,
    BeforeValidator(instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Whole = Annotated[int, Field(strict=True)]
Priority = Annotated[Whole, Field(ge=-PRIORITY_MOST, le=PRIORITY_MOST)]
Milliseconds = Annotated[Whole, Field(gt=0, le=MILLISECONDS_MOST)]
Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
"""Said by us, so it is one. A client has it of the type that its calls want."""
Id = Annotated[Uuid, AfterValidator(identity)]
Line = Annotated[str, StringConstraints(max_length=LINE_MOST)]
Seq = Annotated[int | None, Query(ge=0, le=SEQ_MOST)]
"""A place among all events."""
