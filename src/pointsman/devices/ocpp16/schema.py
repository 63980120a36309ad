"""Whether a payload is what OCPP 1.6 says it must be, by the schemas of the `ocpp` library.

Validation is done here and now, not in a thread of the library's: a payload takes some fifty
microseconds, and a hop to a thread and back takes longer.
"""

import json
from decimal import Decimal
from typing import Final

from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from ocpp.messages import MessageType, get_validator

CALL: Final = MessageType.Call
CALL_RESULT: Final = MessageType.CallResult
CALL_ERROR: Final = MessageType.CallError
_VERSION: Final = "1.6"
_WITH_TENTHS: Final = frozenset(
    {
        (CALL, "SetChargingProfile"),
        (CALL, "RemoteStartTransaction"),
        (CALL_RESULT, "GetCompositeSchedule"),
    }
)
"""Where a limit must be a multiple of 0.1, which binary fractions never are."""
_CODES: Final = {
    "type": "TypeConstraintViolation",
    "maxLength": "TypeConstraintViolation",
    "required": "ProtocolError",
    "enum": "PropertyConstraintViolation",
}


class Malformed(ValueError):
    """A payload is not what its schema says. `code` is the CALLERROR code for that."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def check(message_type: int, action: str, payload: object) -> None:
    """Refuse what is not well-formed. `action` must be one of OCPP's: it names a file.

    Raises:
        Malformed: If it is not.
    """
    if (message_type, action) in _WITH_TENTHS:
        payload = json.loads(json.dumps(payload), parse_float=Decimal, parse_constant=Decimal)
    validator = get_validator(message_type, action, _VERSION, parse_float=Decimal)
    try:
        validator.validate(payload)
    except ValidationError as error:
        code = _CODES.get(str(error.validator), "FormatViolation")
        raise Malformed(code, error.message[:200]) from error
    except ArithmeticError as error:
        raise Malformed("PropertyConstraintViolation", "a number has no end") from error
