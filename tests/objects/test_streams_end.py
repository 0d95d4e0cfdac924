"""How streams end: by either side, by an error, by a cancelled reader, by the loss of the line."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

import likewise
from likewise.testing import pair
from tests.objects.streaming import BOTH, PATIENCE, Counted, Root, nothing_held, run, until

# --- ends


@pytest.mark.parametrize("name", [*BOTH, "slow"])
def test_to_leave_the_loop_closes_the_iterator(name: str) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        args = () if name == "slow" else (10**9,)
        async for each in client.root.callRemote(name, *args):
            if each == 3:
                break
        await until(lambda: root.ends == 1)
        await nothing_held(client, server)

    run(check)


@pytest.mark.parametrize("name", [*BOTH, "slow"])
@pytest.mark.parametrize("how", ["aclose", "aclosing", "with", "cycle"])
def test_to_close_a_stream_returns_when_the_iterator_has_ended(name: str, how: str) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        args = () if name == "slow" else (10**9,)
        stream = await client.root.callRemote(name, *args)
        if how == "aclose":
            assert await anext(stream) == 0
            await stream.aclose()
            await stream.aclose()
        elif how == "aclosing":
            async with aclosing(stream):
                assert await anext(stream) == 0
        elif how == "with":
            async with stream:
                assert await anext(stream) == 0
        else:
            assert await anext(stream) == 0
            cycle: list[Any] = [stream]
            cycle.append(cycle)
            del stream, cycle
            gc.collect()
            await until(lambda: root.ends == 1)
            return
        assert root.ends == 1
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        del stream
        await nothing_held(client, server)

    run(check)


def test_a_stream_that_nobody_reads_is_closed_when_nobody_holds_it() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        await client.root.callRemote("class", 3)
        await until(lambda: root.kept.is_closed)
        client.root.callRemote("class", 4)
        await until(lambda: root.kept.left == 4 and root.kept.is_closed)
        call = client.root.callRemote("later", 4)
        call.cancel()
        await nothing_held(client, server)

    run(check)


@pytest.mark.parametrize("before", [0, 1, 7, 8, 40, 5_000])
def test_what_the_iterator_raises_is_raised_at_its_place(before: int) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        received = []
        stream = await client.root.callRemote("raise", before)
        with pytest.raises(likewise.CallError, match="as asked"):
            async for each in stream:
                received.append(each)
        assert received == list(range(before))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        del stream
        await nothing_held(client, server)

    run(check)


@pytest.mark.parametrize("before", [0, 1, 7, 8, 300])
def test_an_item_that_may_not_cross_fails_at_its_place_and_ends_the_iterator(before: int) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        received = []
        with pytest.raises(likewise.InsecureJelly, match=r"item.*'lock'.*object"):
            async for each in client.root.callRemote("unsendable", before):
                received.append(each)
        assert received == [[n] for n in range(before)] and root.ends == 1

    run(check)


def test_what_the_iterator_raises_at_its_end_is_raised_where_it_is_closed() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("raise_at_end")
        await anext(stream)
        with pytest.raises(likewise.CallError, match="at the end"):
            await stream.aclose()

    run(check)


def test_an_iterator_that_is_closing_is_left_to_it() -> None:
    class Slowly(Counted):
        async def aclose(self) -> None:
            await asyncio.sleep(0.05)
            self.is_closed = True

    class Closing(likewise.Root):
        kept = Slowly(3)

        def remote_stream(self) -> Slowly:
            return self.kept

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), pair(Closing()) as (client, _):
            stream = await client.root.callRemote("stream")
            assert [await anext(stream) for _ in range(3)] == [2, 1, 0]
            await asyncio.sleep(0.01)
            await stream.aclose()
            assert Closing.kept.is_closed

    asyncio.run(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [0, 5])
def test_what_ends_the_program_ends_it_from_within_an_iterator(kind: type[BaseException], before: int) -> None:
    class Ending(likewise.Root):
        async def remote_stream(self) -> AsyncIterator[int]:
            for number in range(before):
                yield number
                await asyncio.sleep(0)
            raise kind("as asked")

    async def main() -> None:
        async with likewise.serve(Ending(), "tcp://127.0.0.1:0") as server:
            connection = await likewise.connect(server.address)
            async for _ in connection.root.callRemote("stream"):
                pass
            await asyncio.sleep(PATIENCE)

    with pytest.raises(kind, match="as asked"):
        asyncio.run(main())


def test_to_cancel_a_wait_loses_no_item() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("stuck", 3)
        received = [await anext(stream) for _ in range(3)]
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.005):
                    await anext(stream)
        root.gate.set()
        assert [*received, *[each async for each in stream]] == [0, 1, 2, 3]

    run(check)


def test_to_cancel_the_reader_closes_the_iterator() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        async def read() -> None:
            async for _ in client.root.callRemote("stuck", 3):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        del reading
        await until(lambda: root.ends == 1)

    run(check)


@pytest.mark.parametrize("name", [*BOTH, "slow", "stuck"])
@pytest.mark.parametrize("whose", ["client", "server"])
def test_the_loss_of_the_line_ends_both(name: str, whose: str) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        args = () if name == "slow" else (3,) if name == "stuck" else (10**9,)
        stream = await client.root.callRemote(name, *args)
        assert await anext(stream) == 0
        (client if whose == "client" else server).abort()
        with pytest.raises(likewise.ConnectionClosed):
            async for _ in stream:
                pass
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await stream.aclose()
        await until(lambda: root.ends == 1)

    run(check)


def test_what_came_before_the_line_was_lost_is_still_read() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("stuck", 20)
        assert await anext(stream) == 0
        await asyncio.sleep(0.05)
        server.abort()
        await client.wait_closed()
        received = []
        with pytest.raises(likewise.ConnectionClosed):
            async for each in stream:
                received.append(each)
        assert received == list(range(1, 20))

    run(check)


def test_a_server_that_closes_tells_the_reader_that_there_was_more_and_ends_its_iterators() -> None:
    async def main() -> None:
        root = Root()
        async with asyncio.timeout(PATIENCE):
            async with likewise.serve(root, "tcp://127.0.0.1:0") as server:
                connection = await likewise.connect(server.address)
                streams = [await connection.root.callRemote(name, 3) for name in ("stuck", "stuck")]
                for stream in streams:
                    assert await anext(stream) == 0
            assert root.ends == 2
            for stream in streams:
                with pytest.raises((likewise.CallError, likewise.ConnectionClosed), match="closed"):
                    async for _ in stream:
                        pass
            await connection.close()

    asyncio.run(main())


def test_a_call_that_wants_no_answer_runs_no_iterator() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        client.root.callRemoteOnly("class", 3)
        await client.root.callRemote("echo", 1)
        assert root.kept.left == 3 and not server._broker.tables.sizes()["exported"]

    run(check)


def test_what_could_not_be_sent_is_still_the_caller_s() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        numbers = Counted(3)
        with pytest.raises(likewise.NotSendable):
            client.root.callRemote("echo", numbers, object())
        await asyncio.sleep(0.01)
        assert not numbers.is_closed and not client._broker.tables.sizes()["exported"]
        assert await client.root.callRemote("sum", numbers) == 3

    run(check)
