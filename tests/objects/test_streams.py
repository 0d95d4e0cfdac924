"""Streams: what is yielded arrives, in order and once; each end's end ends the other; nobody hangs."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

import likewise
from likewise.limits import STREAM_CALLS
from likewise.testing import Pair, pair

PATIENCE = 30
BOTH = ["asynchronous", "plain"]


class Counted:
    """An async iterator that is no generator."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_closed = False

    def __aiter__(self) -> Counted:
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left

    async def aclose(self) -> None:
        self.is_closed = True


class Item(likewise.Referenceable):
    def remote_name(self) -> str:
        return "item"


class Root(likewise.Root):
    """Streams of all kinds; ``made`` is what the last of them has made, ``ends`` how many have ended."""

    def __init__(self) -> None:
        self.made = self.ends = 0
        self.ended = asyncio.Event()
        self.kept: Any = None
        self.tasks: set[Any] = set()
        self.gate = asyncio.Event()
        self.gates: list[asyncio.Event] = []

    def over(self) -> None:
        self.ends += 1
        self.ended.set()

    async def remote_asynchronous(self, count: float) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                if number >= count:
                    return
                self.made = number + 1
                yield number
        finally:
            self.over()

    def remote_plain(self, count: float) -> Iterator[int]:
        try:
            for number in itertools.count():
                if number >= count:
                    return
                self.made = number + 1
                yield number
        finally:
            self.over()

    async def remote_later(self, count: int) -> Any:
        await asyncio.sleep(0)
        return self.remote_asynchronous(count)

    def remote_class(self, count: int) -> Counted:
        self.kept = Counted(count)
        return self.kept

    async def remote_slow(self) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                await asyncio.sleep(0.001)
                self.made = number + 1
                yield number
        finally:
            self.over()

    async def remote_stuck(self, before: int) -> AsyncIterator[int]:
        """Waits for ever behind so many items."""
        try:
            for number in range(before):
                yield number
            await self.gate.wait()
            yield before
        finally:
            self.over()

    async def remote_raise(self, before: int) -> AsyncIterator[int]:
        for number in range(before):
            yield number
        raise likewise.CallError("as asked")

    async def remote_raise_at_end(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(PATIENCE)
        finally:
            raise likewise.CallError("at the end")

    async def remote_each(self, items: list[Any]) -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def remote_unsendable(self, before: int) -> AsyncIterator[Any]:
        try:
            for number in range(before):
                yield [number]
            yield {"lock": object()}
            yield "never made"
        finally:
            self.over()

    async def remote_grows(self, count: int) -> AsyncIterator[list[int]]:
        grown: list[int] = []
        for number in range(count):
            grown.append(number)
            yield grown

    async def remote_shared(self, count: int) -> AsyncIterator[Any]:
        for number in range(count):
            part = [number]
            yield [part, part]

    async def remote_items(self, count: int) -> AsyncIterator[Item]:
        for _ in range(count):
            yield Item()

    async def remote_items_at_gates(self) -> AsyncIterator[Any]:
        self.gates = [asyncio.Event() for _ in range(4)]
        for gate in self.gates:
            await gate.wait()
            yield Item()

    async def remote_task(self) -> AsyncIterator[int]:
        first = asyncio.current_task()
        CONTEXT.set("kept")
        async with asyncio.timeout(PATIENCE):
            for number in range(5_000):
                assert asyncio.current_task() is first and CONTEXT.get() == "kept"
                yield number
                if not number % 1_000:
                    await asyncio.sleep(0)

    async def remote_sum(self, numbers: Any) -> int:
        return sum([number async for number in numbers])

    async def remote_first(self, numbers: Any) -> Any:
        async for number in numbers:
            return number

    def remote_keep(self, numbers: Any) -> None:
        self.kept = numbers

    def remote_echo(self, value: Any) -> Any:
        return value


CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("CONTEXT")
Check = Callable[[Root, likewise.Connection, likewise.Connection], Awaitable[None]]


def run(check: Check, **options: Any) -> None:
    async def main() -> None:
        root = Root()
        async with asyncio.timeout(PATIENCE), pair(root, **options) as (client, server):
            await check(root, client, server)

    asyncio.run(main())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.001)


async def nothing_held(*connections: likewise.Connection) -> None:
    cores = [each._broker for each in connections]
    await until(lambda: not any(any(core.tables.sizes().values()) or core.unanswered for core in cores))


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
