"""Instants as timestamps of protobuf, to the microsecond."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from pointsman.dispatches.checks import Invalid

EPOCH: Final = datetime.fromtimestamp(0, UTC)
LEAST_SECONDS: Final = -62_135_596_800
MOST_SECONDS: Final = 253_402_300_799
NANOS: Final = 1_000_000_000
"""In a second."""


def instant_of(field: str, pb: Timestamp) -> datetime:
    """The instant that a timestamp says. What it has below microseconds is cut off.

    Raises:
        Invalid: If it is none of the years 1 to 9999. It names the field.
    """
    seconds, nanos = pb.seconds, pb.nanos
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS or not 0 <= nanos < NANOS:
        raise Invalid(
            f"{field} is {seconds} seconds and {nanos} nanos after 1970: years 1 to 9999"
            f" with 0 to {NANOS - 1} nanos are allowed"
        )
    return EPOCH + timedelta(0, seconds, nanos // 1000)


def timestamp_of(instant: datetime) -> Timestamp:
    since = instant - EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)
