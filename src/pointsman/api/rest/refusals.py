"""What of a request does not fit, in the words of the documented errors."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pointsman.api.rest.errors import Problem
from pointsman.operations.model import Reason, State

ADD: Final = "add_operations"
UPDATE: Final = "update_operation"
VALID: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "state": ("valid_states", [*State]),
    "termination_reason": (
        "valid_termination_reasons",
        [one for one in Reason if one is not Reason.NONE],
    ),
}
"""What helps whoever got one of these fields wrong."""
SHOWN: Final = 100
"""Characters of a name that somebody else made up."""


def refusal(route: str, errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The first of the errors that pydantic found in a request for a route."""
    error = errors[0]
    where, *place = error["loc"]
    line, details = _line(error, place), dict[str, Any]()
    if where != "body":
        name = str(place[0])
        details |= {"field": name[:SHOWN], **_valid(name)}
        return Problem(400, f"invalid_{name.replace('-', '_').lower()}", line, details)
    if route == ADD and place and isinstance(place[0], int):
        details["index"] = place[0]
    name = next((str(part) for part in place if isinstance(part, str)), "")
    details |= {"field": name[:SHOWN]} if name else {}
    details |= _valid(name) if error["type"] in ("enum", "value_error") else {}
    return Problem(400, _code(route, str(error["type"]), place), line, details)


def _code(route: str, kind: str, place: Sequence[str | int]) -> str:
    field = next((part for part in place if isinstance(part, str)), None)
    match route, kind, field:
        case "add_operations", "extra_forbidden", "resource_id":
            return "resource_id_not_allowed"
        case "add_operations", "too_short", None:
            return "missing_operations"
        case "add_operations", "missing", "payload":
            return "missing_payload"
        case "add_operations", _, "payload":
            return "invalid_payload"
        case "add_operations", _, None:
            return "invalid_operations"
        case "add_operations", _, _:
            return "invalid_operation"
        case "update_operation", _, _:
            return "invalid_updates"
        case _, _, "meta_data" | "termination_reason":
            return f"invalid_{field}"
        case _:
            return "invalid_request_body"


def _line(error: Mapping[str, Any], place: Sequence[str | int]) -> str:
    name = ".".join(str(part)[:SHOWN] for part in place) or "the body"
    match error["type"]:
        case "extra_forbidden":
            return f"{ascii(name)[1:-1]} is no field of this request"
        case "missing":
            return f"{name} is missing"
        case "enum" if place and str(place[-1]) in VALID:
            _, values = VALID[str(place[-1])]
            return f"{name}: {', '.join(values[:-1])} or {values[-1]} would work"
        case _:
            said = str(error["msg"]).removeprefix("Value error, ")
            return f"{ascii(name)[1:-1]}: {said[:1].lower()}{said[1:]}"


def _valid(name: str) -> dict[str, Any]:
    if name not in VALID:
        return {}
    label, values = VALID[name]
    return {label: list(values)}
