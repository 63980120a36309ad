"""Where a door listens, and with which certificate."""

import ssl
from dataclasses import dataclass
from pathlib import Path


class CannotListen(OSError):
    """It cannot listen there, or not with that certificate. One line."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files."""

    certificate: Path
    """The whole chain, the server's own first."""
    key: Path
    client_ca: Path | None = None
    """Then only clients with a certificate from there are let in."""


def check_files(tls: Tls) -> None:
    """Refuse files that are of no use. The libraries would only say that they failed.

    Raises:
        CannotListen: If one is.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ValueError) as error:
        raise CannotListen(
            f"{tls.certificate} with the key {tls.key} cannot be used: {_reason(error)}; PEM files"
            " that belong together can, with a key that has no password"
        ) from error
    try:
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
    except (OSError, ValueError) as error:
        raise CannotListen(
            f"{tls.client_ca} cannot be used: {_reason(error)}; a PEM file of certificates can"
        ) from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
