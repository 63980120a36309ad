"""Values: never changed, only made anew, and the same wherever their fields are.

They are structs and not dataclasses because much of what an owner does is to make them, write
them and read them: that is three to ten times quicker so.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

__all__ = ["Value", "asdict", "replace", "whole"]

_PLAIN: Final = frozenset((type(None), str, bool, int, float, datetime))
"""What most fields are: told as they are, and quickly."""


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frozen value. Fields that are as by default are not written: a default, once it was
    written down anywhere, is for ever.
    """


def whole(value: Any) -> Any:  # noqa: ANN401  Whatever can be written.
    """The same as dicts that say all fields: what whoever asks is told, in JSON."""
    match value:
        case Value():
            return {
                name: one if type(one) in _PLAIN else whole(one)
                for name, one in asdict(value).items()
            }
        case None | str() | int() | float() | datetime():
            return value
        case dict():
            return {key: whole(one) for key, one in value.items()}
        case list() | tuple():
            return [whole(one) for one in value]
        case _ if is_dataclass(value):
            return {field.name: whole(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value
