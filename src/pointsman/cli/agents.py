"""`pointsman mcp`: an agent on standard input and output, a server over REST."""

import httpx2

from pointsman.api.mcp.doors import Away
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.server import mcp_server
from pointsman.cli.rest_client import access_of
from pointsman.cli.stopping import until_stopped


def speak_until_closed(
    url: str | None, key: str | None, timeout_seconds: float, *, allow_control: bool
) -> None:
    """Answer the agent until it closes its end.

    The server need not be there yet: tools that need it say so.

    Raises:
        FlagError: If the URL is none.
    """
    access = access_of(url, key, timeout_seconds)

    async def speak() -> None:
        async with httpx2.AsyncClient(
            base_url=access.url, headers=access.headers(), timeout=access.timeout_seconds
        ) as http:
            offer = Offer(allow_control=allow_control)
            await mcp_server(Away(http), offer).run_stdio_async()

    until_stopped(speak())
