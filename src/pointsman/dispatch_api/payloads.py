"""Payloads: JSON as `Struct` of protobuf. All numbers are floats on the way in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from pointsman.dispatches.checks import PAYLOAD_BYTES, PAYLOAD_DEPTH, Invalid

BYTES_MOST: Final = 4 * PAYLOAD_BYTES
"""As a message, whatever is small enough as JSON is smaller than this."""


def payload_of(pb: Struct) -> dict[str, Any]:
    """The JSON object that a payload says.

    Raises:
        Invalid: If it is far too big or too deep, which is seen before it is worked through, or
            says nothing where a value must be.
    """
    if not pb.fields:
        return {}
    if (size := pb.ByteSize()) > BYTES_MOST:
        raise Invalid(
            f"payload is a message of {size} bytes: at most {PAYLOAD_BYTES} bytes of JSON are"
            " allowed"
        )
    return _object_of(pb, 1)


def struct_of(payload: Mapping[str, Any]) -> Struct:
    pb = Struct()
    _fill_object(pb, payload)
    return pb


def _object_of(pb: Struct, depth: int) -> dict[str, Any]:
    _check_depth(depth)
    return {name: _value_of(name, value, depth) for name, value in pb.fields.items()}


def _value_of(name: str, pb: Value, depth: int) -> Any:  # noqa: ANN401  Any JSON.
    match pb.WhichOneof("kind"):
        case "number_value":
            return pb.number_value
        case "string_value":
            return pb.string_value
        case "bool_value":
            return pb.bool_value
        case "null_value":
            return None
        case "struct_value":
            return _object_of(pb.struct_value, depth + 1)
        case "list_value":
            _check_depth(depth + 1)
            return [_value_of(name, one, depth + 1) for one in pb.list_value.values]
        case _:
            raise Invalid(f"payload has nothing as the value of {name!r}: null can be said")


def _check_depth(depth: int) -> None:
    if depth > PAYLOAD_DEPTH:
        raise Invalid(f"payload is nested deeper than the {PAYLOAD_DEPTH} levels that are allowed")


def _fill_object(pb: Struct, payload: Mapping[str, Any]) -> None:
    for name, value in payload.items():
        _fill(pb.fields[name], value)


def _fill_list(pb: ListValue, values: Sequence[Any]) -> None:
    for value in values:
        _fill(pb.values.add(), value)


def _fill(pb: Value, value: object) -> None:
    match value:
        case None:
            pb.null_value = NULL_VALUE
        case bool():
            pb.bool_value = value
        case int() | float():
            pb.number_value = value
        case str():
            pb.string_value = value
        case Mapping():
            _fill_object(pb.struct_value, value)
            pb.struct_value.SetInParent()
        case list() | tuple():
            _fill_list(pb.list_value, value)
            pb.list_value.SetInParent()
        case _:
            raise TypeError(f"{value!r} is no JSON")
