"""A queue on its own: what goes first, and what waits for something else.

python examples/operations_queue.py
"""

from datetime import UTC, datetime

from pointsman.operation_dispatcher import DispatchQueue, Operation, OperationDependency

ROBOT = "robot-1"


def task(name: str, *after: Operation, priority: int = 0, hour: int | None = None) -> Operation:
    return Operation(
        resource_id=ROBOT,
        payload={"task": name},
        priority=priority,
        release_date=None if hour is None else datetime(2026, 1, 1, hour, tzinfo=UTC),
        dependencies=[OperationDependency(depends_on_operation_id=one.id) for one in after],
    )


def main() -> None:
    pick = task("pick")
    place = task("place", pick, priority=9)
    queue = DispatchQueue(ROBOT, [place, pick, task("sweep", priority=1), task("charge", hour=14)])

    print("in order:", ", ".join(one.payload["task"] for one in queue.list()))
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    while (operation := queue.next(now=noon)) is not None:
        print("now:", operation.payload["task"])
        queue.complete(operation)
    print("not before 14:00:", ", ".join(one.payload["task"] for one in queue.list()))


if __name__ == "__main__":
    main()
