"""What may come back over Modbus TCP: whether frames can be true, what a refusal means."""

from typing import Final

BYTES_LIMIT: Final = 1024
"""More than an answer and a few late ones before it."""
_HEADER: Final = 6
_LENGTH_MOST: Final = 254
_READ, _WRITE, _EXCEPTION = 3, 16, 0x80
_WRITTEN_LENGTH: Final = 6
_EXCEPTION_LENGTH: Final = 3
_REFUSALS: Final = {
    1: ("illegal function", True, False),
    2: ("illegal address", True, False),
    3: ("illegal value", True, False),
    4: ("the device failed", False, True),
    5: ("it will take a long time", False, True),
    6: ("the device is busy", False, False),
    7: ("it cannot be done now", False, False),
    8: ("its memory failed", False, True),
    10: ("the gateway has no path to it", False, False),
    11: ("the device does not answer its gateway", False, True),
}


def refusal(code: int) -> tuple[str, bool, bool]:
    """What a Modbus exception means: in words, whether for good, whether it may have acted."""
    return _REFUSALS.get(code, (f"Modbus exception {code}", False, True))


def frame_fault(data: bytes) -> str:
    """What is wrong with frames that came back, as far as they have come. "": nothing.

    Args:
        data: One frame or more, of which the last may be incomplete.
    """
    if len(data) > BYTES_LIMIT:
        return f"{len(data)} bytes that nobody asked for"
    while len(data) > _HEADER:
        length = int.from_bytes(data[4:6], "big")
        if fault := _fault(data, length):
            return fault
        data = data[_HEADER + length :]
    return ""


def _fault(data: bytes, length: int) -> str:
    if data[2:4] != b"\0\0":
        return f"protocol {int.from_bytes(data[2:4], 'big')} is not Modbus"
    if not _EXCEPTION_LENGTH <= length <= _LENGTH_MOST:
        return f"a frame of {length} bytes"
    if len(data) <= _HEADER + 2:
        return ""
    function, count = data[7], data[8]
    right = {
        _READ: length == count + _EXCEPTION_LENGTH and count % 2 == 0,
        _WRITE: length == _WRITTEN_LENGTH,
        _READ | _EXCEPTION: length == _EXCEPTION_LENGTH,
        _WRITE | _EXCEPTION: length == _EXCEPTION_LENGTH,
    }
    if function not in right:
        return f"function {function} was never asked for"
    return "" if right[function] else f"{length} bytes do not fit an answer to function {function}"
