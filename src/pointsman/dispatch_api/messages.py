"""Dispatches, and what is asked of them, as messages of the Dispatch API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2

from pointsman.dispatch_api.instants import instant_of, timestamp_of
from pointsman.dispatch_api.payloads import payload_of, struct_of
from pointsman.dispatch_api.rules import pb_rule, rule_of
from pointsman.dispatch_api.targets import pb_target, target_of
from pointsman.dispatches.checks import Invalid, check_rule, check_target
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch, DispatchData, Rule
from pointsman.dispatches.sharing import SHARED_MOST, shared

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Unreadable(ValueError):
    """A server sent a dispatch that nobody can live with. One line: which one, and what of it."""


@dataclass(frozen=True, slots=True)
class Creation:
    """What a request to create a dispatch says."""

    microgrid_id: int
    data: DispatchData
    start_now: bool
    """Then `data.start_time` counts for nothing."""


def creation_of(pb: pb2.CreateMicrogridDispatchRequest) -> Creation:
    """What is to be created.

    Raises:
        Invalid: If there are numbers in it that mean nothing, or something is missing.
    """
    if not pb.start_immediately and not pb.dispatch_data.HasField("start_time"):
        raise Invalid("start_time is missing: give one, or start_immediately")
    return Creation(pb.microgrid_id, data_of(pb.dispatch_data), pb.start_immediately)


def data_of(pb: pb2.DispatchData) -> DispatchData:
    """What a message says of a dispatch. Whether all of that makes sense, `check_data` knows.

    Raises:
        Invalid: If there are numbers in it that mean nothing.
    """
    return DispatchData(
        pb.type,
        instant_of("start_time", pb.start_time),
        _target(pb.target.SerializeToString()),
        pb.duration if pb.HasField("duration") else None,
        pb.is_active,
        pb.is_dry_run,
        payload_of(pb.payload) if pb.HasField("payload") else {},
        _rule(pb.recurrence.SerializeToString()) if pb.HasField("recurrence") else None,
    )


def dispatch_of(pb: pb2.Dispatch, microgrid_id: int) -> Dispatch:
    """The dispatch that a server sent.

    Its `last_start` is what its end says. Where that says nothing, only its recurrence knows.

    Raises:
        Unreadable: If it is one that this release cannot live with.
    """
    metadata = pb.metadata
    try:
        data = data_of(pb.data)
        ends = metadata.HasField("end_time")
        end_time = instant_of("end_time", metadata.end_time) if ends else None
        return Dispatch(
            metadata.dispatch_id,
            microgrid_id,
            data,
            instant_of("create_time", metadata.create_time),
            instant_of("update_time", metadata.update_time),
            _last_start(data, end_time),
            end_time,
        )
    except Invalid as error:
        raise Unreadable(f"dispatch {metadata.dispatch_id}: {error}") from error


@lru_cache(SHARED_MOST)
def _target(message: bytes) -> Target:
    """Read, checked and kept once, however many dispatches are for it."""
    target = target_of("target", pb2.TargetComponents.FromString(message))
    check_target(target)
    kept: Target = shared(target)
    return kept


@lru_cache(SHARED_MOST)
def _rule(message: bytes) -> Rule | None:
    """As `_target`."""
    rule = rule_of(pb2.RecurrenceRule.FromString(message))
    if rule is not None:
        check_rule(rule)
    kept: Rule | None = shared(rule)
    return kept


def _last_start(data: DispatchData, end_time: datetime | None) -> datetime | None:
    if data.recurrence is None:
        return data.start_time
    if end_time is None or data.duration_seconds is None:
        return None
    return end_time - min(timedelta(seconds=data.duration_seconds), end_time - EARLIEST)


def pb_of(dispatch: Dispatch) -> pb2.Dispatch:
    metadata = pb2.DispatchMetadata(
        dispatch_id=dispatch.id,
        create_time=timestamp_of(dispatch.create_time),
        update_time=timestamp_of(dispatch.update_time),
        end_time=None if dispatch.end_time is None else timestamp_of(dispatch.end_time),
    )
    return pb2.Dispatch(metadata=metadata, data=pb_data(dispatch.data))


def pb_data(data: DispatchData) -> pb2.DispatchData:
    return pb2.DispatchData(
        type=data.type,
        start_time=timestamp_of(data.start_time),
        duration=data.duration_seconds,
        target=pb_target(data.target),
        is_active=data.active,
        is_dry_run=data.dry_run,
        payload=struct_of(data.payload),
        recurrence=None if data.recurrence is None else pb_rule(data.recurrence),
    )
