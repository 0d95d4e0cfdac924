"""
Churn: clients that connect, hold a cache and a reference, and go; then a server that is back where it was.

``python -P tests/churn.py [--count 10000]``. 1,000 come and go first, to fill what is kept on purpose. It ends with 0 if
``--count`` more leave no connection, observer, table entry, file or object of likewise behind in the server's process,
and its memory is within GROWTH of what it was.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import ctypes
import gc
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

import likewise

TOGETHER = 50  # clients at a time
WARM = 1_000
LONGEST = 600.0  # seconds for all of it
SETTLED = 20.0  # seconds within which a batch has come, and within which the server has noticed that it left
GROWTH = 2 * (1 << 20)  # bytes, about 200 for each of 10,000: an allocator's arena is 1 MiB, and which are full varies
# Allocated blocks: asyncio keeps up to 100 cancelled timers, of three blocks each, and how many is chance. One small
# object left behind by each connection would be a block for each.
BLOCKS = 400
BLOCKS_EACH = 0.05
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is aborted is reset, as by a peer that died


# --- the server, in a process of its own


class Pond(likewise.Cacheable):
    """What all clients mirror."""

    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getTypeToCopy(self) -> str:
        return "churn.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> dict[str, Any]:
        self.observers.add(observer)
        return {"ducks": ["Daisy"]}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)


class Ticket(likewise.Referenceable):
    """What each client holds a reference to; it holds one to the client's, in turn, as long as the table holds it."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener

    def remote_ping(self) -> str:
        return "pong"


class Service(likewise.Root):
    """What the clients call."""

    server: likewise.Server

    def __init__(self) -> None:
        self.pond = Pond()
        self.trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)

    def remote_take(self, listener: Any) -> tuple[Pond, Ticket]:
        return self.pond, Ticket(listener)

    def remote_change(self, number: int) -> None:
        self.pond.observers.callRemote("change", number)

    def remote_held(self) -> dict[str, int]:
        """What is open: the caller's connection is among it."""
        held = collections.Counter({"connections": len(self.server.connections), "observers": len(self.pond.observers)})
        for connection in self.server.connections:
            held.update(connection._broker.tables.sizes())
        return dict(held)

    def remote_objects(self) -> dict[str, int]:
        """How many objects of each class of likewise, and of this file, the collector finds after it has run."""
        gc.collect()
        kinds = (type(each) for each in gc.get_objects())
        names = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if type(kind.__module__) is str)
        return dict(collections.Counter(name for name in names if name.startswith(("likewise.", "__main__."))))

    def remote_memory(self) -> dict[str, int]:
        """Resident bytes, allocated blocks and open files."""
        gc.collect()
        self.trim(0)
        status = Path("/proc/self/status").read_text().splitlines()
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        return {"RSS": resident * 1024, "blocks": sys.getallocatedblocks(), "files": len(os.listdir("/proc/self/fd"))}


async def serve() -> None:
    signal.alarm(int(LONGEST) + 30)  # if who started it is gone
    service = Service()
    async with likewise.serve(service, "tcp://127.0.0.1:0") as server:
        service.server = server
        print(server.address, flush=True)
        await server.serve_forever()


# --- the clients


class Mirror(likewise.RemoteCache):
    """``Pond``, as a client has it."""

    def setCopyableState(self, state: dict[str, Any]) -> None:
        super().setCopyableState(state)
        self.heard = asyncio.get_running_loop().create_future()

    def observe_change(self, number: int) -> None:
        self.heard.set_result(number)


class Listener(likewise.Referenceable):
    """What each client gives the server a reference to."""


class Client:
    """One connection, with a cache and a reference in hand."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.mirror: Any = None
        self.ticket: Any = None

    async def come(self, address: str) -> None:
        self.connection = await likewise.connect(address)
        self.mirror, self.ticket = await self.connection.root.callRemote("take", Listener())
        if await self.ticket.callRemote("ping") != "pong":
            raise AssertionError("the reference does not answer")

    async def go(self, change: int) -> None:
        if await self.mirror.heard != change:
            raise AssertionError("the mirror heard of another change")
        if self.number % 2:
            self.connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.abort()
            await self.connection.wait_closed()
            return
        if self.number % 4:
            self.mirror = self.ticket = None  # the other half of those that close does so with both in hand
        await self.connection.close()


async def churn(address: str, root: Any, count: int) -> None:
    """``count`` clients come and go; raises if a batch was not held as it should be, or does not leave."""
    alone = await root.callRemote("held")
    for first in range(0, count, TOGETHER):
        batch = [Client(number) for number in range(first, min(first + TOGETHER, count))]
        async with asyncio.timeout(SETTLED):
            await asyncio.gather(*(each.come(address) for each in batch))
            held = await root.callRemote("held")
            for name in ("connections", "observers", "exported", "observed", "references"):
                if held[name] != alone[name] + len(batch):
                    raise AssertionError(f"{len(batch)} clients are there, and the server has {held}, {alone} without them")
            change = first // TOGETHER % 100  # few numbers: the encoder keeps what small ones look like
            await root.callRemote("change", change)
            await asyncio.gather(*(each.go(change) for each in batch))
        deadline = time.monotonic() + SETTLED
        while (held := await root.callRemote("held")) != alone:
            if time.monotonic() > deadline:
                raise AssertionError(f"the server has {held}, {SETTLED:g} s after all left; it had {alone} before they came")
            await asyncio.sleep(0.001)


async def reading(root: Any) -> tuple[dict[str, int], dict[str, int]]:
    """What the server holds, and its objects by class."""
    objects = await root.callRemote("objects")
    held = await root.callRemote("held")
    return held | {"objects": sum(objects.values())} | await root.callRemote("memory"), objects


async def run(address: str, count: int) -> list[str]:
    """The whole of it; what was left behind."""
    async with asyncio.timeout(LONGEST), likewise.connect(address) as connection:
        root = connection.root
        await reading(root)  # what the first one loads is no growth
        await churn(address, root, WARM)
        before, objects_before = await reading(root)
        began = time.monotonic()
        await churn(address, root, count)
        seconds = time.monotonic() - began
        after, objects = await reading(root)
    print(f"{count} connects and disconnects in {seconds:.1f} s, {'compiled' if likewise.is_compiled() else 'pure'} build")
    print(f"{'':12}{'before':>14}{'after':>14}{'growth':>14}")
    for name in before:
        print(f"{name:12}{before[name]:14,}{after[name]:14,}{after[name] - before[name]:14,}")
    allowed = {"RSS": GROWTH, "blocks": BLOCKS + int(count * BLOCKS_EACH)}
    grown = {name: after[name] - before[name] for name in before}
    faults = [f"{name} grew by {by:,}" for name, by in grown.items() if by > allowed.get(name, 0)]
    more = ((name, number - objects_before.get(name, 0)) for name, number in objects.items())
    return faults + [f"{by:,} more of {name}" for name, by in more if by > 0]


async def main(count: int) -> int:
    likewise.setUnjellyableForClass("churn.Pond", Mirror)
    server = await asyncio.create_subprocess_exec(sys.executable, "-P", __file__, "--serve", stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        address = (await asyncio.wait_for(server.stdout.readline(), SETTLED)).decode().strip()
        faults = await run(address, count)
    except (AssertionError, TimeoutError, likewise.LikewiseError) as error:
        faults = [f"{type(error).__name__}: {error}"]
    finally:
        server.kill()
        await server.wait()
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Have clients come and go.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.exit(asyncio.run(serve() if options.serve else main(options.count)))
