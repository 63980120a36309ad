"""Values: never changed, only made anew, and the same wherever their fields are.

They are structs and not dataclasses because much of what an owner does is to make them, write
them and read them: that is three to ten times quicker so.
"""

import msgspec
from msgspec.structs import replace

__all__ = ["Value", "replace"]


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frozen value. Fields that are as by default are not written: a default, once it was
    written down anywhere, is for ever.
    """
