"""Names: paths of percent-encoded parts, so that any text may be part of one.

    caltech                           a site; all of a site lives in one shard
    schedules/caltech/engine          an entity; its id is `caltech/engine`
    schedules/caltech/engine/cmd_1f   a thing of that entity, with facts of its own

A part is written in `[A-Za-z0-9_~%-]`. What is not is percent-encoded as UTF-8; `~` joins the
words of one part (`slots~plan~asset`), so inside a word it is encoded too. A site that is written
`~3` is no site: it is shard 3 itself, for what belongs to all sites that live there.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote
from zlib import crc32

SLASHES: Final = 2
"""In the name of an entity."""
SHARD: Final = "~"
"""Opens what stands in the place of a site and names a shard. No encoded word begins like this."""
REMEMBERED: Final = 4_096
"""Names that need not be checked again."""
_PLAIN: Final = re.compile(r"[\w-]+", re.ASCII)
_PLAIN_WORDS: Final = re.compile(r"[\w-]+(?:~[\w-]+)*", re.ASCII)
_NAME: Final = re.compile(r"[\w~%-]+(?:/[\w~%-]+)*", re.ASCII)


def word(text: str) -> str:
    """Any text as one word of a part.

    Raises:
        ValueError: If it is empty, or no text that could be written.
    """
    if not text:
        raise ValueError("a name must not be empty")
    if _PLAIN.fullmatch(text):
        return text
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")


def text_of(word: str) -> str:
    """What `word` was made of."""
    return unquote(word, errors="strict")


def url_path(*texts: str) -> str:
    """Where a server has something, of texts that may hold anything.

    Dots are encoded too: clients take `..` for the place above, and never say it.
    """
    return "/" + "/".join(quote(text, safe="").replace(".", "%2E") for text in texts)


def part(*texts: str) -> str:
    """One part made of several words."""
    joined = "~".join(texts)
    if joined.count("~") == len(texts) - 1 and _PLAIN_WORDS.fullmatch(joined):
        return joined
    return "~".join(word(text) for text in texts)


def entity_name(kind: str, site: str, name: str) -> str:
    """The name of an entity, of texts that may hold anything."""
    return f"{word(kind)}/{word(site)}/{word(name)}"


@lru_cache(REMEMBERED)
def check_name(name: str, *, parts: tuple[int, ...] = (3, 4)) -> None:
    """Refuse what is not a well-formed name.

    Raises:
        ValueError: If it has another number of parts, or a part has a character of no name.
    """
    if name.count("/") + 1 not in parts or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: kind/site/name[/thing], each part encoded")


def key_of(entity: str, thing: str) -> str:
    """The name of a thing of an entity, under which its facts are kept."""
    return f"{entity}/{thing}" if thing else entity


def entity_of(key: str) -> str:
    """The name of the entity that a key belongs to."""
    entity, _, _ = key.rpartition("/")
    return entity if entity.count("/") == SLASHES else key


def site_of(key: str) -> str:
    """The (encoded) site that a key belongs to."""
    return key.split("/", 2)[1]


def shard_site(shard: int) -> str:
    """What stands in the place of a site, in names of what belongs to a shard as a whole."""
    return f"{SHARD}{shard}"


def shard_of(site: str, shards: int) -> int:
    """The shard where everything of the (encoded) site lives, whatever its kind.

    Raises:
        ValueError: If the site stands for a shard that does not exist.
    """
    if not site.startswith(SHARD):
        return crc32(site.encode()) % shards
    number = site.removeprefix(SHARD)
    if not number.isdecimal() or number != str(int(number)) or int(number) >= shards:
        raise ValueError(f"{site!r} names no shard: ~0 to ~{shards - 1} do")
    return int(number)
