"""Streams: what is yielded arrives, in order and once; each end's end ends the other; nobody hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import likewise
from likewise.testing import pair
from tests.objects.streaming import BOTH, PATIENCE, Root, nothing_held, run, until

# --- what arrives


@pytest.mark.parametrize("name", [*BOTH, "later"])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 31, 32, 33, 5_000])
def test_every_item_arrives_once_and_in_order(name: str, count: int) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        assert [each async for each in client.root.callRemote(name, count)] == list(range(count))
        assert root.ends == 1
        await nothing_held(client, server)

    run(check)


def test_an_iterator_of_a_class_is_read_and_closed() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        assert [each async for each in client.root.callRemote("class", 3)] == [2, 1, 0]
        await until(lambda: root.kept.is_closed)

    run(check)


def test_a_call_can_be_awaited_for_the_stream_and_the_stream_read_in_parts() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("asynchronous", 100)
        assert isinstance(stream, likewise.Stream) and "open" in repr(stream) and not root.made
        assert [await anext(stream) for _ in range(10)] == list(range(10))
        async for each in stream:
            if each == 50:
                break
        assert [each async for each in stream] == list(range(51, 100))
        assert [each async for each in stream] == [] and "closed" in repr(stream)

    run(check)


def test_what_is_no_stream_says_so_when_it_is_read() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        with pytest.raises(TypeError, match="no stream: await the call"):
            async for _ in client.root.callRemote("echo", 5):
                pass
        with pytest.raises(likewise.CallError):
            async for _ in client.root.callRemote("no_such_method"):
                pass
        with pytest.raises(TypeError, match="RemoteReference"):
            likewise.Stream([1, 2])  # type: ignore[arg-type]

    run(check)


def test_methods_of_views_and_avatars_stream_as_well() -> None:
    class Viewed(likewise.Viewable):
        async def view_names(self, who: Any) -> AsyncIterator[Any]:
            yield str(who)

    class User(likewise.Avatar):
        async def perspective_names(self) -> AsyncIterator[Any]:
            yield "user"
            yield Viewed()

        def __str__(self) -> str:
            return "the user"

    class Door(likewise.Root):
        def remote_enter(self) -> User:
            return User()

    async def main() -> None:
        async with pair(Door()) as (client, _):
            user = await client.root.callRemote("enter")
            name, viewed = [each async for each in user.callRemote("names")]
            assert name == "user"
            assert [each async for each in viewed.callRemote("names")] == ["the user"]

    asyncio.run(main())


def test_items_are_written_for_who_reads_them() -> None:
    class Told(likewise.Copyable):
        def getTypeToCopy(self) -> str:
            return "tests.streams.Told"

        def getStateToCopyFor(self, perspective: Any) -> Any:
            return {"who": str(perspective)}

    class ToldHere(likewise.RemoteCopy):
        who: str

    class User(likewise.Avatar):
        def __init__(self, name: str, kept: Any) -> None:
            self.name, self.kept = name, kept

        def __str__(self) -> str:
            return self.name

        def perspective_stream(self) -> Any:
            return self.kept

    class Door(likewise.Root):
        def __init__(self) -> None:
            self.kept = self.told()

        async def told(self) -> AsyncIterator[Any]:
            while True:
                yield Told()

        def remote_enter(self, name: str) -> User:
            return User(name, self.kept)

    likewise.setUnjellyableForClass("tests.streams.Told", ToldHere)

    async def main() -> None:
        async with pair(Door(), limits=likewise.Limits(stream_items=4)) as (client, _):
            users = [await client.root.callRemote("enter", name) for name in ("ada", "bob")]
            streams = [await user.callRemote("stream") for user in users]
            for _ in range(10):
                assert [(await anext(stream)).who for stream in streams] == ["ada", "bob"]

    asyncio.run(main())


VALUES = [
    [0, -1, 2**31, 2**70, -(2**200), 2.5, True, None, "", "duck", "\u00e9\u4e2d", "tuple", b"", b"tuple", b"\xff"],
    [[], {}, (), {"a": [1]}, {1, 2}, [[[]]], "x" * 5_000, "\u00e9" * 5_000, b"x" * 5_000],
    [bytes(100_000)] * 12,
    [1, bytes(300_000), 2, [bytes(70_000)], "x" * 70_000, 3],
    [["x" * 1_000] * 100] * 20,
]


@pytest.mark.parametrize("values", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("limits", [likewise.Limits(), likewise.Limits.public()], ids=["usual", "public"])
def test_whatever_may_cross_may_be_an_item(values: list[Any], limits: likewise.Limits) -> None:
    class Relay(Root):
        async def remote_echo_of(self, stream: Any) -> AsyncIterator[Any]:
            async for each in stream:
                yield each

    async def main() -> None:
        root = Relay()
        async with asyncio.timeout(PATIENCE), pair(root, limits=limits) as (client, _):

            async def relayed() -> AsyncIterator[Any]:
                for value in values:
                    yield value

            received = [each async for each in client.root.callRemote("echo_of", relayed())]
            assert received == values and list(map(type, received)) == list(map(type, values))

    asyncio.run(main())


def test_an_item_is_what_it_was_when_it_was_yielded() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        assert [each async for each in client.root.callRemote("grows", 50)] == [list(range(n + 1)) for n in range(50)]

    run(check)


def test_what_is_shared_within_an_item_stays_so() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        received = [each async for each in client.root.callRemote("shared", 50)]
        assert received == [[[n], [n]] for n in range(50)]
        assert all(one is other for one, other in received)

    run(check)


def test_large_items_in_which_parts_are_shared_keep_apart() -> None:
    class Large(likewise.Root):
        async def remote_large(self) -> AsyncIterator[Any]:
            for number in range(20):
                part = [number, "x" * 3_000]
                yield [part, part]
                yield [part]

    async def main() -> None:
        limits = likewise.Limits(stream_bytes=4_000)
        async with asyncio.timeout(PATIENCE), pair(Large(), limits=limits) as (client, _):
            received = [each async for each in client.root.callRemote("large")]
            parts = [[number, "x" * 3_000] for number in range(20)]
            assert received == [item for part in parts for item in ([part, part], [part])]

    asyncio.run(main())


def test_objects_by_reference_may_be_items_and_are_counted_once() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        items = [each async for each in client.root.callRemote("items", 100)]
        assert await items[99].callRemote("name") == "item" and len(set(items)) == 100
        items.clear()
        await nothing_held(client, server)
        stream = await client.root.callRemote("items", 10_000)
        await anext(stream)
        await stream.aclose()
        del stream
        await nothing_held(client, server)

    run(check)


def test_one_task_runs_the_iterator_from_its_first_line_to_its_last() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        assert len([each async for each in client.root.callRemote("task")]) == 5_000

    run(check)


# --- the other way, and on


@pytest.mark.parametrize("kind", BOTH)
def test_an_iterator_passed_as_an_argument_is_read_by_the_method(kind: str) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        mine = Root()
        numbers = mine.remote_asynchronous(1_000) if kind == "asynchronous" else mine.remote_plain(1_000)
        assert await client.root.callRemote("sum", numbers) == sum(range(1_000))
        del numbers
        await until(lambda: mine.ends == 1)
        await nothing_held(client, server)
        assert await client.root.callRemote("first", mine.remote_slow()) == 0
        await until(lambda: mine.ends == 2)
        await nothing_held(client, server)

    run(check)


def test_a_stream_sent_home_is_the_iterator_itself() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        numbers = Root().remote_asynchronous(10)
        assert await client.root.callRemote("echo", numbers) is numbers
        both = await client.root.callRemote("echo", [numbers, numbers])
        assert both[0] is both[1] is numbers

    run(check)


def test_a_stream_is_passed_on_over_another_connection() -> None:
    async def main() -> None:
        near, far = Root(), Root()
        async with pair(far) as (to_far, _), pair(near) as (to_near, _):
            stream = await to_far.root.callRemote("asynchronous", 1_000)
            assert await to_near.root.callRemote("sum", stream) == sum(range(1_000))
            assert await to_near.root.callRemote("first", await to_far.root.callRemote("asynchronous", 10**9)) == 0
            del stream
            await until(lambda: far.ends == 2)

    asyncio.run(main())


# --- pace


@pytest.mark.parametrize("name", BOTH)
def test_a_reader_that_stops_stops_the_iterator(name: str) -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote(name, 10**9)
        read = 0
        for pause in range(1, 2_000):
            assert await anext(stream) == read
            read += 1
            if not pause % 100:
                await asyncio.sleep(0.002)
                assert root.made - read <= 400 + 100 + 1  # asked for ahead, the rest of what is being read, and one
        await asyncio.sleep(0.05)
        made = root.made
        await asyncio.sleep(0.05)
        assert root.made == made <= read + 501 and root.ends == 0

    run(check, limits=likewise.Limits(stream_items=400))


def test_few_items_are_made_for_who_leaves_early() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        async for _ in client.root.callRemote("asynchronous", 10**9):
            break
        await until(lambda: root.ends == 1)
        assert root.made < 100

    run(check)


def test_a_reader_that_does_not_read_its_socket_stops_the_iterators() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        class Blobs(likewise.Referenceable):
            made = 0

            async def remote_blobs(self) -> AsyncIterator[bytes]:
                while True:
                    self.made += 1
                    yield bytes(100_000)

        blobs = Blobs()
        await client.root.callRemote("keep", blobs)
        streams = [await root.kept.callRemote("blobs") for _ in range(50)]
        for stream in streams:
            await anext(stream)
        server._line.transport.pause_reading()  # type: ignore[union-attr]
        calls = [asyncio.ensure_future(anext(stream)) for stream in streams]
        made = -1
        while made != blobs.made:
            made = blobs.made
            await asyncio.sleep(0.05)
        assert client.queued_bytes < 4_000_000 and client.is_open
        server._line.transport.resume_reading()  # type: ignore[union-attr]
        assert len(await asyncio.gather(*calls)) == 50

    run(check, client_root=Root())


def test_items_come_as_they_are_made_and_do_not_wait_for_others() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        stream = await client.root.callRemote("stuck", 3)
        assert [await anext(stream) for _ in range(3)] == [0, 1, 2]
        root.gate.set()
        assert [each async for each in stream] == [3]

    run(check)


def test_an_item_that_is_made_when_no_call_waits_is_the_answer_to_the_next() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        reference = (await client.root.callRemote("items_at_gates"))._reference
        calls = [reference.callRemote("next", 2) for _ in range(2)]
        await until(lambda: bool(root.gates))
        root.gates[0].set()
        assert len(await calls[0]) == 1
        root.gates[1].set()
        assert len(await calls[1]) == 1
        root.gates[2].set()
        await asyncio.sleep(0.02)
        assert len(await reference.callRemote("next", 1)) == 1
        root.gates[3].set()
        assert len(await reference.callRemote("next", 1)) == 1
        assert await reference.callRemote("next", 1) == []

    run(check)


def test_an_item_that_nobody_asked_for_any_more_is_given_back() -> None:
    async def check(root: Root, client: likewise.Connection, server: likewise.Connection) -> None:
        reference = (await client.root.callRemote("items_at_gates"))._reference
        call = reference.callRemote("next", 2)
        await until(lambda: bool(root.gates))
        root.gates[0].set()
        assert len(await call) == 1
        root.gates[1].set()
        await asyncio.sleep(0.02)
        assert server._broker.tables.sizes()["exported"] in (2, 3)  # with the stream, and what is read
        await reference.callRemote("close")
        del reference, call
        await nothing_held(client, server)

    run(check)


def test_no_answer_is_larger_than_the_peer_takes() -> None:
    class Large(likewise.Root):
        async def remote_large(self) -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(40_000)
                yield bytes(90_000)

    async def main() -> None:
        usual, small = likewise.Limits(), likewise.Limits(frame_bytes=100_000)
        async with asyncio.timeout(PATIENCE), pair(Large(), limits=usual, client_limits=small) as (client, _):
            received = [len(each) async for each in client.root.callRemote("large")]
            assert received == [40_000, 90_000] * 20 and client.is_open

    asyncio.run(main())


def test_others_have_their_turn_while_an_iterator_never_waits() -> None:
    class Busy(Root):
        async def remote_busy(self) -> AsyncIterator[int]:
            while True:
                sum(range(20_000))
                yield 1

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), pair(Busy()) as (client, _):
            stream = await client.root.callRemote("busy")

            async def read() -> None:
                async for _ in stream:
                    pass

            reading = asyncio.create_task(read())
            for number in range(20):
                assert await client.root.callRemote("echo", number) == number
            reading.cancel()

    asyncio.run(main())
