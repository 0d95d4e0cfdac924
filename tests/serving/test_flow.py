"""No honest conversation can hang: reading never stops, calls wait or are refused, and each of them settles."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import likewise
from likewise.limits import Limits
from tests.sexp import encode

PATIENCE = 20.0


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(main(), PATIENCE)

    asyncio.run(bounded())


async def until(met: Callable[[], bool]) -> None:
    while not met():
        await asyncio.sleep(0.005)


class Big(likewise.Root):
    crossing: Any = None

    def remote_get(self, size: int) -> bytes:
        return bytes(size)

    def remote_cross(self, peer: Any, size: int) -> None:
        self.crossing = peer.callRemote("get", size)


class Peer(likewise.Referenceable):
    def remote_get(self, size: int) -> bytes:
        return bytes(size)


def test_large_answers_that_cross_both_arrive() -> None:
    async def main() -> None:
        root = Big()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address) as connection,
        ):
            await connection.root.callRemote("cross", Peer(), 8_000_000)
            assert len(await connection.root.callRemote("get", 8_000_000)) == 8_000_000
            assert len(await root.crossing) == 8_000_000

    run(main)


class Nested(likewise.Root):
    """Methods that call the caller back, which calls again, to any depth."""

    def __init__(self) -> None:
        self.most = self.now = 0

    async def remote_work(self, depth: int, caller: Any) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            return 1 + await caller.callRemote("step", depth - 1, self) if depth else 1
        finally:
            self.now -= 1


class Caller(likewise.Referenceable):
    async def remote_step(self, depth: int, root: Any) -> int:
        await asyncio.sleep(0)
        return 1 + await root.callRemote("work", depth - 1, self) if depth else 1


@pytest.mark.parametrize("ceiling", [1, 4, 32])
@pytest.mark.parametrize("depth", [1, 3, 8])
def test_more_calls_than_may_run_are_answered_though_each_calls_back(ceiling: int, depth: int) -> None:
    async def main() -> None:
        limits = Limits(running_calls=ceiling)
        async with (
            likewise.serve(Nested(), "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address, limits=limits) as connection,
        ):
            caller = Caller()
            calls = [connection.root.callRemote("work", depth, caller) for _ in range(3 * ceiling)]
            assert await asyncio.gather(*calls) == [depth + 1] * len(calls)

    run(main)


class Slow(likewise.Root):
    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.started: list[object] = []
        self.ended: list[object] = []

    async def remote_wait(self, what: object = None) -> object:
        self.started.append(what)
        await self.go_on.wait()
        self.ended.append(what)
        return what

    def remote_note(self, what: object) -> None:
        self.started.append(what)

    def remote_open(self) -> None:
        self.go_on.set()


def test_calls_that_wait_start_in_the_order_in_which_they_came_plain_ones_too() -> None:
    async def main() -> None:
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=1)) as server,
            likewise.connect(server.address) as connection,
        ):
            calls = [connection.root.callRemote("note" if n % 3 else "wait", n) for n in range(9)]
            await until(lambda: root.started == [0])
            root.go_on.set()
            await asyncio.gather(*calls)
            assert root.started == list(range(9))

    run(main)


def test_answers_and_releases_are_taken_while_calls_wait() -> None:
    async def main() -> None:
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=1)) as server,
            likewise.connect(server.address) as connection,
        ):
            held = Peer()
            gone = weakref.ref(held)
            calls = [connection.root.callRemote("wait", held), connection.root.callRemote("wait")]
            await until(lambda: bool(root.started))
            reference = root.started[0]
            assert await reference.callRemote("get", 3) == bytes(3)  # type: ignore[attr-defined]
            root.started.clear()
            del held, reference
            root.go_on.set()
            await asyncio.gather(*calls)
            root.ended.clear()
            calls.clear()
            gc.collect()
            await connection.root.callRemote("open")
            await until(lambda: gone() is None)

    run(main)


def test_a_client_killed_while_its_calls_run_is_noticed() -> None:
    program = """if True:
        import asyncio, likewise, sys
        async def main():
            connection = await likewise.connect(sys.argv[1])
            calls = [connection.root.callRemote("wait", n) for n in range(8)]
            await asyncio.gather(*calls)
        asyncio.run(main())
    """

    async def main() -> None:
        root, gone = Slow(), asyncio.Event()
        limits = Limits(running_calls=3)
        async with likewise.serve(
            root, "tcp://127.0.0.1:0", limits=limits, on_disconnect=lambda connection: gone.set()
        ) as server:
            client = await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", program, server.address)
            await until(lambda: len(root.started) == 3)
            os.kill(client.pid, signal.SIGKILL)
            await client.wait()
            await gone.wait()
            root.go_on.set()
            await until(lambda: len(root.ended) == 3)
            await asyncio.sleep(0.02)
            assert len(root.started) == 3, "a call was started for a client that had gone"

    run(main)


def test_a_call_beyond_those_that_may_wait_is_refused_and_not_run() -> None:
    async def main() -> None:
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=2, waiting_calls=3)) as server,
            likewise.connect(server.address) as connection,
        ):
            calls = [connection.root.callRemote("wait", n) for n in range(6)]
            with pytest.raises(likewise.NotExecuted, match=r"was not run: 3 calls wait already \(limits\.waiting_calls"):
                await calls[5]
            root.go_on.set()
            assert await asyncio.gather(*calls[:5]) == [0, 1, 2, 3, 4]
            assert await connection.root.callRemote("wait", "later") == "later"
            assert 5 not in root.started

    run(main)


def test_arguments_of_calls_that_wait_have_a_ceiling() -> None:
    async def main() -> None:
        root = Slow()
        limits = Limits(running_calls=1, argument_bytes=100_000)
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address) as connection,
        ):
            calls = [connection.root.callRemote("wait", bytes(30_000)) for _ in range(5)]
            with pytest.raises(likewise.NotExecuted, match="argument_bytes"):
                await calls[4]
            root.go_on.set()
            assert await asyncio.gather(*calls[:4]) == [bytes(30_000)] * 4

    run(main)


def test_calls_that_hold_too_much_while_they_wait_for_the_caller_have_those_behind_them_refused() -> None:
    class Holding(likewise.Root):
        async def remote_work(self, data: bytes, caller: Any) -> int:
            return await caller.callRemote("again", data)  # type: ignore[no-any-return]

    class Again(likewise.Referenceable):
        root: Any

        async def remote_again(self, data: bytes) -> Any:
            return await self.root.callRemote("work", data, self)

    async def main() -> None:
        limits = Limits(argument_bytes=100_000)
        async with (
            likewise.serve(Holding(), "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address) as connection,
        ):
            caller = Again()
            caller.root = connection.root
            with pytest.raises(likewise.CallError, match="was not run"):
                await connection.root.callRemote("work", bytes(30_000), caller)

    run(main)


def test_a_call_that_waits_for_one_that_never_ends_is_refused_in_time() -> None:
    async def main() -> None:
        limits = Limits(running_calls=1, waiting_seconds=0.1)
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address) as connection,
        ):
            first = connection.root.callRemote("wait")
            with pytest.raises(likewise.NotExecuted, match="waiting_seconds"):
                await connection.root.callRemote("open")  # which the first one waits for
            root.go_on.set()
            await first

    run(main)


def test_the_arguments_of_all_connections_together_have_a_ceiling_and_the_largest_holder_goes() -> None:
    async def main() -> None:
        root, reasons = Slow(), []
        limits = Limits(argument_bytes=300_000, all_argument_bytes=400_000)
        async with likewise.serve(
            root, "tcp://127.0.0.1:0", limits=limits, on_disconnect=lambda connection: reasons.append(connection.reason)
        ) as server:
            small = await likewise.connect(server.address)
            large = await likewise.connect(server.address)
            kept = small.root.callRemote("wait", bytes(100_000))
            calls = [large.root.callRemote("wait", bytes(100_000)) for _ in range(4)]
            with pytest.raises(likewise.ConnectionClosed):
                await calls[3]
            assert isinstance(reasons[0], likewise.LimitExceeded) and reasons[0].limit == "all_argument_bytes"
            root.go_on.set()
            assert len(await kept) == 100_000
            await asyncio.gather(*calls, return_exceptions=True)
            await small.close()

    run(main)


def test_who_reads_slowly_but_reads_is_not_dropped() -> None:
    """Answers of 40 times ``unread_answers`` are read for far longer than ``stalled_seconds``."""

    async def main() -> None:
        reasons: list[object] = []
        limits = Limits(unread_answers=50_000, stalled_seconds=0.2)
        async with likewise.serve(
            Big(), "tcp://127.0.0.1:0", limits=limits, on_disconnect=lambda connection: reasons.append(connection.reason)
        ) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=16_384)
            writer.write(encode(b"pb", "none"))
            asked = encode([b"message", 1, b"root", b"get", 1, [b"tuple", 100_000], [b"dictionary"]])
            writer.write(asked * 200)
            taken = 0
            while taken < 20_000_000:
                data = await reader.read(200_000)
                assert data, reasons
                taken += len(data)
                await asyncio.sleep(0.005)
            assert not reasons
            writer.close()

    run(main)


def test_nothing_behind_an_abort_is_run() -> None:
    class Aborting(likewise.Root):
        connection: Any = None
        ran = 0

        def rootObject(self, connection: Any) -> Any:
            self.connection = connection
            return self

        def remote_abort(self) -> None:
            self.connection.abort()

        def remote_count(self) -> None:
            self.ran += 1

    async def main() -> None:
        root = Aborting()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            calls = [connection.root.callRemote(name) for name in ("count", "abort", "count", "count")]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(each, likewise.ConnectionClosed) for each in results[1:])
            assert root.ran == 1

    run(main)
