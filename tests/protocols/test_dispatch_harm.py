"""What no client should ask, and what no server should fall over."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1.dispatch_pb2_grpc import MicrogridDispatchServiceStub
from frequenz.client.dispatch import DispatchApiClient

from pointsman.api.grpc.service import SERVICE
from tests.protocols.dispatch_bench import (
    MICROGRID,
    SOON_SECONDS,
    Server,
    Serving,
    client,
    created,
    listed,
    restartable,
    server,
    soon,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
INVALID: Final = grpc.StatusCode.INVALID_ARGUMENT
Spoil = Callable[[pb2.CreateMicrogridDispatchRequest], object]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(Serving(tmp_path)) as running:
        yield running


@pytest.fixture
async def api(served: Server) -> AsyncIterator[DispatchApiClient]:
    async with client(served.url) as connected:
        yield connected


def request(spoil: Spoil | None = None) -> pb2.CreateMicrogridDispatchRequest:
    pb = pb2.CreateMicrogridDispatchRequest(microgrid_id=int(MICROGRID), start_immediately=False)
    data = pb.dispatch_data
    data.type = "charge"
    data.start_time.FromDatetime(soon(3600))
    data.duration = 900
    data.is_active = True
    data.target.component_categories_types.categories.add(category=5, battery=1)
    data.recurrence.freq = pb2.RecurrenceRule.FREQUENCY_DAILY
    data.recurrence.interval = 1
    if spoil is not None:
        spoil(pb)
    return pb


async def status(port: int, method: str, message: bytes) -> tuple[grpc.StatusCode, str]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Any = channel.unary_unary(f"/{SERVICE}/{method}")
        call = ask(message)
        async with asyncio.timeout(SOON_SECONDS):
            return await call.code(), await call.details()


def a_payload(payload: object) -> Spoil:
    def spoil(pb: pb2.CreateMicrogridDispatchRequest) -> None:
        pb.dispatch_data.payload.update(payload)  # type: ignore[arg-type]

    return spoil


def a_rule(**parts: Any) -> Spoil:  # noqa: ANN401  Any field.
    def spoil(pb: pb2.CreateMicrogridDispatchRequest) -> None:
        for name, value in parts.items():
            if isinstance(value, list):
                getattr(pb.dispatch_data.recurrence, name).extend(value)
            else:
                setattr(pb.dispatch_data.recurrence, name, value)

    return spoil


def bomb(depth: int) -> Spoil:
    def spoil(pb: pb2.CreateMicrogridDispatchRequest) -> None:
        struct = pb.dispatch_data.payload
        for _ in range(depth):
            struct = struct.fields["in"].struct_value
        struct.SetInParent()

    return spoil


WEEKLY, MINUTELY, HOURLY, YEARLY = 4, 1, 2, 6
LAST_DAY = 253_402_214_400
REFUSED: Final[list[tuple[str, Spoil, str]]] = [
    (
        "a start in the past",
        lambda pb: pb.dispatch_data.start_time.FromDatetime(datetime(2020, 1, 1, tzinfo=UTC)),
        "start_time 2020-01-01T00:00:00+00:00 has passed, as it is",
    ),
    ("no start", lambda pb: pb.dispatch_data.ClearField("start_time"), "start_time is missing"),
    (
        "a start that leaves no room",
        lambda pb: setattr(pb.dispatch_data.start_time, "seconds", LAST_DAY),
        "times before 9999-12-30T00:00:00+00:00 are allowed",
    ),
    (
        "a start out of all time",
        lambda pb: setattr(pb.dispatch_data.start_time, "seconds", 2**62),
        "start_time is 4611686018427387904 seconds",
    ),
    ("no target", lambda pb: pb.dispatch_data.ClearField("target"), "target is empty"),
    (
        "a target of nothing",
        lambda pb: pb.dispatch_data.target.component_ids.SetInParent(),
        "target is empty",
    ),
    (
        "too many components",
        lambda pb: pb.dispatch_data.target.component_ids.ids.extend(range(10_001)),
        "target has 10001 components: at most 10000 are allowed",
    ),
    (
        "a type that is a novel",
        lambda pb: setattr(pb.dispatch_data, "type", "x" * 1_001),
        "type has 1001 characters: at most 1000 are allowed",
    ),
    (
        "a payload too deep",
        a_payload({"1": {"2": {"3": {"4": {"5": {}}}}}}),
        "payload is nested deeper than the 5 levels",
    ),
    ("a payload deeper than anything", bomb(30), "payload is nested deeper than the 5 levels"),
    (
        "a payload too big",
        a_payload({"text": "x" * 51_200}),
        "payload is 51211 bytes of JSON: at most 51200 are allowed",
    ),
    ("a payload far too big", a_payload({"text": "x" * 500_000}), "payload is a message of"),
    ("a number that is none", a_payload({"n": float("nan")}), "payload cannot be written as JSON"),
    ("a payload that names no zone", a_payload({"recurrence_timezone": "Mars"}), "'Mars'"),
    (
        "a zone that is a novel",
        a_payload({"recurrence_timezone": "x" * 40_000}),
        "payload.recurrence_timezone is 'xxx",
    ),
    ("an absurd interval", a_rule(interval=2**32 - 1), "recurrence.interval is 4294967295: 1 to"),
    ("a minute too late", a_rule(byminutes=[60]), "recurrence.byminutes is 60: 0 to 59 are"),
    ("an hour too late", a_rule(byhours=[24]), "recurrence.byhours is 24: 0 to 23 are allowed"),
    ("no weekday", a_rule(byweekdays=[0]), "recurrence.byweekdays is 0: 1 (Monday) to 7 (Sunday)"),
    ("an eighth weekday", a_rule(byweekdays=[8]), "recurrence.byweekdays is 8: 1 (Monday) to 7"),
    ("a month day too late", a_rule(bymonthdays=[32]), "recurrence.bymonthdays is 32: 1 to 31 or"),
    ("no month day", a_rule(bymonthdays=[0]), "recurrence.bymonthdays is 0: 1 to 31 or -31 to -1"),
    ("a thirteenth month", a_rule(bymonths=[13]), "recurrence.bymonths is 13: 1 to 12 are allowed"),
    ("too many parts", a_rule(byhours=[1] * 1_001), "recurrence.byhours has 1001 values"),
    ("an unknown frequency", a_rule(freq=7), "recurrence.freq is 7: 1 (MINUTELY)"),
    (
        "month days of a week",
        a_rule(freq=WEEKLY, bymonthdays=[1]),
        "recurrence.bymonthdays is given with WEEKLY",
    ),
    (
        "hours that never come",
        a_rule(freq=HOURLY, interval=2, byhours=[(soon(3600).hour + 1) % 24]),
        "recurrence has no occurrence from start_time on",
    ),
    (
        "a day that never comes",
        a_rule(freq=YEARLY, bymonthdays=[30], bymonths=[2]),
        "recurrence has no occurrence from start_time on",
    ),
    (
        "a day that never comes, minute by minute",
        a_rule(freq=MINUTELY, interval=9_999, bymonthdays=[31], bymonths=[4]),
        "recurrence has no occurrence from start_time on",
    ),
    (
        "no occurrence at all",
        lambda pb: setattr(pb.dispatch_data.recurrence.end_criteria, "count", 0),
        "recurrence.end_criteria.count is 0: 1 to 4096 are allowed",
    ),
    (
        "too many occurrences",
        lambda pb: setattr(pb.dispatch_data.recurrence.end_criteria, "count", 4_097),
        "recurrence.end_criteria.count is 4097: 1 to 4096 are allowed",
    ),
    (
        "an end before the start",
        lambda pb: pb.dispatch_data.recurrence.end_criteria.until_time.FromDatetime(
            datetime(2020, 1, 1, tzinfo=UTC)
        ),
        "recurrence has no occurrence from start_time on",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "said"), [one[1:] for one in REFUSED], ids=[r[0] for r in REFUSED]
)
async def test_what_makes_no_sense_is_refused_by_its_name_and_changes_nothing(
    served: Server, api: DispatchApiClient, spoil: Spoil, said: str
) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        stub = MicrogridDispatchServiceStub(channel)
        stream = stub.StreamMicrogridDispatches(
            pb2.StreamMicrogridDispatchesRequest(microgrid_id=int(MICROGRID))
        )
        await stream.initial_metadata()
        message = request(spoil).SerializeToString()
        code, details = await status(served.port, "CreateMicrogridDispatch", message)
        assert (code, said in details) == (INVALID, True), details
        assert "\n" not in details
        assert len(details) <= 1_001
        assert await listed(api) == []
        dispatch = await created(api)
        heard: Any = await stream.read()
        assert heard.dispatch.metadata.dispatch_id == int(dispatch.id)
        stream.cancel()


async def test_what_is_sound_is_not_refused(served: Server) -> None:
    message = request().SerializeToString()
    code, details = await status(served.port, "CreateMicrogridDispatch", message)
    assert (code, details) == (grpc.StatusCode.OK, "")


@pytest.mark.parametrize(
    "method",
    [
        "CreateMicrogridDispatch",
        "UpdateMicrogridDispatch",
        "GetMicrogridDispatch",
        "DeleteMicrogridDispatch",
        "ListMicrogridDispatches",
    ],
)
async def test_bytes_that_are_no_request_are_the_askers_fault(served: Server, method: str) -> None:
    for garbage in (b"\xff" * 100, b"\x12\x7f", b"\x0a\x04\xff\xfe\xfd\xfc\x07"):
        code, details = await status(served.port, method, garbage)
        assert code in (INVALID, grpc.StatusCode.NOT_FOUND), details
    code, _ = await status(served.port, method, b"\xff" * 100)
    assert code is INVALID


async def test_a_bomb_deeper_than_a_message_can_be_is_the_askers_fault(served: Server) -> None:
    data = b""
    for _ in range(2_000):
        data = _field(1, _field(1, b"in") + _field(2, _field(5, data)))
    message = _field(2, _field(7, data))
    code, _ = await status(served.port, "CreateMicrogridDispatch", message)
    assert code is INVALID


def _field(number: int, data: bytes) -> bytes:
    """A field of protobuf that holds bytes, or another message."""
    size, left = b"", len(data)
    while left > 127:
        size, left = size + bytes([left & 127 | 128]), left >> 7
    return bytes([number << 3 | 2]) + size + bytes([left]) + data


async def test_a_request_larger_than_any_could_be_is_not_read(
    served: Server, api: DispatchApiClient
) -> None:
    message = request(a_payload({"text": "x" * 2_000_000})).SerializeToString()
    code, _ = await status(served.port, "CreateMicrogridDispatch", message)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await created(api)


async def test_garbage_on_the_port_disturbs_nobody(served: Server, api: DispatchApiClient) -> None:
    for garbage in (
        b"\x00" * 1_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxx",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(garbage)
        async with asyncio.timeout(SOON_SECONDS):
            await reader.read(100)
        writer.close()
    assert await created(api)


async def test_a_call_that_is_none_of_ours_is_not_implemented(served: Server) -> None:
    code, _ = await status(served.port, "ForgetMicrogridDispatch", b"")
    assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_mistake_of_ours_is_logged_and_told_to_nobody(
    served: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr(served.dispatches, "get", fail)
    with caplog.at_level(logging.ERROR):
        code, details = await status(served.port, "GetMicrogridDispatch", b"\x08\x07\x10\x40")
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in details
    assert [one.exc_info is not None for one in caplog.records] == [True]


async def test_pages_go_on_where_they_were_after_a_restart(tmp_path: Path) -> None:
    async with restartable(tmp_path) as served, client(served.url) as api:
        all_of_them = [await created(api, type=f"number {n}") for n in range(7)]
        pages = api.list(MICROGRID, page_size=3)
        first = list(await anext(pages))
        await served.stop()
        await served.start()
        async with client(served.url) as other:
            await created(other, type="in between")
        rest = [dispatch async for page in pages for dispatch in page]
    assert [*first, *rest] == all_of_them[::-1]
    assert len(first) == 3


async def test_a_page_is_never_larger_than_a_client_takes(api: DispatchApiClient) -> None:
    payload = {"text": "x" * 51_000}
    ids = {(await created(api, payload=payload)).id for _ in range(100)}
    pages = [list(page) async for page in api.list(MICROGRID)]
    assert len(pages) == 2
    found = [dispatch.id for page in pages for dispatch in page]
    assert (len(found), set(found)) == (100, ids)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pb: setattr(pb.pagination_params, "page_token", "!"), "page_token is '!'"),
        (lambda pb: setattr(pb.sort_options, "sort_field", 9), "sort_options.sort_field is 9"),
        (lambda pb: setattr(pb.sort_options, "sort_order", 9), "sort_options.sort_order is 9"),
        (lambda pb: pb.filter.targets.add(), "filter.targets[0] is empty"),
        (
            lambda pb: setattr(pb.filter.end_time_interval.end_time, "nanos", -1),
            "filter.end_time_interval.end_time is",
        ),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused_by_its_name(
    served: Server, spoil: Callable[[pb2.ListMicrogridDispatchesRequest], object], said: str
) -> None:
    pb = pb2.ListMicrogridDispatchesRequest(microgrid_id=7)
    spoil(pb)
    code, details = await status(served.port, "ListMicrogridDispatches", pb.SerializeToString())
    assert (code, details.startswith(said)) == (INVALID, True), details


@pytest.mark.parametrize("path", ["type", "is_dry_run", "metadata.dispatch_id", "recurrence.count"])
async def test_what_can_never_change_is_refused_by_its_name(
    served: Server, api: DispatchApiClient, path: str
) -> None:
    dispatch = await created(api)
    pb = pb2.UpdateMicrogridDispatchRequest(microgrid_id=7, dispatch_id=int(dispatch.id))
    pb.update_mask.paths.append(path)
    code, details = await status(served.port, "UpdateMicrogridDispatch", pb.SerializeToString())
    assert (code, f"names '{path}', which cannot be changed" in details) == (INVALID, True)
    assert await listed(api) == [dispatch]
