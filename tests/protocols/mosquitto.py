"""A real MQTT broker, that can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

PATIENCE_SECONDS: Final = 10.0
PROGRAM: Final = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Mosquitto:
    """Keeps nothing: what a broker forgets when it is killed, it forgets."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it listens."""
        assert PROGRAM is not None
        quiet = subprocess.DEVNULL
        command = [PROGRAM, "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < give_up_at, "the broker does not listen"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Keep all connections, and answer nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A broker that listens, on a port of its own."""
    if PROGRAM is None:
        line = "no mosquitto is installed: apt-get install mosquitto"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)
    broker = Mosquitto(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
