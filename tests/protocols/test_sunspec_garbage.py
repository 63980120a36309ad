"""SunSpec devices that do not answer what was asked."""

import asyncio

import pytest

from pointsman.devices import DeviceFailed
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import CommandType
from tests.protocols.sunspec_bench import (
    Ears,
    Talk,
    asked,
    battery,
    command,
    fleet_of,
    seconds_from,
    served,
    simulated,
)

MARK = [0x5375, 0x6E53]
CONTROLS_704 = [704, 65, *[0] * 65]


def answering(registers: list[int]) -> Talk:
    """Says the same to everything, except that "SunS" is where it should be."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await asked(reader)
            said = MARK if request.address == 40000 else (registers * 100)[: request.count]
            writer.write(request.answer(said))

    return talk


async def zeros(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = await asked(reader)
        writer.write(request.answer([0] * request.count))


async def too_few(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write((await asked(reader)).answer([0x5375]))


async def cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await asked(reader)).answer(MARK)[:-1])
    await reader.read()


async def other_transaction(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        frame = (await asked(reader)).answer(MARK)
        writer.write(b"\x77\x77" + frame[2:])


async def other_unit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        frame = (await asked(reader)).answer(MARK)
        writer.write(frame[:6] + b"\x63" + frame[7:])


async def web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asked(reader)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


async def wrong_count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await asked(reader)
    writer.write(request.header[:4] + b"\x00\x05" + bytes([request.unit, 3, 200, 1, 2]))
    await reader.read()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asked(reader)
    writer.close()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asked(reader)
    while True:
        writer.write(b"\xff" * 4096)
        await writer.drain()


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (zeros, 'no "SunS" at 40000, 0, 50000'),
        (answering([1, 66]), "more than 100 models"),
        (answering([1, 0]), "cannot be 0 registers long"),
        (answering([1, 65000]), "cannot be 65000 registers long"),
        (too_few, "1 came back"),
        (cut_off, "no answer"),
        (other_transaction, "no answer"),
        (other_unit, "no answer"),
        (web_page, "garbage"),
        (wrong_count, "garbage"),
        (closing, "closed before an answer"),
        (flood, "garbage"),
    ],
)
async def test_a_bad_device_gives_one_clear_error_and_harms_no_other(
    talk: Talk, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = battery("good")
    with simulated(good) as elsewhere:
        async with asyncio.timeout(10), served(talk) as port:
            bad, ears = battery("bad", port=port), Ears()
            fleet = fleet_of(bad, good, ears=ears, speed=60.0)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(fleet.run())
                begun = SystemClock().now()
                with pytest.raises(DeviceFailed, match=said) as failed:
                    await fleet.devices["bad"].send(
                        command(bad, CommandType.SET_CHARGE_RATE, power_kw=5.0)
                    )
                assert seconds_from(begun) < 2.2  # Its own second, and one for the meter's turn.
                await fleet.devices["good"].send(
                    command(good, CommandType.SET_CHARGE_RATE, power_kw=5.0)
                )
                await ears.until(lambda: any(id == "bad" for id, *_ in ears.states))
                running.cancel()
        assert elsewhere.power_kw("good") == pytest.approx(5.0)
    assert not failed.value.doubtful
    assert "\n" not in str(failed.value)
    assert [state for id, state, _ in ears.states if id == "bad"] == ["unavailable"]
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_connection_that_ends_during_a_write_leaves_a_doubt() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        registers = MARK + CONTROLS_704 + [0xFFFF, 0]
        while (request := await asked(reader)).function == 3:
            begin = request.address - 40000
            writer.write(request.answer(registers[begin : begin + request.count]))
        writer.close()

    async with asyncio.timeout(10), served(talk) as port:
        asset = battery(port=port)
        fleet = fleet_of(asset)
        begun = SystemClock().now()
        with pytest.raises(DeviceFailed, match="closed before an answer") as failed:
            await fleet.devices[asset.id].send(
                command(asset, CommandType.SET_CHARGE_RATE, power_kw=5.0)
            )
        assert seconds_from(begun) < 1
        fleet.close()
    assert failed.value.doubtful
    assert not failed.value.permanent
