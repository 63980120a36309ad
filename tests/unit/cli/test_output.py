"""Numbers as people read them."""

import pytest

from pointsman.cli.output import counts, kw, kwh, plain, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.001, "0"),
        (6.6, "6.6"),
        (-30.0, "-30"),
        (100, "100"),
    ],
)
def test_power_is_told_to_ten_watts(value: float | None, text: str) -> None:
    assert kw(value) == text


def test_energy_that_no_meter_told_is_unknown() -> None:
    assert (kwh(None), kwh(12.346)) == ("unknown", "12.35")


def test_counts_are_words() -> None:
    assert counts({"COMPLETED": 3, "EXPIRED": 1}) == "3 COMPLETED, 1 EXPIRED"
    assert counts({}) == "none"


def test_what_others_wrote_is_neither_markup_nor_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    assert plain("über 20 \x1b[2J\n%") == "über 20 \\x1b[2J\\n%"
    table(("job", "payload"), [("[red]", '{"at": "[/dock]"}'), ("a\x1b[31m", "b\nc")], words=2)
    shown = capsys.readouterr().out
    for words in ("[red]", '"[/dock]"', "a\\x1b[31m", "b\\nc"):
        assert words in shown
