"""The high-level library of dispatches: what happens to them, when they run, and who acts on it.

    server --connection--> edge (engine, journal) --facts--> hub --> inboxes --> your code
                             ^                                          |
                             +------------------ Take <-----------------+

dispatcher, acting     the two ways in
connection             subscribes, lists, and starts again for as long as it takes
edge                   one life of the follower's engine, in memory or on a file
hub, inbox             who is told of what, and who has taken what
dispatch, translating  what is handed out, and the values that it is made of
merging, managing      actors that follow dispatches
client                 calls to the server, in all the documented forms
"""

import logging

_ids = logging.getLogger("frequenz.core.id")
_was_disabled = _ids.disabled
_ids.disabled = True  # Two of its own modules claim one prefix, and nobody here can help it.
try:
    import frequenz.client.dispatch  # noqa: F401  For its warning to be over.
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"dispatches need the extra: pip install 'pointsman[dispatch]' ({missing})",
        name=missing.name,
    ) from missing
finally:
    _ids.disabled = _was_disabled
