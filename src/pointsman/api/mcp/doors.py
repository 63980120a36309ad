"""The REST door that tools ask: in this process, or at a server elsewhere."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.config import SERVED_BY
from pointsman.config.keys import Key

HERE: Final = "http://localhost"


class Door(Protocol):
    async def request(
        self,
        method: str,
        path: str,
        key: Key | None,
        headers: Mapping[str, str],
        **sent: Any,  # noqa: ANN401
    ) -> httpx2.Response:
        """An answer. `key` is that of whoever called the tool.

        Raises:
            httpx2.TransportError: If there is none, or not from a server of pointsman.
        """
        ...


class Away:
    """A server elsewhere. Its client shows the key of this process, if that has one."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def request(
        self,
        method: str,
        path: str,
        key: Key | None,  # noqa: ARG002  Nobody shows one to a process of their own.
        headers: Mapping[str, str],
        **sent: Any,  # noqa: ANN401
    ) -> httpx2.Response:
        answer = await self._http.request(method, path, headers=headers, **sent)
        if answer.is_success and SERVED_BY not in answer.headers:
            raise httpx2.RemoteProtocolError(f"{answer.url} is no server of pointsman")
        return answer


class Inside:
    """The application of this process, past its entrance: its callers came in already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def request(
        self,
        method: str,
        path: str,
        key: Key | None,
        headers: Mapping[str, str],
        **sent: Any,  # noqa: ANN401
    ) -> httpx2.Response:
        async def keyed(scope: Scope, receive: Receive, send: Send) -> None:
            await self._app({**scope, "state": {"key": key}}, receive, send)

        transport = httpx2.ASGITransport(app=keyed)
        async with httpx2.AsyncClient(transport=transport, base_url=HERE) as http:
            return await http.request(method, path, headers=headers, **sent)
