"""One OCPP-J connection: calls go out one at a time, calls come in and are answered.

    call -----> [2, id, action, payload] ----->        [3, id, payload]   confirmed
         <----- [3 | 4, id, …] <-----------------      [4, id, code, …]   refused

Both ends of a connection are one of these. It is ours, and not the `ocpp` library's, for four
reasons: an answer that comes after the time-out must be heard and not dropped; each call has a
time-out of its own; limits stay the numbers that were sent; and what a stranger sends, however
malformed or fast, ends at worst the stranger's own connection.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from pointsman.devices import DeviceFailed
from pointsman.devices.ocpp16 import schema
from pointsman.devices.ocpp16.messages import Call, refusal

logger = logging.getLogger(__name__)

Payload = dict[str, Any]
Handler = Callable[[Payload, str], Awaitable[Payload | None]]
"""Answers a call, given its payload and unique id. None: with silence.

Raises `Refusal` to answer with a CALLERROR.
"""
Verdict = Payload | DeviceFailed
"""How a call was answered."""
Heard = Callable[[Verdict], None]

MESSAGE_BYTES_MOST: Final = 128 * 1024
_WAITING_CALLS_MOST: Final = 32
_OWED_ANSWERS_MOST: Final = 100
_MESSAGES_PER_SECOND_MOST: Final = 200
"""More than that waits in the sender's own network buffers."""
_BAD_MESSAGES_MOST: Final = 10
_SHOWN_LETTERS: Final = 120
_PROTOCOL_ERROR: Final = 1002


class Refusal(Exception):
    """Our no to a call: a CALLERROR."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(description)
        self.code = code
        self.description = description[:255]


class Connection(Protocol):
    """What is needed of a WebSocket."""

    async def recv(self) -> str | bytes:
        """The next message, as soon as there is one.

        Raises:
            ConnectionClosed: If none will come any more.
        """

    async def send(self, message: str) -> None:
        """Pass a message on, as soon as there is room for it.

        Raises:
            ConnectionClosed: If it will not arrive.
        """

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and wait a little for the other side to do so."""


class _Bad(Exception):
    """A message that is no OCPP at all, so that nobody could be answered."""


class Link:
    """Speaks OCPP with one peer, until its connection ends."""

    def __init__(self, peer: str, connection: Connection, handlers: Mapping[str, Handler]) -> None:
        self.peer = peer
        self._connection = connection
        self._handlers = handlers
        self._one_call = asyncio.Lock()
        self._awaited: dict[str, tuple[str, asyncio.Future[Verdict]]] = {}
        self._owed: OrderedDict[str, tuple[str, Heard]] = OrderedDict()
        self._calls: asyncio.Queue[tuple[str, str, Any] | None] = asyncio.Queue(_WAITING_CALLS_MOST)
        self._abandoned = asyncio.Event()
        self._bad = 0
        self.open = True

    async def run(self) -> None:
        """Receive and answer, until the connection is closed or abandoned."""
        try:
            async with asyncio.TaskGroup() as tasks:
                working = [
                    tasks.create_task(self._answer_calls()),
                    tasks.create_task(self._abandoned.wait()),
                ]
                receiving = tasks.create_task(self._receive())
                await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
                for task in (*working, receiving):
                    task.cancel()
        finally:
            self._end()

    def abandon(self) -> None:
        """Stop, whatever is under way."""
        self._abandoned.set()

    async def call(self, call: Call, seconds: float, *, late: Heard | None = None) -> Payload:
        """Make a call and wait for its answer, which `late` hears if it comes too late.

        Raises:
            DeviceFailed: If it was refused, or not answered in so many seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        unique_id = str(uuid4())
        try:
            async with asyncio.timeout_at(deadline):
                await self._one_call.acquire()
        except TimeoutError:
            raise DeviceFailed(
                f"{self.peer} still owes an answer: {call.action} was not sent within {seconds:g} s"
            ) from None
        answered: asyncio.Future[Verdict] = loop.create_future()
        try:
            if not self.open:
                raise DeviceFailed(f"{self.peer} is not connected")
            self._awaited[unique_id] = call.action, answered
            verdict = await self._send_and_wait(call, unique_id, answered, deadline, seconds)
        finally:
            self._one_call.release()
            if self._awaited.pop(unique_id, None) and not answered.done() and late is not None:
                self._owe(unique_id, call.action, late)
        if isinstance(verdict, DeviceFailed):
            raise verdict
        return verdict

    async def _send_and_wait(
        self,
        call: Call,
        unique_id: str,
        answered: "asyncio.Future[Verdict]",
        deadline: float,
        seconds: float,
    ) -> Verdict:
        try:
            async with asyncio.timeout_at(deadline):
                await self._send([schema.CALL, unique_id, call.action, call.payload])
                # Shielded, so that the time-out leaves the answer's place to whoever is owed it.
                return await asyncio.shield(answered)
        except TimeoutError:
            why = f"{self.peer} did not answer {call.action} within {seconds:g} s"
            raise DeviceFailed(why, doubtful=True) from None
        except ConnectionClosed:
            why = f"{self.peer} went away during {call.action}"
            raise DeviceFailed(why, doubtful=True) from None

    def _owe(self, unique_id: str, action: str, late: Heard) -> None:
        self._owed[unique_id] = action, late
        if len(self._owed) > _OWED_ANSWERS_MOST:
            self._owed.popitem(last=False)

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        second, count = loop.time(), 0
        try:
            while True:
                message = await self._connection.recv()
                count += 1
                if count >= _MESSAGES_PER_SECOND_MOST:
                    await asyncio.sleep(second + 1 - loop.time())
                if loop.time() >= second + 1:
                    second, count = loop.time(), 0
                try:
                    await self._sort(message)
                except _Bad as bad:
                    await self._complain(message, bad)
        except ConnectionClosed:
            self._end()
            await self._calls.put(None)

    async def _sort(self, message: str | bytes) -> None:
        """A call joins the queue; an answer goes to whoever waits for it."""
        try:
            frame = json.loads(message, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise _Bad("it is not JSON") from None
        match frame:
            case [schema.CALL, str(unique_id), str(action), payload]:
                await self._calls.put((unique_id, action, payload))
            case [schema.CALL_RESULT, str(unique_id), dict(payload)]:
                self._answered(unique_id, payload)
            case [schema.CALL_ERROR, str(unique_id), str(code), *more]:
                description = more[0] if more and isinstance(more[0], str) else ""
                self._answered(unique_id, (code, description))
            case _:
                raise _Bad("it is no CALL, CALLRESULT or CALLERROR")

    def _answered(self, unique_id: str, answer: Payload | tuple[str, str]) -> None:
        if (waiting := self._awaited.get(unique_id)) is not None:
            action, future = waiting
            if not future.done():
                future.set_result(_verdict(self.peer, action, answer))
        elif (owed := self._owed.pop(unique_id, None)) is not None:
            action, late = owed
            late(_verdict(self.peer, action, answer))
        else:
            logger.warning("%s answered %r, which nobody asked", self.peer, unique_id[:40])

    async def _complain(self, message: str | bytes, bad: _Bad) -> None:
        self._bad += 1
        shown = message[:_SHOWN_LETTERS]
        logger.warning("%s sent %r: %s", self.peer, shown, bad)
        if self._bad >= _BAD_MESSAGES_MOST:
            logger.warning("%s is hung up on after %d such messages", self.peer, self._bad)
            self._end()
            await self._connection.close(_PROTOCOL_ERROR, "this is no OCPP")

    async def _answer_calls(self) -> None:
        while (waiting := await self._calls.get()) is not None:
            unique_id, action, payload = waiting
            answer: list[Any] | None
            try:
                confirmation = await self._handle(unique_id, action, payload)
                answer = [schema.CALL_RESULT, unique_id, confirmation]
                if confirmation is None:
                    continue
            except Refusal as no:
                logger.info("%s was refused %s: %s %s", self.peer, action, no.code, no)
                answer = [schema.CALL_ERROR, unique_id, no.code, no.description, {}]
            try:
                await self._send(answer)
            except ConnectionClosed:
                # What it told us counts; that it will not hear our answer is its own affair.
                continue

    async def _handle(self, unique_id: str, action: str, payload: Payload) -> Payload | None:
        handler = self._handlers.get(action)
        if handler is None:
            raise Refusal("NotImplemented", f"{action[:40]} is not known here")
        try:
            schema.check(schema.CALL, action, payload)
        except schema.Malformed as malformed:
            raise Refusal(malformed.code, str(malformed)) from malformed
        return await handler(payload, unique_id)

    async def _send(self, frame: list[Any]) -> None:
        await self._connection.send(json.dumps(frame, separators=(",", ":")))

    def _end(self) -> None:
        self.open = False
        for action, answered in self._awaited.values():
            if not answered.done():
                why = f"{self.peer} went away during {action}"
                answered.set_result(DeviceFailed(why, doubtful=True))


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _verdict(peer: str, action: str, answer: Payload | tuple[str, str]) -> Verdict:
    if isinstance(answer, tuple):
        return refusal(f"{peer}: {action}", *answer)
    try:
        schema.check(schema.CALL_RESULT, action, answer)
    except schema.Malformed as malformed:
        why = f"{peer} gave {action} an answer that cannot be read: {malformed}"
        return DeviceFailed(why, doubtful=True)
    return answer
