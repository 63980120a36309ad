"""What the tests of `pointsman serve` stand on: the server as a process, and the real client."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from frequenz.client.dispatch import DispatchApiClient

from tests.protocols.run_bench import ENVIRONMENT, POINTSMAN, SOON_SECONDS


@dataclass
class Served:
    process: subprocess.Popen[str]
    url: str
    data: Path

    def client(self, key: str = "any") -> DispatchApiClient:
        return DispatchApiClient(server_url=self.url, auth_key=key)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SOON_SECONDS)

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit status, and what it said on standard error."""
        self.process.send_signal(by)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, error = self.process.communicate(timeout=SOON_SECONDS)
        return self.process.returncode, error


@contextmanager
def served(folder: Path, *flags: str, **variables: str) -> Iterator[Served]:
    """`pointsman serve --data FOLDER/data`, once its doors are open."""
    data = folder / "data"
    process = subprocess.Popen(
        [*POINTSMAN, "serve", "--data", str(data), "--grpc", "127.0.0.1:0", "--json", *flags],
        env=ENVIRONMENT | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=SOON_SECONDS)[1]
        yield Served(process, json.loads(line)["grpc"], data)
    finally:
        process.kill()
        process.communicate(timeout=SOON_SECONDS)


def called(folder: Path, *words: str, **variables: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command."""
    done = subprocess.run(
        [*POINTSMAN, *words],
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=SOON_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
