"""Sending: what adapters are asked, how long they may take, and what their answers mean."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pointsman.library.coordinator.adapters import Adapter
from pointsman.library.coordinator.commands import Command
from pointsman.library.worker import Worker
from pointsman.schedules.intents import Acknowledge, Answer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that ended with an exception, or with something that is no answer."""

    error: str
    permanent: bool = False
    doubtful: bool = False


Result: TypeAlias = object
"""What came of a `send`: what it returned (a bool, None, or a device's yes with `applied_kw` and
`later`), or a `Failure`."""


def send(adapter: Adapter, command: Command, worker: Worker) -> Result:
    """Send, and wait for what comes of it. A coroutine runs on the worker's loop."""
    try:
        sent: Result = adapter.send(command)
        if inspect.isawaitable(sent):
            return worker.wait_for(_in_time(sent, command.timeout_seconds))
    except Exception as error:  # An adapter's failure is the command's, and no other's.
        return _failure(command, error)
    return sent


async def send_async(adapter: Adapter, command: Command) -> Result:
    """Send from a loop. A function that is no coroutine function runs on a thread."""
    try:
        call: Callable[[Command], Any] = adapter.send
        if inspect.iscoroutinefunction(call):
            return await _in_time(call(command), command.timeout_seconds)
        sent = await asyncio.to_thread(call, command)
        return await _in_time(sent, command.timeout_seconds) if inspect.isawaitable(sent) else sent
    except Exception as error:
        return _failure(command, error)


async def confirm(adapter: Adapter, command: Command) -> bool | Failure:
    """Whether the equipment shows that the command is in effect. An adapter may not know."""
    ask = getattr(adapter, "confirm", None)
    if ask is None:
        return False
    try:
        if inspect.iscoroutinefunction(ask):
            return bool(await _in_time(ask(command), command.timeout_seconds))
        return bool(await asyncio.to_thread(ask, command))
    except Exception as error:
        return _failure(command, error)


def answer_to(command_id: str, attempt: int, sent: Result) -> Answer | Acknowledge | None:
    """What a `send` means to the rules. None: the answer is still to come."""
    match sent:
        case None:
            return None
        case bool():
            error = "" if sent else "the adapter said no"
            return Answer(command_id, attempt, success=sent, error=error)
        case Failure(error, permanent, doubtful):
            return Answer(
                command_id,
                attempt,
                success=False,
                error=error,
                permanent=permanent,
                doubtful=doubtful,
            )
    if not hasattr(sent, "applied_kw"):
        error = f"send returned {sent!r}; True, False or None would work"
        return Answer(command_id, attempt, success=False, error=error, doubtful=True)
    if getattr(sent, "later", False):
        return Acknowledge(command_id, attempt, patient=True)
    return Answer(command_id, attempt, success=True, applied_kw=sent.applied_kw)


async def _in_time(sent: Awaitable[Any], seconds: float) -> Result:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await sent
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(f"no answer within {seconds:g} s") from None
        raise


def _failure(command: Command, error: Exception) -> Failure:
    log.info("%s to %r failed", command.command_id, command.asset_id, exc_info=error)
    silent = isinstance(error, TimeoutError)
    return Failure(
        str(error) or type(error).__name__,
        permanent=getattr(error, "permanent", False) is True,
        doubtful=getattr(error, "doubtful", silent) is True,
    )


async def open_all(adapters: Iterable[Adapter], engine: object) -> None:
    """Call `attach(engine)` and `open` of all that have them. If one fails, those before it are
    closed again.
    """
    opened: list[Adapter] = []
    try:
        for adapter in adapters:
            if (attach := getattr(adapter, "attach", None)) is not None:
                attach(engine)
            await _call(getattr(adapter, "open", None))
            opened.append(adapter)
    except BaseException:
        await close_all(opened)
        raise


async def close_all(adapters: Iterable[Adapter]) -> None:
    """Call `close` of all that have one. What fails is logged, and stops no other."""
    for adapter in adapters:
        try:
            await _call(getattr(adapter, "close", None))
        except Exception:
            log.exception("%r could not be closed", adapter)


async def _call(function: Callable[[], Any] | None) -> None:
    if function is None:
        return
    if inspect.iscoroutinefunction(function):
        await function()
    elif inspect.isawaitable(made := await asyncio.to_thread(function)):
        await made
