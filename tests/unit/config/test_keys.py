"""The keys file: what it may say, and that nothing shows what must stay secret."""

from pathlib import Path

import pytest

from pointsman.config import SiteError
from pointsman.config.keys import Key, Role, read_keys

PLANNER = """
[[key]]
name = "planner"
key = "open-sesame"
role = "operator"
microgrids = "*"
"""
WATCHER = """
[[key]]
name = "watcher"
key = "let-me-look"
secret = "nobody knows"
role = "observer"
microgrids = [1, 2]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SiteError) as caught:
        read_keys(written(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_keys_are_read_as_they_are_written(tmp_path: Path) -> None:
    assert read_keys(written(tmp_path, PLANNER + WATCHER)) == (
        Key("planner", "open-sesame", Role.OPERATOR, None),
        Key("watcher", "let-me-look", Role.OBSERVER, frozenset({1, 2}), "nobody knows"),
    )


def test_a_key_never_shows_what_must_stay_secret(tmp_path: Path) -> None:
    shown = repr(read_keys(written(tmp_path, WATCHER)))
    assert "watcher" in shown
    assert "let-me-look" not in shown
    assert "nobody" not in shown


@pytest.mark.parametrize(
    ("changed", "by", "said"),
    [
        ('role = "observer"', 'role = "operater"', "did you mean 'operator'?"),
        ('role = "observer"', "", "role is missing"),
        ("microgrids = [1, 2]", "", "microgrids is missing"),
        ("microgrids = [1, 2]", "microgrids = []", 'must be "*" or a list'),
        ("microgrids = [1, 2]", "microgrids = [1, -2]", "must be a whole number of 0 or more"),
        ("microgrids = [1, 2]", 'microgrids = "all"', 'must be "*" or a list'),
        ('key = "let-me-look"', 'key = "let-mé-look"', "key must be printable ASCII"),
        ('key = "let-me-look"', 'key = " let-me-look"', "key must be printable ASCII"),
        ('key = "let-me-look"', 'key = ""', "key must be printable ASCII"),
        ('key = "let-me-look"', "key = 17", "key must be text in quotes"),
        ('secret = "nobody knows"', "secret = 17", "secret must be text in quotes"),
        ('secret = "nobody knows"', 'secret = ""', "secret must be text in quotes, and not empty"),
        ("secret =", "secert =", "unknown key 'secert'; did you mean 'secret'?"),
        ('name = "watcher"', f'name = "{"w" * 151}"', "name has 151 characters: at most 150"),
        ("[[key]]", "[[keys]]", "unknown key 'keys'; did you mean 'key'?"),
        ("[[key]]", "[key]", "each must be a table, written [[key]]"),
    ],
)
def test_a_mistake_is_one_line_without_key_or_secret(
    tmp_path: Path, changed: str, by: str, said: str
) -> None:
    assert changed in WATCHER
    message = refusal(tmp_path, WATCHER.replace(changed, by))
    assert said in message
    problem = message.removeprefix(str(tmp_path))
    assert not any(word in problem for word in ("let-m", "nobody", "17"))


def test_a_mistake_says_in_which_line_it_is(tmp_path: Path) -> None:
    message = refusal(tmp_path, PLANNER + WATCHER.replace("observer", "spectator"))
    assert "line 12, [[key]] number 2: role" in message


def test_each_name_and_each_key_is_somebody_of_their_own(tmp_path: Path) -> None:
    same_name = refusal(tmp_path, PLANNER + WATCHER.replace("watcher", "planner"))
    assert "name 'planner' is taken by [[key]] number 1" in same_name
    same_key = refusal(tmp_path, PLANNER + WATCHER.replace("let-me-look", "open-sesame"))
    assert "key is taken by [[key]] number 1" in same_key
    assert "sesame" not in same_key


def test_a_file_without_keys_lets_nobody_in_and_is_refused(tmp_path: Path) -> None:
    assert "no keys; describe each in a [[key]] table" in refusal(tmp_path, "")


def test_a_file_that_is_not_there_is_called_by_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="there is no such keys file"):
        read_keys(tmp_path / "keys.toml")
