"""What keeps an operation back is told in a line each."""

from pointsman.cli.operation_lines import reasons


def test_a_reason_stays_on_its_line_whatever_somebody_said() -> None:
    why = {"line": "the dispatcher is paused: wet\n\x1b[2Jfloor"}
    detail = {"operation": {"id": "lift"}, "phase": "QUEUED", "blocked_by": [why]}
    assert [*reasons(detail)] == [
        "operation lift is QUEUED:",
        "  the dispatcher is paused: wet\\n\\x1b[2Jfloor",
    ]
