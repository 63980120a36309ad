"""A dispatcher of this program over REST, with its description at /docs.

    python examples/operations_openapi.py --seconds 60

Without --seconds it asks itself a few things, and ends.
"""

import argparse
import json
import time
from contextlib import suppress
from http.client import HTTPConnection

from pointsman.operation_dispatcher import (
    Operation,
    OperationDispatcher,
    OperationDispatcherOpenAPI,
)

ROBOT = "robot-1"


def ask(port: int, method: str, path: str, body: object = None) -> object:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told: object = json.loads(answer.read())
    print(f"{method} {path}: {answer.status}")
    connection.close()
    return told


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=8080)
    words.add_argument("--seconds", type=float, default=0.0)
    asked = words.parse_args()
    with (
        OperationDispatcher(ROBOT) as dispatcher,
        OperationDispatcherOpenAPI(dispatcher, port=asked.port) as door,
    ):
        dispatcher.start()
        lift = dispatcher.add(Operation(resource_id=ROBOT, payload={"task": "lift"}))
        print(f"open http://127.0.0.1:{door.port}/docs")
        if asked.seconds:
            time.sleep(asked.seconds)
            return
        ask(door.port, "POST", "/operations/add", [{"payload": {"task": "weld"}, "priority": 5}])
        ask(door.port, "GET", "/operations")
        ask(door.port, "POST", f"/operations/{lift.id}/complete", {"result": {"height_m": 2}})
        ask(door.port, "GET", "/operations/history?limit=10")
        print(lift.payload["task"], "is", lift.state)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
