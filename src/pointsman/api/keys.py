"""Who may: each call shows a key, may have to be signed with it, and needs a right.

    key --known?--> ts, nonce, sig --signed, fresh, for the first time?--> role, microgrid --may?

All of this is worked out without any wire, and with the time handed in. What is refused says what
was wrong with the call, and nothing of what would have been right.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from pointsman.config import Address
from pointsman.config.keys import Key, Role

WINDOW: Final = timedelta(minutes=5)
"""How far a signature's time may be from ours, either way."""
NONCES_MOST: Final = 500_000
"""That are remembered of one key. More signed calls than that in two windows are refused."""
NONCE_CHARACTERS: Final = 128
TS_DIGITS: Final = 12
BUCKET_SECONDS: Final = 60


class Unauthenticated(Exception):
    """Nobody knows who is asking."""


class Forbidden(Exception):
    """Whoever asks has no right to that."""


class Exposed(ValueError):
    """Anybody could come in from anywhere, which nobody can have meant."""


class Right(StrEnum):
    SEE = "see"
    CHANGE = "change"


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OBSERVER: frozenset({Right.SEE}),
    Role.OPERATOR: frozenset(Right),
    Role.ADMIN: frozenset(Right),
}


class Keys:
    """The keys of a server, and which signatures it has seen."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {_digest(key.key): key for key in keys}
        self._seen = {key.name: Nonces() for key in self._keys.values() if key.secret}

    def who(self, method: str, metadata: Mapping[str, str | bytes], now: datetime) -> Key:
        """Whose call this is. `method` is what its signature is for.

        Raises:
            Unauthenticated: If it shows no key of ours, or is not signed as it must be.
        """
        shown = _text(metadata, "key")
        if shown is None:
            raise Unauthenticated("key is missing: send one, as a header or as metadata")
        key = self._keys.get(_digest(shown))
        if key is None or not hmac.compare_digest(key.key.encode(), shown.encode()):
            raise Unauthenticated("key is not known here")
        if key.secret is not None:
            self._check_signature(key, key.secret, method, metadata, now)
        return key

    def _check_signature(
        self,
        key: Key,
        secret: str,
        method: str,
        metadata: Mapping[str, str | bytes],
        now: datetime,
    ) -> None:
        ts, nonce, sig = (_text(metadata, name) for name in ("ts", "nonce", "sig"))
        if not ts or not nonce or not sig:
            raise Unauthenticated(
                "this key must sign its calls: send ts, nonce and sig beside the key"
            )
        if not (ts.isascii() and ts.isdigit() and len(ts) <= TS_DIGITS):
            raise Unauthenticated("ts cannot be read: send whole seconds since 1970")
        if len(nonce) > NONCE_CHARACTERS:
            raise Unauthenticated(f"nonce is too long: at most {NONCE_CHARACTERS} characters")
        right = signature(secret, key.key, ts, nonce, method)
        if not hmac.compare_digest(right.encode(), sig.encode()):
            raise Unauthenticated("sig does not fit key, ts, nonce and method")
        window_seconds = int(WINDOW.total_seconds())
        if abs(int(now.timestamp()) - int(ts)) > window_seconds:
            raise Unauthenticated(f"ts is more than {window_seconds} s from this server's time")
        self._seen[key.name].use(nonce, int(ts), now)


def check_right(key: Key, right: Right, microgrid_id: int) -> None:
    """Refuse what the key gives no right to.

    Raises:
        Forbidden: If it does not.
    """
    if key.microgrids is not None and microgrid_id not in key.microgrids:
        raise Forbidden(f"this key has no right to microgrid {microgrid_id}")
    if right not in RIGHTS[key.role]:
        raise Forbidden(f"this key may not {right} anything: it is an {key.role}'s")


def check_exposure(address: Address, *, keyed: bool) -> None:
    """Refuse to be open to others than this machine, unless there are keys.

    Raises:
        Exposed: If it would be.
    """
    if not (keyed or is_loopback(address.host)):
        raise Exposed(
            f"{address} can be reached from elsewhere, and there are no keys: give a keys file, or"
            " an address like 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def signature(secret: str, key: str, ts: str, nonce: str, method: str) -> str:
    """What a call is signed with. Its body is not part of that."""
    signed = f"{key}{ts}{nonce}{method}".encode()
    digest = hmac.digest(secret.encode(), signed, "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


class Nonces:
    """The nonces of one key, each remembered until its signature is too old to be used again."""

    def __init__(self) -> None:
        self._buckets: dict[int, set[str]] = {}
        """By the minute of their signature."""
        self._count = 0
        self._forgotten_until = 0
        """Signatures before this second would not be recognised."""

    def use(self, nonce: str, ts: int, now: datetime) -> None:
        """Let a nonce be used once.

        Raises:
            Unauthenticated: If it was used before, or nobody can tell any more.
        """
        self._forget(int((now - WINDOW).timestamp()) // BUCKET_SECONDS)
        if ts < self._forgotten_until:
            raise Unauthenticated("ts is older than what this server remembers: sign anew")
        if any(nonce in bucket for bucket in self._buckets.values()):
            raise Unauthenticated("nonce was used before: draw a new one for each call")
        if self._count >= NONCES_MOST:
            raise Unauthenticated(f"this key signed {NONCES_MOST} calls just now: try again later")
        self._buckets.setdefault(ts // BUCKET_SECONDS, set()).add(nonce)
        self._count += 1

    def _forget(self, minute: int) -> None:
        for old in [one for one in self._buckets if one < minute]:
            self._count -= len(self._buckets.pop(old))
            self._forgotten_until = max(self._forgotten_until, (old + 1) * BUCKET_SECONDS)


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _text(metadata: Mapping[str, str | bytes], name: str) -> str | None:
    value = metadata.get(name)
    return value if value is None or isinstance(value, str) else value.decode("latin-1")
