"""What the MCP door offers: all there is, or what was chosen of it.

It imports nothing of the SDK, so whoever may offer something later can say so at once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

NAME: Final = "pointsman"
INSTRUCTIONS: Final = """\
You look at, and may be allowed to steer, real equipment: robots, machines, vehicles. Each is a
resource that does one operation at a time, from a queue. An operation starts only after somebody
has said yes to its own request. Ask operation_why before you guess why something does not start.
Say in `why` what you change something for: it is kept, with your name."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What agents find, and what they are told of it."""

    allow_control: bool = False
    """Whether they may change something. Otherwise they only look."""
    name: str = NAME
    instructions: str = INSTRUCTIONS
    tools: Collection[str] | None = None
    """Their names. None: all of them, and so with the next two."""
    resources: Collection[str] | None = None
    """Their URIs, with the braces that they have."""
    prompts: Collection[str] | None = None
    json_response: bool = True
    """Whether an answer over HTTP is JSON. Otherwise it is a stream with that one event."""
