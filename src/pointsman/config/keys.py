"""The keys file: who may use a server, and for what. No message ever shows a key or a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pointsman.config.checks import choice, text, whole
from pointsman.config.tables import (
    Check,
    SiteError,
    Table,
    check_keys,
    many,
    place,
    read_document,
    shown,
)

ALL: Final = "*"
MICROGRID_MOST: Final = 2**64 - 1
NAME_MOST: Final = 150
"""Characters. What somebody does is kept with it, and with whom they act for."""


class Role(StrEnum):
    """What a key may do. Each may do all that the one before may."""

    OBSERVER = "observer"
    """Look on."""
    OPERATOR = "operator"
    """Change what there is."""
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """Somebody who may use a server. A key of `[[key]]` each."""

    name: str
    """What logs call them."""
    key: str = field(repr=False)
    """What they show with each call."""
    role: Role
    microgrids: frozenset[int] | None
    """Those that they may use. None: all."""
    secret: str | None = field(default=None, repr=False)
    """What they sign each call with, if they must."""


def read_keys(path: str | Path) -> tuple[Key, ...]:
    """The keys in the file at `path`, at least one.

    Raises:
        SiteError: If there is no such file, or anything in it is not as it must be.
    """
    document = read_document(Path(path), "keys file")
    for header in document.values:
        check_keys({header: None}, ["key"], place(document, header))
    tables = many(document, "key")
    if not tables:
        raise SiteError(f"{document.path}: no keys; describe each in a [[key]] table")
    keys = [
        Key(**here.read(KEY, required=["name", "key", "role", "microgrids"])) for here in tables
    ]
    for field_ in ("name", "key"):
        _refuse_twice(tables, field_)
    return tuple(keys)


def _refuse_twice(tables: list[Table], field_: str) -> None:
    first: dict[object, Table] = {}
    for here in tables:
        value = here.values[field_]
        earlier = first.setdefault(value, here)
        if earlier is not here:
            what = f"name {shown(value)}" if field_ == "name" else "key"
            raise here.error(field_, f"{what} is taken by [[key]] number {earlier.number}")


def _name(value: object) -> str:
    name = text(value)
    if len(name) > NAME_MOST:
        raise ValueError(f"has {len(name)} characters: at most {NAME_MOST} are allowed")
    return name


def _shown_to_servers(value: object) -> str:
    """What can be sent as metadata, where nothing but plain text can."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError("must be printable ASCII without spaces around it, and not empty")
    return value


def _secret(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text in quotes, and not empty")
    return value


def _microgrids(value: object) -> frozenset[int] | None:
    if value == ALL:
        return None
    if not isinstance(value, list) or not value:
        raise ValueError(f'must be "{ALL}" or a list of microgrid ids as in [1, 2]')
    return frozenset(_MICROGRID(one) for one in value)


_MICROGRID: Final = whole(least=0, most=MICROGRID_MOST)
KEY: Final[Mapping[str, Check]] = {
    "name": _name,
    "key": _shown_to_servers,
    "secret": _secret,
    "role": choice(Role),
    "microgrids": _microgrids,
}
"""What `[[key]]` may say. A field of `Key` each."""
