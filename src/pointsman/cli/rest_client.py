"""A server's REST door as the commands see it: it answers, or one line says why not."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from pointsman.cli.errors import FlagError, ServerError
from pointsman.config import HTTP, SERVED_BY, read_settings
from pointsman.core.names import url_path

LOCAL: Final = f"http://{HTTP}"
"""What `pointsman serve` offers by default."""
FORMS: Final = f"write http://HOST:PORT, as in {LOCAL}"
ACTOR: Final = "cli"
PAGE: Final = 1_000


class Refused(ServerError):
    """The server is well, and will not do this one thing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Access:
    """Which server, what to show it, and how long to wait."""

    url: str
    key: str | None = None
    timeout_seconds: float = 60.0

    def headers(self) -> dict[str, str]:
        """With which each request shows the key."""
        return {"key": self.key} if self.key else {}


def access_of(url: str | None, key: str | None, timeout_seconds: float) -> Access:
    """What the flags mean, and the variables where a flag says nothing.

    Raises:
        FlagError: If the URL is none, or the key cannot be one.
    """
    try:
        settings = read_settings(os.environ, url=url, key=key)
    except ValueError as error:
        raise FlagError(str(error)) from error
    meant = settings.url or LOCAL
    try:
        parsed = httpx2.URL(meant)
    except httpx2.InvalidURL as error:
        raise FlagError(f"{meant!r} is no URL ({error}); {FORMS}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise FlagError(f"{meant!r} is no URL of a server; {FORMS}")
    _check_word("--key", settings.key)
    return Access(meant, settings.key, timeout_seconds)


class Server:
    """Use it as a context. Opens a connection when it is first needed.

    All calls raise `Refused` if the server will not, and `ServerError` if it does not answer.
    They raise `FlagError` if what they are to say cannot be said.
    """

    def __init__(self, access: Access) -> None:
        self._http = httpx2.Client(
            base_url=access.url, headers=access.headers(), timeout=access.timeout_seconds
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, *path: str, **query: object) -> Any:  # noqa: ANN401  JSON.
        return self._ask("GET", path, params=_given(query)).json()

    def post(self, *path: str, why: str = "", once: str | None = None, body: object = None) -> Any:  # noqa: ANN401  JSON.
        """What came of a change. `why` goes into the facts, and `once` makes a repetition none."""
        _check_word("--once", once)
        said = {
            "x-why": quote(why.strip(), safe=" ", errors="replace") or None,
            "idempotency-key": once,
        }
        headers = {"x-actor": ACTOR, **_given(said)}
        sent = {} if body is None else body
        return self._ask("POST", path, headers=headers, json=sent).json()

    def pages(self, *path: str, most: int, **query: object) -> Iterator[dict[str, Any]]:
        """The items of a list that comes in pages, at most so many."""
        while most > 0:
            answer = self._ask("GET", path, params=_given({**query, "limit": min(most, PAGE)}))
            items = answer.json()
            yield from items
            most -= len(items)
            link = answer.links.get("next")
            if link is None or not items:
                return
            query = {**query, **httpx2.URL(link["url"]).params}

    def _ask(self, method: str, path: tuple[str, ...], **sent: Any) -> httpx2.Response:  # noqa: ANN401
        try:
            place = url_path(*path)
            answer = self._http.request(method, place, **sent)
        except UnicodeEncodeError as error:
            half = error.object[error.start : error.end]
            raise FlagError(f"{half!a} is half a character: text in UTF-8 would work") from error
        except httpx2.TimeoutException as error:
            raise ServerError(f"no answer from {self._http.base_url} in time") from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise ServerError(f"no answer from {self._http.base_url}: {error}") from error
        if not answer.is_success:
            raise _refusal(answer)
        if SERVED_BY not in answer.headers:
            raise _stranger(answer)
        return answer


def _check_word(place: str, word: str | None) -> None:
    """A header takes nothing else. What was met is not shown: it may be a secret."""
    if word is not None and not (word.isascii() and word.isprintable() and word == word.strip()):
        raise FlagError(f"{place}: letters, digits and signs of ASCII in one line would work")


def _given(values: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _refusal(answer: httpx2.Response) -> ServerError:
    try:
        body = answer.json()
        return Refused(body["code"], body["message"])
    except (ValueError, KeyError, TypeError):
        return _stranger(answer)


def _stranger(answer: httpx2.Response) -> ServerError:
    where = f"{answer.url}: {answer.status_code} {answer.reason_phrase}"
    return ServerError(f"{where}; is that a server of pointsman?")
