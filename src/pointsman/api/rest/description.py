"""The description of the door: what OpenAPI is told beyond what the routes say of themselves."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pointsman.api.rest.errors import Error
from pointsman.operations.checks import INTEGER_MOST

ERROR: Final = {"$ref": "#/components/schemas/Error"}
ALL: Final = (400, 401, 403, 404, 429, 503)
"""What any request may be answered with."""
CHANGING: Final = (*ALL, 408, 409, 412, 413, 415)
"""What one that changes something may be, too."""
ERRORS: Final[Mapping[int, tuple[str, str, str]]] = {
    400: (
        "It makes no sense",
        "invalid_limit",
        "limit: input should be less than or equal to 1000",
    ),
    401: ("Nobody knows who is asking", "unauthenticated", "key is missing: send one"),
    403: ("This key may not do that", "forbidden", "this key may not change anything"),
    404: ("There is none", "operation_not_found", "there is no operation lift-7"),
    408: ("Its body came too slowly", "slow_body", "the body did not come within 30 s"),
    409: (
        "Not in the state that it met, or its Idempotency-Key was used for something else",
        "operation_not_running",
        "it cannot be paused: operation lift-7 is QUEUED; it allows update, hold, release, cancel",
    ),
    412: (
        "It has another revision",
        "operation_revised",
        "revision 1 is not 2: operation lift-7 is QUEUED",
    ),
    413: ("Its body is too long", "too_long", "the body is longer than 1000000 bytes"),
    415: ("Its body is no JSON", "unsupported_media_type", "a body must be JSON"),
    429: ("Too many ask at once: ask again later", "overloaded", "too many wait already"),
    503: ("Not now: ask again", "unavailable", "this server is stopping: ask again"),
}
BOUNDS: Final = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "key"},
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """With the errors of each call, in their one shape, and how a key is shown."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = Error.model_json_schema()
    components["securitySchemes"] = SCHEMES
    document["security"] = [{}, *({name: []} for name in SCHEMES)]
    for verb, call in _calls(document):
        statuses = ALL if verb == "get" else CHANGING
        call["responses"].pop("422", None)
        call["responses"] |= {str(status): _error(status) for status in statuses}
        _leave_out_null(call)
    _make_exact(document)
    return document


def _calls(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        yield from path.items()


def _leave_out_null(call: dict[str, Any]) -> None:
    """Whoever leaves out a header, a query or a body sends nothing: there is no null to be sent."""
    places = [*call.get("parameters", ()), *call.get("requestBody", {}).get("content", {}).values()]
    for place in places:
        match place["schema"]:
            case {"anyOf": [{"$ref": _} as other, {"type": "null"}]}:
                place["schema"] = other
            case {"anyOf": [{**one}, {"type": "null"}], **rest}:
                place["schema"] = {**one, **rest}


def _make_exact(said: object) -> None:
    """Bounds of whole numbers became fractions on the way, and 2**63 - 1 became 2**63."""
    match said:
        case list():
            for part in said:
                _make_exact(part)
        case dict():
            _make_exact([*said.values()])
            if said.get("type") == "integer":
                for name in BOUNDS & said.keys():
                    said[name] = max(-INTEGER_MOST, min(int(said[name]), INTEGER_MOST))


def _error(status: int) -> dict[str, Any]:
    description, code, line = ERRORS[status]
    example = {"error": line, "message": line, "code": code}
    content = {"application/json": {"schema": ERROR, "example": example}}
    return {"description": f"{description}.", "content": content}
