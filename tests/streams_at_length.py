"""
A million items, and as many bytes as pass in ten seconds, from a server process: ``python -P tests/streams_at_length.py``.

It says how fast they came and what memory both ends took, and fails where that grows with their number.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import likewise
from tests.programs import running

SERVER = str(Path(__file__).parent / "objects" / "stream_server.py")
MIB = 1 << 20
GROWTH = 8 * MIB
RUNS = (("numbers", 50_000, 1_000_000, 0), ("rows", 5_000, 100_000, 0), ("blobs", 500, 5_000, 65_536))


def most_here() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def main(port: str) -> None:
    async with likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
        call = connection.root.callRemote
        for name, warm_up, count, size in RUNS:
            async for _ in call(name, warm_up):
                pass
            here, there = most_here(), await call("memory")
            start, seen = time.perf_counter(), 0
            async for _ in call(name, count):
                seen += 1
            took = time.perf_counter() - start
            grown_here, grown_there = most_here() - here, await call("memory") - there
            rate = f", {count * size / took / 1e6:,.0f} MB/s" if size else ""
            memory = f"memory +{grown_here / MIB:.1f} and +{grown_there / MIB:.1f} MiB"
            print(f"{seen:,} {name}: {seen / took:,.0f} items/s{rate}; {memory}")
            assert seen == count and grown_here < GROWTH and grown_there < GROWTH


if __name__ == "__main__":
    with running(SERVER) as program:
        asyncio.run(main(program.port()))
