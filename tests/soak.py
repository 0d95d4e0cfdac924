"""
A soak: connections that come and go, one in a hundred of them hostile, against a server process.

``python -P tests/soak.py [--minutes 0.5] [--target asyncio|spread] [--seed N]``. It ends with 0 if every call was settled,
none of an honest client failed, and the server's memory is flat: the median of its last third is within 8 MiB of that of
its second, when all caches are warm.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import likewise
from fuzz.inputs import Inputs
from tests.hostile.framing import CALL, call_with
from tests.hostile.harness import MIB, TARGETS, Server
from tests.hostile.raw import list_head, string_head
from tests.hostile.values import shared
from tests.sexp import encode

TOGETHER = 40  # honest clients at a time; the target takes 100 connections from one address
SETTLED = 15.0  # seconds within which any call must be answered, or fail
FLAT = 8 * MIB


class Copy(likewise.RemoteCopy, likewise.Copyable):
    """``hostile.Copy``, as a client has it."""

    def getTypeToCopy(self) -> str:
        return "hostile.Copy"


class Pond(likewise.RemoteCache):
    """``hostile.Pond``, as a client has it."""

    def observe_ducks(self, ducks: Any) -> None:
        self.ducks = ducks


class Listener(likewise.Referenceable):
    """What the server calls back."""

    def remote_whatever(self) -> str:
        return "heard"


class Soak:
    """One run, and what is counted in it."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.noise = Inputs("broker", seed)
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: list[str] = []
        self.ends = False

    # --- honest ones

    async def honest(self) -> None:
        while not self.ends:
            self.counts["connections"] += 1
            try:
                await (self.one_hostile() if self.random.random() < 0.01 else self.one_honest())
            except Exception as error:
                self.faults.append(f"{type(error).__name__}: {error!s:.200}")

    async def one_honest(self) -> None:
        connection = await likewise.connect(f"tcp://127.0.0.1:{self.server.port}")
        try:
            for _ in range(1 + int(self.random.expovariate(0.2))):
                await self.some_call(connection.root)
        finally:
            if self.random.random() < 0.2:
                connection.abort()
            await connection.close()

    async def some_call(self, root: Any) -> None:
        pick = self.random
        calls: list[Callable[[], Awaitable[None]]] = [
            lambda: self.call(root, "echo", [1, "two", {"three": (4.0, None)}], same=True),
            lambda: self.call(root, "echo", "x" * int(pick.expovariate(1 / 3_000)), same=True),
            lambda: self.call(root, "ping", same="pong"),
            lambda: self.call(root, "thing"),
            lambda: self.call(root, "pond"),
            lambda: self.call(root, "change", pick.random()),
            lambda: self.call(root, "call_back", Listener(), same="heard"),
            lambda: self.call(root, "slow", 0.02, same="slept"),
            lambda: self.call(root, "fail", "no", fails=True),
            lambda: self.call(root, "nothing_of_that_name", fails=True),
        ]
        chosen = [pick.choice(calls)() for _ in range(1 + int(pick.expovariate(0.5)))]
        await asyncio.gather(*chosen)

    async def call(self, root: Any, name: str, *args: Any, same: Any = None, fails: bool = False) -> None:
        self.counts["calls"] += 1
        result = root.callRemote(name, *args)
        try:
            async with asyncio.timeout(SETTLED):
                value = await result
        except TimeoutError:
            self.faults.append(f"{name} was not settled within {SETTLED:g} s")
        except likewise.CallError as error:
            if not fails:
                self.faults.append(f"{name}: {error!s:.200}")
        else:
            expected = args[0] if same is True else same
            if fails or (same is not None and value != expected):
                self.faults.append(f"{name} answered {value!r:.100}")

    # --- hostile ones

    async def one_hostile(self) -> None:
        self.counts["hostile"] += 1
        pick = self.random
        local = (f"127.0.0.{pick.randrange(2, 250)}", 0)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, local_addr=local)
        except OSError:
            return
        bad: list[bytes] = [
            b"\xff" * 10,
            b"\x01\x80" * 5_000,
            list_head(2**40),
            CALL + string_head(655_360) + b"x" * pick.randrange(600_000),
            call_with(encode(shared(40)), b"fail"),
            call_with(encode([b"set", shared(40)[-1]])),
            call_with(b"x" * 5_000),
            *(encode([b"message", n, b"root", b"slow", 1, [b"tuple", 5.0], [b"dictionary"]]) * 50 for n in (1,)),
            encode([b"message", 1, b"root", b"echo", 1, [b"tuple", b"y" * 5_000], [b"dictionary"]]) * 200,
            self.noise.next()[1:],
            b"".join(self.noise.next()[1:] for _ in range(20)),
        ]
        try:
            if pick.random() < 0.9:
                writer.write(encode(b"pb", "none"))
            writer.write(pick.choice(bad))
            await asyncio.wait_for(writer.drain(), 2)
            if pick.random() < 0.5:
                await asyncio.wait_for(reader.read(100_000), 1)
            await asyncio.sleep(pick.random() * 2)  # some stay for a while, as hostile peers do
        except (OSError, TimeoutError):
            pass
        writer.transport.abort()


async def run(server: Server, seconds: float, seed: int) -> Soak:
    soak = Soak(server, seed)
    memory: list[int] = []
    began = said = time.monotonic()
    tasks = [asyncio.create_task(soak.honest()) for _ in range(TOGETHER)]
    while time.monotonic() - began < seconds:
        await asyncio.sleep(min(1.0, seconds / 30))
        memory.append(server.memory()[0])
        if time.monotonic() - said > 30:
            said = time.monotonic()
            print(f"{said - began:6.0f} s  {memory[-1] / MIB:6.1f} MiB  {dict(soak.counts)}", flush=True)
    soak.ends = True
    pending = (await asyncio.wait(tasks, timeout=2 * SETTLED))[1]
    if pending:
        soak.faults.append(f"{len(pending)} clients did not end")
    third = len(memory) // 3
    early, late = statistics.median(memory[third : 2 * third]), statistics.median(memory[2 * third :])
    print(f"memory: {early / MIB:.1f} MiB, then {late / MIB:.1f} MiB; at most {max(memory) / MIB:.1f} MiB")
    if late - early > FLAT:
        soak.faults.append(f"memory grew by {(late - early) / MIB:.1f} MiB")
    return soak


def at_rest(server: Server, within: float = 20.0) -> dict[str, Any]:
    """What the server holds when all calls have ended: those of a hostile client take 5 seconds, 32 of its 50 at a time."""
    deadline = time.monotonic() + within
    while True:
        state = {key: value for key, value in server.state().items() if key in ("observers", "running")}
        if not any(state.values()) or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description="Soak a server.")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--target", choices=sorted(TARGETS), default="asyncio")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    likewise.setUnjellyableForClass("hostile.Copy", Copy)
    likewise.setUnjellyableForClass("hostile.Pond", Pond)
    server = Server(options.target)
    try:
        soak = asyncio.run(run(server, options.minutes * 60, options.seed))
        state = at_rest(server)
        if server.canary() or state != {"observers": 0, "running": 0}:
            soak.faults.append(f"left behind: {state}, canary {server.canary()}")
        log = server.log_size()
    finally:
        server.stop()
    for fault, count in collections.Counter(soak.faults).most_common(20):
        print(f"FAULT {count} times: {fault}")
    print(f"seed {options.seed}, {options.minutes:g} minutes, {options.target}: {dict(soak.counts)}, {log} bytes of log")
    print(f"{len(soak.faults)} faults")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
