"""What may come back over Modbus TCP."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.devices.sunspec.frames import frame_fault, refusal


def frame(body: bytes, protocol: int = 0) -> bytes:
    return struct.pack(">HHH", 7, protocol, len(body)) + body


HONEST = [
    frame(bytes([1, 3, 4, 0, 1, 0, 2])),
    frame(bytes([1, 16, 0, 9, 0, 2])),
    frame(bytes([1, 0x83, 2])),
    frame(bytes([1, 0x90, 6])),
]


@given(st.lists(st.sampled_from(HONEST), min_size=1, max_size=4), st.data())
def test_honest_frames_pass_in_whatever_pieces_they_come(
    frames: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(frames)
    assert frame_fault(whole[: data.draw(st.integers(0, len(whole)))]) == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (frame(bytes([1, 3, 2, 0, 1]), protocol=5), "protocol 5 is not Modbus"),
        (frame(b"\1"), "a frame of 1 bytes"),
        (b"\0\7\0\0\xff\xff\1\3\2", "a frame of 65535 bytes"),
        (frame(bytes([1, 3, 200, 0, 1])), "5 bytes do not fit an answer to function 3"),
        (frame(bytes([1, 3, 1, 0])), "4 bytes do not fit"),
        (frame(bytes([1, 16, 0, 9])), "4 bytes do not fit an answer to function 16"),
        (frame(bytes([1, 43, 14, 1])), "function 43 was never asked for"),
        (HONEST[0] + b"HTTP/1.1 400", "is not Modbus"),
        (HONEST[0] * 100, "bytes that nobody asked for"),
    ],
)
def test_garbage_is_known_by_its_first_bytes(data: bytes, said: str) -> None:
    assert said in frame_fault(data)


@pytest.mark.parametrize(
    ("code", "permanent", "unsure"),
    [(1, True, False), (2, True, False), (3, True, False), (6, False, False), (99, False, True)],
)
def test_a_refusal_says_whether_to_try_again(code: int, permanent: bool, unsure: bool) -> None:
    assert refusal(code)[1:] == (permanent, unsure)
