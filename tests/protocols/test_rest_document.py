"""The description of the REST door: valid, complete, true of what it does, and as in the docs."""

import argparse
import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urljoin

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pointsman.api.operations import Operations
from pointsman.api.rest.app import create_app
from pointsman.operations.checks import PRIORITY_MOST
from pointsman.runtime.clock import SystemClock
from tests.protocols.rest_bench import (
    ASKING,
    Serving,
    added,
    asked,
    client,
    running,
    served,
    server,
)

DOCS: Final = Path(__file__).parent.parent.parent / "docs" / "rest.md"
OF_RESOURCE: Final = "/resources/{resource_id}"
CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES: Final = 2
"""Of each call."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """It asks nothing of the operations."""
    return create_app(cast(Operations, None), SystemClock()).openapi()


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb, call in item.items():
            yield verb.upper(), path, call


def test_it_is_openapi_3_1_and_names_each_call_once(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    names = [call["operationId"] for _, _, call in calls(document)]
    assert len(names) == len(set(names))
    assert all(call["description"] for _, _, call in calls(document))
    assert "HTTPValidationError" not in str(document)


def test_each_call_is_there_at_the_root_and_for_each_resource(
    document: dict[str, Any],
) -> None:
    found = {(verb, path) for verb, path, _ in calls(document)} - {("GET", "/resources")}
    root = {(verb, path) for verb, path in found if not path.startswith(OF_RESOURCE)}
    assert found == root | {(verb, f"{OF_RESOURCE}{path}") for verb, path in root}


def test_each_call_says_how_it_is_refused_in_the_one_shape(
    document: dict[str, Any],
) -> None:
    for verb, path, call in calls(document):
        refusals = {int(s): said for s, said in call["responses"].items() if int(s) >= 400}
        right = {400, 401, 403, 404, 429, 503}
        right |= set() if verb == "GET" else {408, 409, 412, 413, 415}
        assert set(refusals) == right, path
        for said in refusals.values():
            content = said["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}
            assert content["example"]["error"] == content["example"]["message"]


def test_its_schemas_and_their_examples_are_valid(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    found = [*examples(document)]
    assert found
    for schema, example in found:
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(example)


def test_a_client_made_from_it_changes_nothing_that_it_was_not_told_to(
    document: dict[str, Any],
) -> None:
    changes = document["components"]["schemas"]["Changes"]
    assert "priority" in changes["properties"]
    assert "default" not in str(changes["properties"])
    assert "required" not in changes


def test_what_a_request_may_leave_out_is_never_null(document: dict[str, Any]) -> None:
    for _, path, call in calls(document):
        bodies = call.get("requestBody", {}).get("content", {}).values()
        for place in (*call.get("parameters", ()), *bodies):
            assert "null" not in str(place["schema"]), path


def test_its_whole_numbers_are_exact(document: dict[str, Any]) -> None:
    priority = document["components"]["schemas"]["NewOperation"]["properties"]["priority"]
    assert (priority["minimum"], priority["maximum"]) == (-PRIORITY_MOST, PRIORITY_MOST)
    assert type(priority["maximum"]) is int


def test_an_id_is_of_one_type_in_answers_and_in_paths(document: dict[str, Any]) -> None:
    [path] = document["paths"]["/operations/{operation_id}"]["get"]["parameters"]
    schemas = document["components"]["schemas"]
    operation = schemas["Operation"]["properties"]["id"]
    request = schemas["PendingRequest"]["properties"]["operation_id"]
    event, _ = schemas["DispatchEvent"]["properties"]["operation_id"]["anyOf"]
    formats = {one["format"] for one in (path["schema"], operation, request, event)}
    assert formats == {"uuid"}


def examples(schema: Any) -> Iterator[tuple[dict[str, Any], object]]:  # noqa: ANN401  Any JSON.
    if isinstance(schema, dict):
        for example in schema.get("examples", ()):
            yield schema, example
        for value in schema.values():
            yield from examples(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from examples(value)


async def test_the_page_that_shows_it_and_itself_are_there(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    async with served(tmp_path) as http:
        page, itself = await http.get("/docs"), await http.get("/openapi.json")
    assert (page.status_code, "swagger" in page.text.lower()) == (200, True)
    assert "/openapi.json" in page.text
    assert itself.json() == document


def test_the_docs_list_each_call_that_there_is(document: dict[str, Any]) -> None:
    listed = set(re.findall(r"^\| `(GET|POST) (/[^`?]*)", DOCS.read_text(), re.MULTILINE))
    there = {(verb, path) for verb, path, _ in calls(document) if not path.startswith(OF_RESOURCE)}
    assert listed == {(verb, re.sub(r"{\w+?_?id}", "{id}", path)) for verb, path in there}


async def test_the_first_commands_of_the_docs_take_an_operation_from_queue_to_end(
    tmp_path: Path,
) -> None:
    commands = [*curls()]
    async with server(Serving(tmp_path, ASKING)) as one, client(one) as http:
        add, *others = commands[:5]
        [status] = (await sent(http, add, "")).json()
        await asked(http, "START")
        answers = [await sent(http, other, status["operation"]["id"]) for other in others]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[-1].json()["operation"]["state"] == "COMPLETED"
    assert all("/events" in " ".join(words) for words in commands[5:])


def curls() -> Iterator[list[str]]:
    """The commands that the docs show, in words."""
    for block in re.findall(r"^```\n(curl .*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield shlex.split(line)[1:]


async def sent(http: httpx.AsyncClient, words: list[str], id: str) -> httpx.Response:
    """What is answered to a command, as curl would send it."""
    said = argparse.ArgumentParser()
    said.add_argument("url")
    said.add_argument("-d")
    said.add_argument("-H", action="append", default=[])
    said.add_argument("-X")
    given = said.parse_args(words)
    path = given.url.removeprefix("localhost:8080").replace("ID", id)
    headers = dict(header.split(": ") for header in given.H)
    verb = given.X or ("POST" if given.d else "GET")
    return await http.request(verb, path, content=given.d, headers=headers)


async def test_no_request_that_fits_the_description_meets_an_error_of_ours(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    async with server(Serving(tmp_path)) as one, client(one) as http:
        id = await added(http, job_id="pallets")
        await running(http, id)
        ids = {"operation_id": id, "resource_id": "robot-1", "job_id": "pallets"}
        await asyncio.to_thread(try_out, document, one.url, ids)
        assert (await http.get("/dispatcher")).status_code == 200


def try_out(document: dict[str, Any], url: str, ids: dict[str, str]) -> None:
    """All calls but the stream, which does not end, with whatever fits, and with these ids."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        call = found.ok()
        again = call.path.startswith(OF_RESOURCE) and not call.path.endswith("/add")
        if not again and call.path != "/events":
            try_call(call, ids)


def try_call(call: Any, ids: dict[str, str]) -> None:  # noqa: ANN401  Untyped there.
    @given(case=call.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    def no_error_of_ours(case: Any) -> None:  # noqa: ANN401  As above.
        case.call_and_validate(checks=list(CHECKS))
        case.path_parameters = {
            name: ids.get(name, value) for name, value in case.path_parameters.items()
        }
        case.call_and_validate(checks=list(CHECKS))

    no_error_of_ours()


async def test_each_event_of_the_stream_is_as_described(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    answer = document["paths"]["/events"]["get"]["responses"]["200"]
    frame = answer["content"]["text/event-stream"]["schema"]
    of_data = {**frame["properties"]["data"]["contentSchema"], "components": document["components"]}
    async with served(tmp_path) as http:
        await added(http)
        async with http.stream("GET", "/events?after=0") as response:
            lines = response.aiter_lines()
            told = dict[str, str]()
            while "data" not in told:
                name, _, value = (await anext(lines)).partition(": ")
                told |= {name: value} if value else {}
    Draft202012Validator(frame).validate(told)
    Draft202012Validator(of_data).validate(json.loads(told["data"]))


async def test_the_page_loads_all_it_needs_from_here(tmp_path: Path) -> None:
    async with served(tmp_path) as http:
        page = (await http.get("/docs")).text
        assert "http://" not in page
        assert "https://" not in page
        for part in re.findall(r'(?:src|href)="([^"]+)"', page):
            answer = await http.get(urljoin("/docs", part))
            assert (answer.status_code, len(answer.content) > 100) == (200, True), part
        assert (await http.get("/docs/none.js")).status_code == 404
