"""Which tools, resources and prompts there are by name, and which of them an offer means."""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from pointsman.api.mcp.changing import Authoring, Reporting, Steering
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.readables import PROMPTS, URIS
from pointsman.api.mcp.reading import Reading


def _names(*groups: type) -> Iterator[str]:
    """The public methods of groups, in the order in which they are written."""
    for group in groups:
        for name, member in vars(group).items():
            if not name.startswith("_") and callable(member):
                yield name


GROUPS: Final = (Reading, Steering, Authoring, Reporting)
LOOKING: Final = tuple(_names(Reading))
CHANGING: Final = tuple(_names(Steering, Authoring, Reporting))


class Choice(NamedTuple):
    """What there is to be, in the order in which agents see it."""

    tools: tuple[str, ...]
    resources: tuple[str, ...]
    prompts: tuple[str, ...]


def choice(offer: Offer) -> Choice:
    """What an offer means.

    Raises:
        ValueError: If there is nothing of a name, or it is not to be without leave to control.
    """
    tools = (*LOOKING, *CHANGING)
    if not offer.allow_control:
        for name in CHANGING:
            if name in (offer.tools or ()):
                line = f"tools has {name!r}, which changes something: allow_control=True would work"
                raise ValueError(line)
        tools = LOOKING
    return Choice(
        _chosen("tools", offer.tools, tools),
        _chosen("resources", offer.resources, tuple(URIS)),
        _chosen("prompts", offer.prompts, tuple(PROMPTS)),
    )


def _chosen(kind: str, names: Collection[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if names is None:
        return known
    if isinstance(names, str):
        raise ValueError(f"{kind} is {names!r}: a list of names, or None for all, would work")
    for name in names:
        if name not in known:
            raise ValueError(f"{kind} has {name!r}: one of {', '.join(known)} would work")
    return tuple(name for name in known if name in names)
