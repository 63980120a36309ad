"""A small page on this computer that shows events as they come.

    callbacks --on_request, on_notification--> the last events --/events--> browsers

Server-sent events carry them: a browser that lost its connection says which one it saw last.
"""

import json
import logging
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from ipaddress import ip_address
from threading import Condition, Thread
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pointsman.library.operation_dispatcher.events import DispatchEvent
from pointsman.library.operation_dispatcher.questions import Questions

log = logging.getLogger(__name__)
SOURCES: Final = ("request", "notification", "custom")
STREAMS_MOST: Final = 64
"""Browsers that are served at once."""
STILL_THERE_SECONDS: Final = 15.0
"""A silent stream says so often that it lives."""
BATCH: Final = 200
STATIC: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/script.js": ("script.js", "text/javascript; charset=utf-8"),
}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class _Told:
    number: int
    text: str
    """As JSON, in one line."""


class BrowserEventVisualizer:
    """Call `on_request` and `on_notification` from the callbacks of the same names.

    Args:
        host: Where it listens. Anybody who can reach it may read: leave it on this computer.
        port: 0: any that is free.
        max_events: So many are remembered.
        operation_dispatcher: If it is given, each event comes with its operation as it is then.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8765,
        max_events: int = 1_000,
        operation_dispatcher: Questions | None = None,
    ) -> None:
        if max_events < 1:
            raise ValueError("max_events must be greater than 0")
        self._address = (host, port)
        self._dispatcher = operation_dispatcher
        self._told: deque[_Told] = deque(maxlen=max_events)
        self._number = 0
        self._changed = Condition()
        self._server: _Server | None = None
        self.closed = False

    @property
    def url(self) -> str:
        """Where the page is.

        Raises:
            RuntimeError: If it is not started.
        """
        if self._server is None:
            raise RuntimeError("the visualizer is not started: call start()")
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}/"

    def start(self) -> str:
        """Listen from now on, and return where the page is. Twice is once.

        Raises:
            OSError: If the address is taken.
        """
        if self._server is None:
            self.closed = False
            self._server = _Server(self._address, self)
            Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self.url

    def stop(self) -> None:
        """Let go of all browsers and of the address."""
        server, self._server = self._server, None
        if server is not None:
            with self._changed:
                self.closed = True
                self._changed.notify_all()
            server.shutdown()
            server.server_close()

    close = stop

    def on_request(self, event: DispatchEvent) -> None:
        """Show a request."""
        self.publish(event, "request")

    def on_notification(self, event: DispatchEvent) -> None:
        """Show what happened."""
        self.publish(event, "notification")

    def publish(self, event: DispatchEvent, source: str = "custom") -> None:
        """Show an event of one's own.

        Raises:
            ValueError: If the source is none of request, notification and custom.
        """
        if source not in SOURCES:
            raise ValueError(f"source is {source!r}: one of {', '.join(SOURCES)} would work")
        operation = None
        if self._dispatcher is not None and event.operation_id is not None:
            operation = self._dispatcher.get_operation(event.operation_id)
        told = {
            "source": source,
            "event": event.model_dump(mode="json"),
            "operation": operation.model_dump(mode="json") if operation else None,
        }
        text = json.dumps(told, default=str)
        with self._changed:
            self._number += 1
            self._told.append(_Told(self._number, text))
            self._changed.notify_all()

    def history(self) -> str:
        """All that it remembers, oldest first, as JSON."""
        with self._changed:
            return f'{{"events": [{", ".join(told.text for told in self._told)}]}}'

    def frames(self, after: int) -> Iterator[bytes]:
        """What comes after an event of this number, as frames of server-sent events."""
        yield b"retry: 1000\n\n"
        while not self.closed:
            with self._changed:
                if after > self._number:
                    after = 0  # It was numbered by an earlier life of this program.
                fresh = [told for told in self._told if told.number > after][:BATCH]
                if not fresh and not self.closed:
                    self._changed.wait(STILL_THERE_SECONDS)
            if not fresh:
                yield b":\n\n"
            for told in fresh:
                after = told.number
                yield f"id: {told.number}\ndata: {told.text}\n\n".encode()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], visualizer: BrowserEventVisualizer) -> None:
        self.visualizer = visualizer
        self.streams = 0
        self.changed = Condition()
        self.is_local = _is_local(address[0])
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        log.debug("%s went away during %s", client_address, request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.server.is_local and not _is_local(_host_of(self.headers.get("Host", ""))):
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"this page is for this computer\n")
        elif path in STATIC:
            name, kind = STATIC[path]
            page = files("pointsman.library.operation_dispatcher").joinpath("page", name)
            self._answer(HTTPStatus.OK, kind, page.read_bytes())
        elif path == "/history":
            told = self.server.visualizer.history().encode()
            self._answer(HTTPStatus.OK, "application/json", told)
        elif path == "/events":
            self._stream()
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n")

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)

    def _stream(self) -> None:
        with self.server.changed:
            full = self.server.streams >= STREAMS_MOST
            self.server.streams += not full
        if full:
            line = b"too many browsers listen already\n"
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", line)
            return
        try:
            self._head(HTTPStatus.OK, "text/event-stream", {"Connection": "close"})
            self.close_connection = True
            last = self.headers.get("Last-Event-ID", "")
            after = int(last) if re.fullmatch(r"[0-9]{1,18}", last) else 0
            for frame in self.server.visualizer.frames(after):
                self.wfile.write(frame)
        finally:
            with self.server.changed:
                self.server.streams -= 1

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self._head(status, kind, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()


def _host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    return urlsplit(f"//{header}").hostname or ""


def _is_local(host: str) -> bool:
    """Whether it names this computer. A page elsewhere may let its own name lead here."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
