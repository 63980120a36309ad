"""How a day went: figures of a history, as tables and as a chart.

python examples/operations_figures.py --chart day.html --table day.csv
"""

import argparse
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pointsman.operation_dispatcher import (
    History,
    HistoryAnalyzer,
    Operation,
    OperationDispatcher,
    show_history_gantt,
)

ROBOT = "robot-1"
MORNING = datetime(2026, 1, 5, 6, tzinfo=UTC)
FAILURES = 0.2


class Shown:
    """A clock that shows what it is told, so that a day takes a moment."""

    speed = 1.0

    def __init__(self) -> None:
        self.at = MORNING

    def now(self) -> datetime:
        return self.at

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop_at(self, instant: datetime | None) -> None:
        """It moves only when it is told to."""

    def wall_seconds_since(self, instant: datetime) -> float:
        return (self.at - instant).total_seconds()


def tasks(chance: random.Random) -> Iterator[Operation]:
    for name in ("pick", "place", "sweep", "charge") * 3:
        planned = timedelta(minutes=chance.randint(10, 40))
        yield Operation(
            resource_id=ROBOT,
            payload={"task": name},
            created_at=MORNING,
            planned_duration=planned // timedelta(milliseconds=1),
            due_date=MORNING + timedelta(hours=chance.randint(2, 9)),
        )


def a_day(chance: random.Random) -> History:
    clock = Shown()
    with OperationDispatcher(ROBOT, clock=clock) as dispatcher:
        dispatcher.add_operations(tasks(chance))
        while (operation := dispatcher.step()) is not None:
            planned = timedelta(milliseconds=operation.planned_duration or 0)
            clock.at += planned * chance.uniform(0.8, 1.4)
            if chance.random() < FAILURES:
                dispatcher.fail_operation(operation.id, error="the gripper jammed")
            else:
                dispatcher.complete_operation(operation.id)
            clock.at += timedelta(minutes=chance.randint(1, 5))
        return dispatcher.get_history(resolve_operations=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--chart", type=Path)
    words.add_argument("--table", type=Path)
    asked = words.parse_args()
    history = a_day(random.Random(3))  # noqa: S311
    analyzer = HistoryAnalyzer(history)
    report = analyzer.get_report()
    print(f"{report.completed} completed, {report.failed} failed, {report.late} late")
    print(f"utilisation {report.utilisation_percentage:.0f} %")
    if report.running_to_planned is not None:
        print(f"they took {report.running_to_planned.mean:.2f} times as long as planned")
    if asked.table is not None:
        analyzer.to_csv(asked.table)
    if asked.chart is not None:
        show_history_gantt(history, "A day", output_html_path=asked.chart, auto_open=False)


if __name__ == "__main__":
    main()
