"""The application: routes, errors and their description, joined around `Operations`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from itertools import product
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from pointsman.api.keys import Forbidden, Keys, Unauthenticated
from pointsman.api.operations import Operations
from pointsman.api.rest import (
    control_routes,
    dispatcher_routes,
    history_routes,
    job_routes,
    operation_routes,
    report_routes,
    resource_routes,
)
from pointsman.api.rest.description import complete
from pointsman.api.rest.desk import House
from pointsman.api.rest.errors import Problem, problem_of, response_of
from pointsman.api.rest.guarding import Guard
from pointsman.api.rest.idempotency import Turns
from pointsman.api.rest.pages import DOCUMENT, OPEN, add_pages
from pointsman.api.rest.refusals import SHOWN, refusal
from pointsman.api.rest.streams import Streams
from pointsman.core.entity import Rejected
from pointsman.journal import Fenced, Unknown
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.clock import Clock

OF_RESOURCE: Final = "/resources/{resource_id:path}"
METHOD_NOT_ALLOWED: Final = 405
EXPECTED: Final = (
    Problem,
    Rejected,
    Unauthenticated,
    Forbidden,
    Overloaded,
    Fenced,
    Unknown,
    Exception,
)
PARTS: Final = (
    history_routes.router,  # Before those of single operations: `history` is no id.
    operation_routes.router,
    control_routes.router,
    report_routes.router,
    dispatcher_routes.router,
    job_routes.router,
    history_routes.stream,  # After those of operations: a resource may be named `a/b`.
)


class Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app(
    operations: Operations,
    clock: Clock,
    *,
    keys: Keys | None = None,
    microgrids: Mapping[str, int | None] | None = None,
    streams: Streams | None = None,
) -> Application:
    """The application without its entrance. `microgrids` are those of each resource's site."""
    app = _application()
    app.router = _routed().router
    app.state.house = House(operations, Guard(keys, clock, microgrids or {}), clock, Turns())
    app.state.streams = streams or Streams()
    add_pages(app)
    _answer_errors(app)
    return app


def _application() -> Application:
    return Application(
        title="pointsman operations",
        version=version("pointsman"),
        summary="Queues, handshakes and supervision of operations on resources.",
        docs_url=None,
        openapi_url=DOCUMENT,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(_known_queries)],
    )


@cache
def _routed() -> Application:
    """With all routes. They know of no house, so all share them: to prepare them takes a while."""
    app = _application()
    app.include_router(resource_routes.router)
    for part in PARTS:
        app.include_router(part)
        app.include_router(part, prefix=OF_RESOURCE, dependencies=[Depends(_named)])
    return app


async def _named(resource_id: Annotated[str, Path(description="As the site file has it.")]) -> None:
    """So that it is described. What it means, the desk knows."""


def _operation_id(route: APIRoute) -> str:
    return f"{route.name}_of_resource" if route.path.startswith(OF_RESOURCE) else route.name


async def _known_queries(request: Request) -> None:
    """Refuse what nobody asked for, or is said twice: such a filter would be none at all."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    if unknown := sorted(set(request.query_params) - known):
        allowed = f"allowed: {', '.join(sorted(known))}" if known else "there are none here"
        line = f"{unknown[0][:SHOWN]!a} is no query parameter of this request; {allowed}"
        raise Problem(400, "unknown_parameter", line, {"field": unknown[0][:SHOWN]})
    said = Counter(name for name, _ in request.query_params.multi_items())
    if twice := next((name for name, count in said.items() if count > 1), None):
        line = f"{twice} is said {said[twice]} times: once would do"
        raise Problem(400, "repeated_parameter", line, {"field": twice})


# Errors


def _answer_errors(app: FastAPI) -> None:
    allowed = _Allowed()

    async def refused(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return response_of(refusal(request.scope["route"].name, error.errors()))

    async def unrouted(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return allowed.response(request, error)

    async def failed(request: Request, error: Exception) -> Response:
        return response_of(problem_of(error, f"{request.method} {request.url.path}"))

    app.add_exception_handler(RequestValidationError, refused)
    app.add_exception_handler(HTTPException, unrouted)
    for kind in EXPECTED:
        app.add_exception_handler(kind, failed)


class _Allowed:
    """Which verbs each path has: one route knows its own only."""

    def __init__(self) -> None:
        self._paths = [*_paths()]

    def response(self, request: Request, error: HTTPException) -> Response:
        whole, root = request.scope["path"], request.scope.get("root_path", "").rstrip("/")
        path = whole.removeprefix(root)  # It may be a part of another application.
        verbs = {verb for fits, verbs in self._paths if fits(path) for verb in verbs}
        if not verbs:
            line = f"there is nothing at {ascii(whole)[:200]}: see {root}/docs"
            return response_of(Problem(error.status_code, "unknown_path", line))
        allow = {"Allow": ", ".join(sorted(verbs))}
        if request.scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=allow)
        if error.status_code != METHOD_NOT_ALLOWED:
            return response_of(Problem(error.status_code, "refused", str(error.detail)))
        line = f"{request.method} is not allowed here; allowed: {allow['Allow']}"
        return response_of(Problem(METHOD_NOT_ALLOWED, "method_not_allowed", line, headers=allow))


def _paths() -> Iterator[tuple[Callable[[str], object], frozenset[str]]]:
    always = {"GET", "HEAD", "OPTIONS"}
    for path in OPEN:
        yield path.__eq__, frozenset(always)
    root = (resource_routes.router, *PARTS)
    for prefix, part in (*product([""], root), *product([OF_RESOURCE], PARTS)):
        for route in _routes(part):
            fits, _, _ = compile_path(f"{prefix}{route.path}")
            verbs = always if "GET" in (route.methods or ()) else {"POST", "OPTIONS"}
            yield fits.match, frozenset(verbs)


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    return (route for route in router.routes if isinstance(route, APIRoute))
