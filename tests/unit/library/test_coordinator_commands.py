"""Commands in the library: made, due, handed out, found again."""

# ruff: noqa: ANN401  Answers are of any kind.

import asyncio
import threading
from typing import Any

import pytest

from pointsman.coordinator import (
    AdapterRegistry,
    Command,
    CommandStatus,
    CommandType,
    DispatchEngine,
    DispatchError,
    EventType,
    NoAdapterError,
)
from pointsman.devices import Taken
from tests.unit.library.coordination import (
    BAY,
    MAP,
    Charger,
    at,
    by_hand,
    engine_with_ears,
    in_force,
    table,
)

# A command by itself


def test_a_command_has_the_documented_defaults() -> None:
    command = by_hand()
    assert (command.max_retries, command.timeout_seconds, command.priority) == (3, 30.0, 1)
    assert command.status is CommandStatus.PENDING
    assert (command.attempt, command.error, command.expires_at) == (0, None, None)
    assert command.command_id == f"cmd_{command.idempotency_key[:12]}"


def test_two_commands_that_say_the_same_are_two() -> None:
    assert by_hand().command_id != by_hand().command_id
    assert by_hand() != by_hand()


def test_one_idempotency_key_is_one_command() -> None:
    engine, heard = engine_with_ears()
    first, second = (engine.submit(by_hand(idempotency_key="order 66")) for _ in range(2))
    assert heard.types == [EventType.COMMAND_CREATED]
    assert engine.get_commands_for_asset(BAY) == [first]
    engine.dispatch_command(second, Charger())
    assert first.status == second.status == "COMPLETED"
    with pytest.raises(DispatchError, match="something else"):
        engine.submit(by_hand(power_kw=66.0, idempotency_key="order 66"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scheduled_at": at(8).replace(tzinfo=None)}, "scheduled_at.*no zone"),
        ({"expires_at": at(9).replace(tzinfo=None)}, "expires_at.*no zone"),
        ({"command_type": "SET_CHARGE"}, "SET_CHARGE_RATE"),
        ({"parameters": {}}, "power_kw"),
        ({"parameters": {"power_kw": -3.0}}, "below 0"),
        ({"parameters": {"power_kw": float("nan")}}, "no number"),
        ({"parameters": {"power_kw": "11"}}, "no number"),
        ({"parameters": {"power_kw": 1.0, "hook": print}}, "JSON"),
        ({"asset_id": ""}, "names no asset"),
        ({"command_id": "a/b"}, "command_id"),
        ({"max_retries": -1}, "max_retries"),
        ({"timeout_seconds": 0.0}, "timeout_seconds"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_at_once(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        by_hand(**wrong)


def test_a_command_without_power_needs_none() -> None:
    stop = by_hand(command_type=CommandType.STOP_CHARGING, parameters={})
    assert DispatchEngine().dispatch_command(stop, Charger())
    assert stop.status is CommandStatus.COMPLETED


# Due


def test_what_is_due_is_pending_and_nothing_else() -> None:
    engine, _, commands = in_force()
    assert engine.get_pending_commands(at(7, 59, 59)) == []
    assert engine.get_pending_commands(at(8)) == [commands[0]]
    assert engine.get_pending_commands(at(10, 59)) == [commands[0]]


def test_after_an_outage_only_the_present_row_is_sent() -> None:
    engine, _, commands = in_force((1.0, 2.0, 3.0, 4.0))
    held = list(commands)
    assert engine.get_pending_commands(at(10, 30)) == [held[2]]
    assert [c.status for c in held[:3]] == ["EXPIRED", "EXPIRED", "PENDING"]
    assert engine.dispatch_command(held[0], Charger()) is False


def test_time_never_goes_back() -> None:
    engine, _, commands = in_force()
    engine.get_pending_commands(at(11))
    assert engine.get_pending_commands(at(8)) == [commands[1]]
    with pytest.raises(ValueError, match="no zone"):
        engine.get_pending_commands(at(8).replace(tzinfo=None))


def test_the_urgent_goes_first_and_less_power_before_more() -> None:
    engine = DispatchEngine()
    rows = table(ev_a_kw=[5.0, 9.0], ev_b_kw=[5.0, 2.0])
    engine.schedule_to_commands(rows, asset_map={"a": "asset-a", "b": "asset-b"})
    for command in engine.get_pending_commands(at(8)):
        engine.dispatch_command(command, Charger())
    urgent = engine.submit(by_hand("asset-c", priority=5, scheduled_at=at(9)))
    pending = engine.get_pending_commands(at(9))
    assert pending[0] is urgent
    assert [c.asset_id for c in pending[1:]] == ["asset-b", "asset-a"]


def test_an_expired_command_of_ones_own_is_never_sent() -> None:
    engine, _ = engine_with_ears()
    command = engine.submit(by_hand(expires_at=at(9)))
    assert engine.get_pending_commands(at(9)) == []
    charger = Charger()
    assert engine.dispatch_command(command, charger) is False
    assert (command.status, charger.sent) == (CommandStatus.EXPIRED, [])


# Handed out


def test_dispatched_is_durable_before_the_adapter_is_called() -> None:
    engine, heard, commands = in_force()
    engine.get_pending_commands(at(8))
    seen: list[Any] = []
    charger = Charger(before=lambda c: seen.append((c.status, heard.types[-1])))
    assert engine.dispatch_command(commands[0], charger) is True
    assert seen == [(CommandStatus.DISPATCHED, EventType.COMMAND_DISPATCHED)]
    assert heard.types[-1] is EventType.COMMAND_COMPLETED


def test_the_adapter_gets_the_very_command() -> None:
    engine, _, commands = in_force()
    [pending] = engine.get_pending_commands(at(8))
    charger = Charger()
    engine.dispatch_command(pending, charger)
    assert charger.sent[0] is pending
    assert pending is commands[0]
    assert engine.get_command(pending.command_id) is pending


def test_none_means_that_the_answer_is_still_to_come() -> None:
    engine, _, commands = in_force()
    engine.get_pending_commands(at(8))
    engine.dispatch_command(commands[0], Charger(None))
    assert commands[0].status == "DISPATCHED"
    assert engine.acknowledge(commands[0])
    assert commands[0].status == "ACKNOWLEDGED"
    assert engine.handle_response(commands[0], success=True, applied_kw=21.5)
    assert (commands[0].status, commands[0].applied_kw) == (CommandStatus.COMPLETED, 21.5)


def test_a_yes_of_a_device_may_carry_what_it_applied() -> None:
    engine, _ = engine_with_ears()
    now, later = by_hand("now"), by_hand("later")
    engine.dispatch_command(now, Charger(Taken(applied_kw=4.9)))
    engine.dispatch_command(later, Charger(Taken(later=True)))
    assert (now.status, now.applied_kw) == (CommandStatus.COMPLETED, 4.9)
    assert later.status is CommandStatus.ACKNOWLEDGED


def test_the_registry_knows_the_adapter_where_none_is_named() -> None:
    registry, charger = AdapterRegistry(), Charger()
    registry.register(BAY, charger)
    engine, _, commands = in_force(adapter_registry=registry)
    engine.get_pending_commands(at(8))
    assert engine.dispatch_command(commands[0])
    assert charger.sent == [commands[0]]


def test_an_asset_without_an_adapter_is_told_so_before_anything_happens() -> None:
    registry = AdapterRegistry()
    registry.register("ast_bay_2", Charger())
    engine, heard, commands = in_force(adapter_registry=registry)
    with pytest.raises(NoAdapterError, match="ast_bay_2"):
        engine.dispatch_command(commands[0])
    assert isinstance(NoAdapterError("x"), KeyError)
    assert heard.types == [EventType.SCHEDULE_RECEIVED]


def test_the_registry_is_a_collection() -> None:
    registry, charger = AdapterRegistry(), Charger()
    registry.register("a", charger)
    registry.register("b", charger)
    assert ("a" in registry, "c" in registry, len(registry)) == (True, False, 2)
    assert dict(registry.items()) == {"a": charger, "b": charger}
    registry.unregister("a")
    assert list(registry) == ["b"]
    with pytest.raises(NoAdapterError):
        registry.unregister("a")
    with pytest.raises(TypeError, match="send"):
        registry.register("a", object())  # type: ignore[arg-type]


def test_one_command_at_a_time_is_under_way_to_an_asset() -> None:
    engine, _, commands = in_force()
    engine.get_pending_commands(at(8))
    engine.dispatch_command(commands[0], Charger(None))
    other = engine.submit(by_hand())
    assert engine.get_pending_commands(at(8)) == []
    with pytest.raises(DispatchError, match="one command at a time"):
        engine.dispatch_command(other, Charger())
    with pytest.raises(DispatchError, match="already"):
        engine.dispatch_command(commands[0], Charger())


def test_a_command_that_is_done_cannot_be_sent_again() -> None:
    engine, _ = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger())
    with pytest.raises(DispatchError, match="COMPLETED"):
        engine.dispatch_command(command, Charger())


def test_a_row_that_was_changed_by_hand_is_not_sent() -> None:
    engine, _, commands = in_force()
    [command] = engine.get_pending_commands(at(8))
    command.parameters["power_kw"] = 99.0
    charger = Charger()
    with pytest.raises(DispatchError, match="was changed"):
        engine.dispatch_command(command, charger)
    assert charger.sent == []
    assert commands[0] is command


def test_a_command_belongs_to_one_engine() -> None:
    command = DispatchEngine().submit(by_hand())
    with pytest.raises(DispatchError, match="another engine"):
        DispatchEngine().dispatch_command(command, Charger())


def test_a_command_that_was_refused_may_be_mended_and_submitted() -> None:
    engine = DispatchEngine()
    command = by_hand(expires_at=at(7))
    with pytest.raises(DispatchError, match="over before"):
        engine.submit(command)
    command.expires_at = at(9)
    assert engine.submit(command).value.expires_at == at(9)


def test_a_dry_run_reaches_no_adapter() -> None:
    engine, charger = DispatchEngine(), Charger()
    [command, _] = engine.schedule_to_commands(table((4.0, 4.0)), MAP, dry_run=True)
    engine.get_pending_commands(at(8))
    mine = by_hand("other", dry_run=True)
    assert engine.dispatch_command(command, charger)
    assert engine.dispatch_command(mine, charger)
    assert charger.sent == []
    assert {command.status, mine.status} == {CommandStatus.COMPLETED}


def test_a_newer_command_takes_the_place_of_one_that_waits() -> None:
    engine, heard = engine_with_ears()
    older, newer = by_hand(), by_hand(scheduled_at=at(8, 1))
    engine.submit(older)
    engine.submit(newer)
    assert engine.get_pending_commands(at(8, 1)) == [newer]
    assert older.status is CommandStatus.SUPERSEDED
    assert (older.superseded_by, newer.supersedes) == (newer.command_id, older.command_id)
    [event] = heard.of(EventType.COMMAND_SUPERSEDED)
    assert event.payload["superseded_by"] == newer.command_id


def test_a_command_that_waits_can_be_cancelled() -> None:
    engine, _ = engine_with_ears()
    command = engine.submit(by_hand())
    engine.cancel(command, "not today")
    assert (command.status, command.error) == (CommandStatus.CANCELLED, "not today")
    assert engine.get_pending_commands(at(9)) == []


# Look-ups


def test_all_commands_of_an_asset_are_found_in_order_of_time() -> None:
    engine, _, commands = in_force()
    mine = engine.submit(by_hand(scheduled_at=at(9)))
    engine.submit(by_hand("other"))
    assert engine.get_commands_for_asset(BAY) == [commands[0], mine, commands[1], commands[2]]
    assert engine.get_commands_for_asset("nobody") == []


def test_what_ended_long_ago_can_be_forgotten() -> None:
    engine, _ = engine_with_ears()
    for hour in (8, 9):
        engine.submit(by_hand(scheduled_at=at(hour)))
        [command] = engine.get_pending_commands(at(hour))
        engine.dispatch_command(command, Charger())
    engine.tidy(before=at(10))
    assert len(engine.get_commands_for_asset(BAY)) == 1, "the last one tells what is in force"


# Coroutines and threads


class Slow:
    """A coroutine adapter."""

    def __init__(self, answer: Any = True) -> None:
        self.answer = answer
        self.threads: list[str] = []

    async def send(self, command: Command) -> Any:  # noqa: ARG002
        self.threads.append(threading.current_thread().name)
        await asyncio.sleep(0)
        return self.answer


def test_a_coroutine_adapter_works_without_a_loop() -> None:
    with DispatchEngine() as engine:
        command, adapter = by_hand(), Slow()
        assert engine.dispatch_command(command, adapter)
    assert command.status is CommandStatus.COMPLETED
    assert adapter.threads == ["pointsman adapters"]


async def test_a_coroutine_adapter_works_inside_somebody_elses_loop() -> None:
    with DispatchEngine() as engine:
        command = by_hand()
        assert engine.dispatch_command(command, Slow())
    assert command.status is CommandStatus.COMPLETED


def test_a_coroutine_that_takes_too_long_is_silence() -> None:
    class Silent:
        async def send(self, command: Command) -> None:  # noqa: ARG002
            await asyncio.sleep(60)

    with DispatchEngine() as engine:
        command = by_hand(timeout_seconds=0.05, max_retries=0)
        engine.dispatch_command(command, Silent())
    assert (command.status, command.error) == (CommandStatus.TIMED_OUT, "no answer within 0.05 s")


def test_two_threads_never_send_one_command_twice() -> None:
    engine, _ = engine_with_ears()
    commands = [engine.submit(by_hand(f"asset-{n}")) for n in range(50)]
    charger, refused, together = Charger(), list[Command](), threading.Barrier(2)

    def carry() -> None:
        together.wait()
        for command in commands:
            try:
                engine.dispatch_command(command, charger)
            except DispatchError:
                refused.append(command)

    threads = [threading.Thread(target=carry) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(c.asset_id for c in charger.sent) == sorted(c.asset_id for c in commands)
    assert len(refused) == 50
    assert {c.status for c in commands} == {CommandStatus.COMPLETED}
