"""
A server of streams in a process of its own: ``stream_server.py [ADDRESS]``.

It prints ``listening on PORT`` and, whenever a stream ends, ``ended NAME``. With an address it is a client instead, which
reads ``numbers`` from there, slowly, until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import likewise

BLOB = bytes(65_536)


class Root(likewise.Root):
    made = 0

    async def remote_numbers(self, count: float) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                if number >= count:
                    return
                self.made = number + 1
                yield number
        finally:
            print("ended numbers", flush=True)

    async def remote_rows(self, count: int) -> AsyncIterator[Any]:
        for number in range(count):
            yield {"number": number, "name": "a row", "values": [1.5, None, True]}

    async def remote_blobs(self, count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield BLOB

    async def remote_sum(self, numbers: Any) -> int:
        return sum([number async for number in numbers])

    def remote_made(self) -> int:
        return self.made

    def remote_memory(self) -> int:
        """Resident bytes of this process at the most, 0 where that can't be known. (getrusage tells of the parent, too.)"""
        status = Path("/proc/self/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
        return int(found[1]) * 1024 if found else 0


async def serve() -> None:
    async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
        print(f"listening on {server.port}", flush=True)
        await server.serve_forever()


async def read(address: str) -> None:
    async with likewise.connect(address) as connection:
        async for number in connection.root.callRemote("numbers", 10**9):
            print(number, flush=True)
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1]) if len(sys.argv) > 1 else serve())
