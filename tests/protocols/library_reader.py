"""A program that follows dispatches with a journal, reads one change, and is killed."""

import asyncio
import sys
from pathlib import Path

from pointsman.dispatch import Dispatcher
from tests.protocols.library_bench import create


async def main(folder: Path, url: str) -> None:
    one = Dispatcher(microgrid_id=1, server_url=url, journal=folder / "edge.db")
    async with one:
        runs = one.running_status_change.new_receiver()
        await create(one.client)
        run = await runs.receive()
        assert run.change is not None
        print(run.change.edge, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
