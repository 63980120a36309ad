"""Who gets in, and to which resources. Without keys, everybody does."""

from collections.abc import Mapping

from pointsman.api.keys import RIGHTS, Forbidden, Keys, Right
from pointsman.api.rest.errors import Problem
from pointsman.config.keys import Key
from pointsman.runtime.clock import Clock

BEARER = "bearer "
SIGNATURE = ("ts", "nonce", "sig")


class Guard:
    def __init__(
        self, keys: Keys | None, clock: Clock, microgrids: Mapping[str, int | None]
    ) -> None:
        """`microgrids` are those of each resource's site, if it has one."""
        self._keys = keys
        self._clock = clock
        self._microgrids = microgrids

    def who(self, what: str, headers: Mapping[str, str]) -> Key | None:
        """Whose request it is. `what` is its verb and its path, which a signature is for.

        Raises:
            Unauthenticated: If nobody knows.
        """
        if self._keys is None:
            return None
        shown: dict[str, str | bytes] = {
            name: value for name in SIGNATURE if (value := headers.get(name)) is not None
        }
        if (key := _shown_key(headers)) is not None:
            shown["key"] = key
        return self._keys.who(what, shown, self._clock.now())

    def sees(self, key: Key | None, resource_id: str) -> bool:
        """Whether this resource is there at all, for whoever has this key."""
        if key is None or key.microgrids is None:
            return True
        return self._microgrids.get(resource_id) in key.microgrids

    def check(self, key: Key | None, right: Right, resource_id: str) -> None:
        """Refuse what the key gives no right to.

        Raises:
            Problem: If it does not see the resource: as if there were none.
            Forbidden: If it may not do that there.
        """
        if not self.sees(key, resource_id):
            raise no_resource(resource_id)
        if key is not None and right not in RIGHTS[key.role]:
            raise Forbidden(f"this key may not {right} anything: it is an {key.role}'s")


def no_resource(resource_id: str) -> Problem:
    return Problem(404, "resource_not_found", f"there is no resource {ascii(resource_id)[:200]}")


def _shown_key(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization", "")
    if authorization[: len(BEARER)].lower() == BEARER:
        return authorization[len(BEARER) :].strip()
    return headers.get("key")
