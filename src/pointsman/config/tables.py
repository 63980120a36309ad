"""Tables of a TOML file, each of which knows where it is written.

`tomllib` keeps no positions, so a line number is looked for again in the text, and left out of
the message where the file is written in a way that this does not find.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

BYTES_LIMIT: Final = 4_000_000
"""A longer site file is a mistake."""
SHOWN_LIMIT: Final = 60
"""Characters of a value that a message shows."""

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"""\s*["']?([^"'=]+?)["']?\s*=""")
_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")

Check = Callable[[Any], Any]
"""The value that a key stands for. Raises ValueError with what it must be."""


class SiteError(ValueError):
    """The site file cannot be used. One line: where, what was met, what would work."""


def shown(value: object) -> str:
    """A value as a message shows it: on one line, and not for ever."""
    text = repr(value)
    return text if len(text) <= SHOWN_LIMIT else f"{text[:SHOWN_LIMIT]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about `word`: the known word that was meant, else all there are."""
    words = sorted(map(str, known))
    if close := get_close_matches(word, words, n=1, cutoff=0.6):
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(words[:30]) or 'none'}{', …' if len(words) > 30 else ''}"  # noqa: PLR2004


def check_keys(table: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    """Refuse a key that means nothing, for it is a typing error.

    Raises:
        SiteError: If `table` has one. `where` opens the message.
    """
    known = set(allowed)
    for key in table:
        if key not in known:
            raise SiteError(f"{where}: unknown key {shown(key)}; {nearest(key, known)}")


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file as it was read."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def line(self, header: str, number: int, key: str) -> int | None:
        """Where `key` stands under `[header]` or the `number`th `[[header]]`; else the header.

        A table inside another one may be written inline, as a key of that one.
        """
        root, seen, inside, found = header.partition(".")[0], 0, not header, None
        for count, line in enumerate(self.text.split("\n"), start=1):
            if match := _HEADER.match(line):
                seen += match[1] == "[[" and match[2] == root
                inside = match[2] == header and seen == number
                found = count if inside and found is None else found
            elif inside and (match := _KEY.match(line)) and match[1] == key:
                return count
        outer, _, name = header.rpartition(".")
        return self.line(outer, number, name) if found is None and outer else found


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a document. `number` counts those of an array of tables, from 1."""

    document: Document
    header: str
    values: Mapping[str, Any]
    number: int = 0

    @property
    def title(self) -> str:
        if not self.number:
            return f"[{self.header}]"
        name = self.values.get("id")
        name = shown(name) if isinstance(name, str) else f"number {self.number}"
        return f"[[{self.header}]] {name}"

    def where(self, key: str = "") -> str:
        """The opening of a message about `key`: file, line and table."""
        line = self.document.line(self.header, self.number, key)
        at = "" if line is None else f", line {line}"
        return f"{self.document.path}{at}, {self.title}"

    def error(self, key: str, problem: str) -> SiteError:
        return SiteError(f"{self.where(key)}: {problem}")

    def read(self, keys: Mapping[str, Check], required: Iterable[str] = ()) -> dict[str, Any]:
        """The values that stand here, each checked.

        Raises:
            SiteError: If a key is unknown, missing, or does not fit.
        """
        for key in self.values:
            if key not in keys:  # To find its line takes a while.
                check_keys({key: None}, keys, self.where(key))
        for key in required:
            if key not in self.values:
                raise self.error(key, f"{key} is missing")
        return {key: self.value(key, check) for key, check in keys.items() if key in self.values}

    def value(self, key: str, check: Check) -> Any:  # noqa: ANN401 - what it is, the check knows
        try:
            return check(self.values[key])
        except ValueError as error:
            raise self.error(key, f"{key} {error}") from error


def only(document: Document, header: str) -> Table:
    """The table `[header]`, which is empty where the document has none.

    Raises:
        SiteError: If it is no table.
    """
    values = document.values.get(header, {})
    if not isinstance(values, dict):
        raise SiteError(f"{place(document, header)}: must be one table, written [{header}]")
    return Table(document, header, values)


def many(document: Document, header: str) -> list[Table]:
    """All tables `[[header]]`, in the order of the document.

    Raises:
        SiteError: If any is no table.
    """
    values = document.values.get(header, [])
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise SiteError(f"{place(document, header)}: each must be a table, written [[{header}]]")
    return [Table(document, header, one, number) for number, one in enumerate(values, start=1)]


def place(document: Document, header: str) -> str:
    """The opening of a message about a table as a whole, or a key above all tables."""
    places = ((header, 0, ""), (header, 1, ""), ("", 0, header))
    line = next(filter(None, (document.line(*place) for place in places)), None)
    return f"{document.path}, line {line}" if line else f"{document.path}"


def read_document(path: Path, what: str = "site file") -> Document:
    """The TOML file at `path`, which messages call by what it is to be.

    Raises:
        SiteError: If there is none, or it is something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_LIMIT + 1)
    except FileNotFoundError as error:
        raise SiteError(f"{path}: there is no such {what}{_beside(path)}") from error
    except IsADirectoryError as error:
        raise SiteError(f"{path}: this is a folder; name the {what} in it") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SiteError(f"{str(path)!r}: cannot be read: {why}") from error
    if len(data) > BYTES_LIMIT:
        raise SiteError(f"{path}: longer than {BYTES_LIMIT:,} bytes, so not a {what}")
    return _parsed(path, data, what)


def _parsed(path: Path, data: bytes, what: str) -> Document:
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SiteError(
            f"{path}: byte {error.start} is not UTF-8 text; a {what} is TOML, not binary"
        ) from error
    if "\0" in text:
        raise SiteError(f"{path}: holds a zero byte; a {what} is TOML, not binary")
    try:
        return Document(path, text, tomllib.loads(text))
    except RecursionError as error:
        raise SiteError(f"{path}: not a {what}: nested too deeply") from error
    except ValueError as error:
        raise SiteError(f"{path}{_reason(str(error))}") from error


def _reason(message: str) -> str:
    """What tomllib says, with the place in front."""
    if not (found := _PLACE.fullmatch(message)):
        return f": not TOML: {message[:1].lower()}{message[1:]}"
    what = found[1][:1].lower() + found[1][1:]
    at = f", line {found[2]}, column {found[3]}" if found[2] else ", at its end"
    return f"{at}: not TOML: {what}"


def _beside(path: Path) -> str:
    """The file of almost this name, if one lies there."""
    try:
        names = sorted(one.name for one in path.parent.glob("*.toml"))
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""
