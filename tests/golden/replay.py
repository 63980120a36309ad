"""Golden journals: how they are written once, and replayed for ever.

A file is named `PILLAR-RELEASE.jsonl`. Each line is a record, oldest first: its key and its
data, as text, so that not one byte of it can change unnoticed.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pointsman.core.entity import Kind
from pointsman.journal import TOMBSTONE, Record
from pointsman.runtime.codec import Codec

HERE = Path(__file__).parent


def write(name: str, records: Iterable[Record]) -> None:
    """Keep a journal as it is today. Only for a new release, never over an old file."""
    path = HERE / name
    if path.exists():
        raise FileExistsError(f"{path} is golden: give the new one another name")
    lines = [json.dumps({"key": r.key, "data": r.data.decode()}) for r in records]
    path.write_text("\n".join(lines) + "\n")


def read(name: str) -> list[tuple[str, bytes]]:
    lines = (HERE / name).read_text().splitlines()
    return [(line["key"], line["data"].encode()) for line in map(json.loads, lines)]


def replay(name: str, kinds: Sequence[Kind[Any, Any, Any]]) -> dict[str, Any]:
    """The state of each entity, from the last record of each of its keys, as a load has it."""
    codec, entities = Codec(kinds), {kind.name: kind.entity for kind in kinds}
    states: dict[str, Any] = {}
    for key, data in dict(read(name)).items():
        if data != TOMBSTONE:
            entity, fact, _ = codec.decode(key, data)
            rules = entities[entity.partition("/")[0]]
            before = states[entity] if entity in states else rules.initial()
            states[entity] = rules.evolve(before, fact)
    return states
