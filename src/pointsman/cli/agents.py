"""`pointsman mcp`: an agent on standard input and output, a server over REST."""

import asyncio
import os
import signal
from typing import Final

import httpx2

from pointsman.api.mcp.doors import Away
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.server import mcp_server
from pointsman.cli.errors import INTERRUPTED, TERMINATED
from pointsman.cli.rest_client import access_of

ENDS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


def speak_until_closed(
    url: str | None, key: str | None, timeout_seconds: float, *, allow_control: bool
) -> None:
    """Answer the agent until it closes its end, or a signal.

    The server need not be there yet: tools that need it say so. A signal ends this process at once:
    it keeps nothing, and the thread that waits for the agent's next line can wait for ever.

    Raises:
        FlagError: If the URL is none.
    """
    access = access_of(url, key, timeout_seconds)

    async def speak() -> None:
        for sign, status in ENDS.items():
            asyncio.get_running_loop().add_signal_handler(sign, os._exit, status)
        async with httpx2.AsyncClient(
            base_url=access.url, headers=access.headers(), timeout=access.timeout_seconds
        ) as http:
            offer = Offer(allow_control=allow_control)
            await mcp_server(Away(http), offer).run_stdio_async()

    asyncio.run(speak())
