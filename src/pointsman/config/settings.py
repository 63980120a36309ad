"""Settings: how the program was started, in one frozen object.

Three places may say the same thing, the later one winning: the defaults here, the environment
(`POINTSMAN_JOURNAL` and so on), the flags of the command line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, NamedTuple

PORT_LIMIT: Final = 65_535
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^\s:/\[\]@?#]+)):([0-9]{1,5})")


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    """Without brackets, as sockets want it."""
    port: int
    """0: any free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def host_port(text: str) -> Address:
    """The address that `HOST:PORT` means; an IPv6 host stands in brackets.

    Raises:
        ValueError: If it means none.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[3]) > PORT_LIMIT:
        raise ValueError(
            f"{text!r} is no address: write HOST:PORT as in '127.0.0.1:9000' or '[::1]:9000', "
            f"with a port from 0 to {PORT_LIMIT}"
        )
    return Address(match[1] or match[2], int(match[3]))


OCPP: Final = Address("127.0.0.1", 9000)
GRPC: Final = Address("127.0.0.1", 50_051)
HTTP: Final = Address("127.0.0.1", 8080)
GRPC_URL: Final = f"grpc://{GRPC}?ssl=false"
SERVED_BY: Final = "x-pointsman"
"""In the head of every answer over HTTP: its version. Whoever has none is another program."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is a flag of that name, and a variable `POINTSMAN_<NAME>`."""

    journal: Path = Path("pointsman.db")
    """The file that `run` writes its facts to."""
    data: Path = Path("pointsman-data")
    """The folder that `serve` keeps its journal and its record in."""
    ocpp: Address = OCPP
    """Where chargers dial in."""
    grpc: Address = GRPC
    """Where `serve` offers the Dispatch API."""
    http: Address = HTTP
    """Where `serve` is to offer REST, MCP and the page."""
    keys: Path | None = None
    """The file that says whom `serve` lets in, and to what."""
    tls_certificate: Path | None = None
    """The chain that `serve` shows, as PEM. None: no TLS."""
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """Then only clients with a certificate from there are let in."""
    url: str | None = None
    """The server that a command talks to."""
    grpc_url: str = GRPC_URL
    """The same for `dispatch`."""
    key: str | None = field(default=None, repr=False)
    """What it shows that server. Never printed."""
    secret: str | None = field(default=None, repr=False)
    """What it signs its calls with. Never printed, and never sent."""


FILES: Final = ("journal", "data", "keys", "tls_certificate", "tls_key", "tls_client_ca")
ADDRESSES: Final = ("ocpp", "grpc", "http")


def read_settings(environment: Mapping[str, str], **flags: str | Path | None) -> Settings:
    """The settings that hold. A flag that is None, or an empty variable, says nothing.

    Raises:
        ValueError: If a value cannot be used. It names the variable or the flag.
    """
    said: dict[str, object] = {}
    for name in (one.name for one in fields(Settings)):
        variable = f"POINTSMAN_{name.upper()}"
        if (value := flags.pop(name, None)) is not None:
            said[name] = _meant(name, value, f"--{name.replace('_', '-')}")
        elif value := environment.get(variable):
            said[name] = _meant(name, value, variable)
    if flags:
        raise TypeError(f"no such settings: {', '.join(sorted(flags))}")
    return Settings(**said)  # type: ignore[arg-type]


def _meant(name: str, value: str | Path, place: str) -> object:
    try:
        if name in FILES:
            return Path(value)
        return host_port(str(value)) if name in ADDRESSES else str(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
