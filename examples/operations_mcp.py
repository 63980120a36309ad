"""A dispatcher of this program for agents, over MCP at /mcp.

    python examples/operations_mcp.py --seconds 60

Without --seconds an agent of its own looks at it, and it ends.
"""

import argparse
import asyncio
from contextlib import suppress

from mcp.client import Client

from pointsman.operation_dispatcher import (
    Operation,
    OperationDispatcher,
    OperationDispatcherMCPServer,
)

ROBOT = "robot-1"


async def look(port: int, operation_id: str) -> None:
    async with Client(f"http://127.0.0.1:{port}/mcp") as agent:
        tools = await agent.list_tools()
        print(len(tools.tools), "tools, such as", tools.tools[0].name)
        told = await agent.call_tool("operation_why", {"operation_id": operation_id})
        print("why it does not start:", told.structured_content)


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=8000)
    words.add_argument("--seconds", type=float, default=0.0)
    asked = words.parse_args()
    async with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(Operation(resource_id=ROBOT, payload={"task": "lift"}))
        server = OperationDispatcherMCPServer(dispatcher, port=asked.port, allow_control=True)
        async with server.serving() as port:
            print(f"agents find it at http://127.0.0.1:{port}/mcp")
            if asked.seconds:
                await asyncio.sleep(asked.seconds)
            else:
                await look(port, str(lift.id))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
