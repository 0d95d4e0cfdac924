"""What bounds a stream, what a peer may send instead of items, and mirrors as items."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import likewise
from likewise.limits import STREAM_CALLS
from likewise.testing import Pair, pair
from tests.objects.streaming import PATIENCE, Item, Root, nothing_held, run, until

# --- ceilings


def test_so_many_streams_are_open_at_once_and_no_more() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        streams = [await client.root.callRemote("asynchronous", 10) for _ in range(3)]
        with pytest.raises(likewise.CallError, match=r"limits\.streams"):
            await client.root.callRemote("asynchronous", 10)
        streams.pop()
        await until(lambda: server._broker.tables.sizes()["exported"] == 2)
        assert [each async for each in client.root.callRemote("asynchronous", 10)] == list(range(10))

    run(check, limits=likewise.Limits(streams=3))


@pytest.mark.parametrize("count", [0, -1, -(10**30), 1.5, "1", None, True, [1]], ids=repr)
def test_a_number_of_items_that_is_none_is_refused_and_the_stream_goes_on(count: Any) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("asynchronous", 10)
        with pytest.raises(likewise.CallError, match=r"next\(\) takes a number of items from 1"):
            await stream._reference.callRemote("next", count)
        assert [each async for each in stream] == list(range(10))

    run(check)


def test_no_answer_has_more_items_than_the_ceiling_whatever_was_asked_for() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("asynchronous", 10**9)
        seen = 0
        for _ in range(10):
            items = await stream._reference.callRemote("next", 10**60)
            assert items == list(range(seen, seen + len(items))) and 1 <= len(items) <= 20
            seen += len(items)
        big = await client.root.callRemote("each", [bytes(400)] * 50)
        for _ in range(10):
            assert 1 <= len(await big._reference.callRemote("next", 10**60)) <= 3

    run(check, limits=likewise.Limits(stream_items=20, stream_bytes=1_000))


def test_so_many_calls_for_items_wait_and_no_more() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("stuck", 0)
        calls = [stream._reference.callRemote("next", 5) for _ in range(STREAM_CALLS + 50)]
        for refused in calls[STREAM_CALLS:]:
            with pytest.raises(likewise.CallError, match=f"called {STREAM_CALLS} times"):
                await refused
        assert not any(call.done() for call in calls[:STREAM_CALLS])
        root.gate.set()
        assert await asyncio.gather(*calls[:STREAM_CALLS]) == [[0], *[[]] * (STREAM_CALLS - 1)]

    run(check)


def test_calls_that_wait_for_items_are_none_of_those_that_run() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        streams = [await client.root.callRemote("stuck", 1) for _ in range(5)]
        for stream in streams:
            assert await anext(stream) == 0
        assert await client.root.callRemote("later", 1) is not None

    run(check, limits=likewise.Limits(running_calls=2, waiting_seconds=5))


def test_what_is_called_after_the_end_is_answered_as_the_end() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        reference = (await client.root.callRemote("asynchronous", 10))._reference
        assert await reference.callRemote("close") is None
        assert await reference.callRemote("close") is None
        assert await reference.callRemote("next", 5) == []
        with pytest.raises(likewise.NoSuchMethod):
            await reference.callRemote("more", 5)

    run(check)


class Liar(likewise.Referenceable):
    """What a hostile peer serves in the place of a stream."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.is_closed = False

    def remote_next(self, count: int) -> Any:
        return self.answer

    def remote_close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("answer", [[0] * 100_000, (1,), "abc", None, {1: 2}], ids=["many", "tuple", "str", "none", "dict"])
def test_items_that_were_not_asked_for_end_the_stream_with_one_clear_error(answer: Any) -> None:
    class Hostile(likewise.Root):
        liar = Liar(answer)

        def remote_liar(self) -> Liar:
            return self.liar

    async def main() -> None:
        async with pair(Hostile()) as (client, _):
            stream = likewise.Stream(await client.root.callRemote("liar"))
            with pytest.raises(likewise.Error, match="items was asked for"):
                await anext(stream)
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            await until(lambda: Hostile.liar.is_closed)

    asyncio.run(main())


# --- in memory


def test_a_pair_in_memory_streams_without_an_event_loop() -> None:
    class Plain(likewise.Root):
        ends = 0

        async def remote_count(self, count: int) -> AsyncIterator[int]:
            try:
                for number in range(count):
                    yield number
            finally:
                self.ends += 1

        async def remote_sum(self, numbers: Any) -> int:
            return sum([number async for number in numbers])

    root = Plain()
    both = Pair(root)
    result = both.client.root.callRemote("sum", iter_of(1_000))
    both.run()
    assert result.value == sum(range(1_000))
    for cut in (None, 1, 7, 100):
        kept = both.client.root.callRemote("count", 10)
        both.run(cut)
        stream = kept.value
        first = both.client.root.callRemote("sum", stream)
        both.run(cut)
        assert first.value == 45
        del stream, kept, first
    both.collect()
    assert root.ends == 4 and both.client.is_clean and both.server.is_clean


def iter_of(count: int) -> Iterator[int]:
    yield from range(count)


# --- mirrors as items


class Pond(likewise.Cacheable):
    def __init__(self, size: int = 0) -> None:
        self.observers = likewise.Observers()
        self.ducks = 0
        self.filling = bytes(size)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.add(observer)
        return {"ducks": self.ducks, "filling": [self.filling]}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.discard(observer)

    def add(self) -> None:
        self.ducks += 1
        self.observers.callRemote("ducks", self.ducks)


class PondMirror(likewise.RemoteCache):
    def observe_ducks(self, ducks: int) -> None:
        assert ducks == self.ducks + 1
        self.ducks = ducks


likewise.setUnjellyableForClass(Pond, PondMirror)


@pytest.mark.parametrize("size", [0, 500, 3_000])
@pytest.mark.parametrize("waits", [True, False])
def test_a_mirror_that_is_an_item_misses_no_change(size: int, waits: bool) -> None:
    class Ponds(likewise.Root):
        ponds: list[Pond] = []

        async def remote_ponds(self) -> AsyncIterator[Any]:
            for number in range(40):
                yield number
                pond = Pond(size)
                self.ponds.append(pond)
                yield pond
                for each in self.ponds:
                    each.add()
                if waits:
                    await asyncio.sleep(0.001)
            for each in self.ponds:
                each.add()

    async def main() -> None:
        Ponds.ponds = []
        limits = likewise.Limits(stream_bytes=4_000)
        async with asyncio.timeout(PATIENCE), pair(Ponds(), limits=limits) as (client, server):
            items = [each async for each in client.root.callRemote("ponds")]
            mirrors = items[1::2]
            assert items[0::2] == list(range(40))
            await until(lambda: all(mirror.ducks == pond.ducks for mirror, pond in zip(mirrors, Ponds.ponds, strict=True)))
            assert [mirror.ducks for mirror in mirrors] == [41 - number for number in range(40)]
            assert not client.one_way_failures
            stream = await client.root.callRemote("ponds")
            await anext(stream)
            await stream.aclose()
            items.clear()
            mirrors.clear()
            del stream
            gc.collect()
            await nothing_held(client, server)

    asyncio.run(main())


def test_references_of_the_reader_go_home_as_items() -> None:
    class Echo(likewise.Root):
        async def remote_each(self, items: Any) -> AsyncIterator[Any]:
            async for item in items:
                yield [item]
                item = None

    async def items() -> AsyncIterator[Item]:
        for item in mine:
            yield item

    mine = [Item() for _ in range(300)]

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), pair(Echo()) as (client, server):
            assert [item async for [item] in client.root.callRemote("each", items())] == mine
            await nothing_held(client, server)

    asyncio.run(main())


def test_a_peer_that_answers_with_more_than_was_asked_for_is_told_and_left() -> None:
    class Generous(likewise.Root):
        closed = 0

        def remote_next(self, count: int) -> list[int]:
            return list(range(count + 1))

        def remote_close(self) -> None:
            self.closed += 1

    async def main() -> None:
        root = Generous()
        async with pair(root) as (client, _):
            with pytest.raises(likewise.Error, match="a list of at most"):
                await anext(likewise.Stream(client.root))
            while not root.closed:
                await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


@pytest.mark.parametrize("answer", [None, 5, "frames"])
def test_a_call_that_is_answered_with_no_stream_says_so(answer: Any) -> None:
    class Plain(likewise.Root):
        def remote_frames(self) -> Any:
            return answer

    async def main() -> None:
        async with pair(Plain()) as (client, _):
            with pytest.raises(TypeError, match="no stream: await the call"):
                async for _item in client.root.callRemote("frames"):
                    pass

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_a_stream_that_was_never_begun_may_be_closed_and_one_whose_line_is_lost() -> None:
    async def main() -> None:
        async with pair(Root()) as (client, server):
            stream = aiter(client.root.callRemote("asynchronous", 3))
            await stream.aclose()
            other = await client.root.callRemote("asynchronous", 3)
            server.abort()
            await client.wait_closed()
            await other.aclose()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


@pytest.mark.parametrize("awaits", [True, False], ids=["the call is awaited", "the call is read"])
def test_two_tasks_that_read_one_stream_share_its_items(awaits: bool) -> None:
    async def main() -> None:
        async with pair(Root()) as (client, _):
            call = client.root.callRemote("asynchronous", 100)
            stream = await call if awaits else aiter(call)

            async def read() -> list[int]:
                return [item async for item in stream]

            first, second, third = await asyncio.gather(read(), read(), read())
            assert sorted(first + second + third) == list(range(100))

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_a_stream_of_a_connection_that_has_ended_says_so_when_it_is_read() -> None:
    async def main() -> None:
        async with pair(Root()) as (client, server):
            stream = await client.root.callRemote("asynchronous", 3)
            server.abort()
            await client.wait_closed()
            with pytest.raises(likewise.ConnectionClosed):
                await anext(stream)
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
