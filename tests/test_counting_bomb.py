"""The bomb that counts, passed through everything that a peer can send to: nothing of the library asks it anything."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise import bounded

from .counting import Counting, asked


@likewise.copyable
@dataclass(eq=False, repr=False)
class Bomb(Counting):
    more: Any = None


@likewise.copyable(strict=True)
@dataclass
class Strict:
    number: int


class Box(likewise.Copyable, likewise.RemoteCopy):
    """Copied with a state that has the bomb in it."""

    def __init__(self, what: Any = None) -> None:
        self.what = what


class Hooked(likewise.Copyable, likewise.RemoteCopy):
    """Takes its state itself, and does not like it."""

    def __init__(self, what: Any = None) -> None:
        self.what = what

    def setCopyableState(self, state: Any) -> None:
        raise likewise.InsecureJelly(state["what"])


class Room(likewise.Cacheable):
    def __init__(self) -> None:
        self.what = Bomb()
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"what": self.what}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class RoomMirror(likewise.RemoteCache):
    what: Any

    def observe_set(self, what: Any) -> None:
        self.what = what

    def observe_break(self, what: Any) -> None:
        raise ValueError(what)


class Shelf(likewise.Publishable):
    def __init__(self, published_id: Any, state: Any) -> None:
        super().__init__(published_id)
        self.state = state

    def getStateToPublish(self) -> Any:
        return self.state


class ShelfMirror(likewise.RemotePublished):
    books: Any


class Root(likewise.Root):
    def __init__(self) -> None:
        self.room = Room()
        self.got: list[Any] = []

    def remote_take(self, *args: Any, **kwargs: Any) -> None:
        self.got = [args, kwargs]

    def remote_echo(self, value: Any) -> Any:
        return value

    async def remote_echo_later(self, value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    def remote_one(self, number: int) -> None:
        raise AssertionError

    @likewise.checked
    def remote_checked(self, number: int) -> None:
        raise AssertionError

    def remote_raise(self, value: Any) -> None:
        raise ValueError(value)

    def remote_refuse(self, value: Any) -> None:
        raise likewise.Error(value)

    async def remote_raise_later(self, value: Any) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("around", [value])

    def remote_unsendable(self, value: Any) -> Any:
        return {"x": [value, {"y": object()}], "z": value}

    def remote_room(self) -> Room:
        return self.room

    def remote_shelf(self, published_id: Any, state: Any) -> Shelf:
        return Shelf(published_id, state)

    async def remote_pages(self, collector: Any, value: Any) -> None:
        await collector.callRemote("gotPage", value)
        await collector.callRemote("endedPaging")

    async def remote_call_back(self, peer: Any, value: Any) -> Any:
        return await peer.callRemote("echo", value)


class Peer(likewise.Referenceable):
    def remote_echo(self, value: Any) -> Any:
        return value


class Ends:
    """Both ends of a connection."""

    def __init__(self, served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        self.served = served
        self.server = server
        self.connection = connection
        self.root = connection.root

    async def refused(self, name: str, *args: Any, **kwargs: Any) -> BaseException:
        try:
            await self.root.callRemote(name, *args, **kwargs)
        except likewise.LikewiseError as error:
            return error
        raise AssertionError("not refused")


@asynccontextmanager
async def ends(directory: Path) -> AsyncIterator[Ends]:
    registry = likewise.Registry(Bomb, Strict, Box, Hooked)
    registry.setUnjellyableForClass(Room, RoomMirror)
    registry.setUnjellyableForClass(Shelf, ShelfMirror)
    ShelfMirror.cacheDirectory = directory
    ShelfMirror.registry = registry
    records: list[likewise.Record] = []
    served = Root()
    async with (
        likewise.serve(served, "tcp://127.0.0.1:0", accept=registry, trace=records.append) as server,
        likewise.connect(server.address, accept=registry, trace=records.append) as connection,
        asyncio.timeout(30),
    ):
        yield Ends(served, server, connection)
    assert all(type(value) in (str, int, float) for record in records for value in record.detail.values())


Through = Callable[[Ends, Any], Awaitable[object]]


async def every_place(ends: Ends, bomb: Any) -> None:
    await ends.root.callRemote("take", bomb, [bomb], (bomb, bomb), {"key": bomb}, named=bomb, other=[{1: (bomb,)}])
    assert type(ends.served.got[0][0]) is Bomb
    assert type(await ends.root.callRemote("echo", bomb)) is Bomb
    assert type(await ends.root.callRemote("echo_later", [bomb])) is list
    assert type(await ends.root.callRemote("call_back", Peer(), bomb)) is Bomb
    assert type(await ends.root.callRemote("echo", Bomb(Bomb(bomb)))) is Bomb
    assert type((await ends.root.callRemote("echo", Box([bomb]))).what[0]) is Bomb
    ends.root.callRemoteOnly("take", bomb)


async def calls_that_fail(ends: Ends, bomb: Any) -> None:
    assert isinstance(await ends.refused("noSuch", bomb), likewise.NoSuchMethod)
    assert isinstance(await ends.refused("one", bomb, bomb), likewise.RemoteError)
    assert isinstance(await ends.refused("take", object()), likewise.NotSendable)
    await ends.refused("unsendable", bomb)
    await ends.refused("take", [bomb, object()])
    ends.root.callRemoteOnly("noSuch", bomb)
    ends.root.callRemoteOnly("one", bomb, bomb=bomb)
    ends.connection._broker.call(b"nobody", "any", (bomb,), {"named": bomb}, None, False)
    await ends.root.callRemote("echo", 1)


async def values_of_another_type(ends: Ends, bomb: Any) -> None:
    assert isinstance(await ends.refused("checked", bomb), likewise.LikewiseError)
    wrong = Strict.__new__(Strict)
    wrong.number = bomb
    await ends.refused("echo", wrong)


async def mirrors(ends: Ends, bomb: Any) -> None:
    mirror = await ends.root.callRemote("room")
    assert type(mirror.what) is Bomb
    observer = ends.served.room.observers[0]
    await observer.callRemote("set", [bomb])
    observer.callRemoteOnly("noSuch", bomb)
    observers = likewise.Observers()
    observers.add(observer)
    observers.callRemote("set", bomb)
    await ends.root.callRemote("take", mirror)  # home
    del mirror
    gc.collect()
    await ends.root.callRemote("echo", 1)


async def published(ends: Ends, bomb: Any) -> None:
    for _ in range(2):
        shelf = await ends.root.callRemote("shelf", "name", {"books": [bomb]})
        while not shelf.isActivated:
            await asyncio.sleep(0.01)
        assert type(shelf.books[0]) is Bomb
    for published_id, state in ((bomb, {}), ([bomb], {})):
        assert isinstance(await ends.refused("shelf", published_id, state), likewise.InsecureJelly)
    failed: list[BaseException] = []
    for state in (bomb, {"_listeners": bomb}, {"activated": bomb}):
        shelf = await ends.root.callRemote("shelf", "another", state)
        shelf.callWhenActivated(failed.append, failed.append)
    while len(failed) < 3:
        await asyncio.sleep(0.01)


async def pages(ends: Ends, bomb: Any) -> None:
    (page,) = await likewise.get_all_pages(ends.root, "pages", [bomb])
    assert type(page[0]) is Bomb
    with pytest.raises(likewise.Error):
        await likewise.get_all_pages(ends.root, "pages", [bomb], most_bytes=10)


async def ends_of_waiting(ends: Ends, bomb: Any) -> None:
    call = ends.root.callRemote("echo_later", bomb)
    call.cancel()
    for name in ("echo", "raise_later"):
        forgotten = ends.root.callRemote(name, bomb)
        del forgotten
    await ends.root.callRemote("echo", 1)
    await asyncio.sleep(0.05)
    gc.collect()
    ends.root.callRemoteOnly("take", bomb)
    ends.connection.abort()
    await ends.connection.wait_closed()


async def weighing(ends: Ends, bomb: Any) -> None:
    assert bounded.weight((bomb, [Bomb(bomb)]), 1e9) > 100
    assert bounded.is_small(bomb) and not bounded.is_plain([bomb]) and bounded.clip(bomb) == bounded.shown(bomb) == "<Bomb>"


@pytest.mark.parametrize(
    "through",
    [every_place, calls_that_fail, values_of_another_type, mirrors, published, pages, weighing],
    ids=lambda f: f.__name__,
)
def test_nothing_asks_it(through: Through, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with ends(tmp_path) as both:
            await through(both, Bomb())

    asked.clear()
    asyncio.run(main())
    assert not asked, dict(asked)


async def raised(ends: Ends, bomb: Any) -> None:
    await ends.refused("raise", bomb)


async def raised_as_expected(ends: Ends, bomb: Any) -> None:
    await ends.refused("refuse", bomb)


async def raised_later(ends: Ends, bomb: Any) -> None:
    await ends.refused("raise_later", bomb)


async def raised_in_a_mirror(ends: Ends, bomb: Any) -> None:
    mirror = await ends.root.callRemote("room")
    with pytest.raises(likewise.RemoteError):
        await ends.served.room.observers[0].callRemote("break", bomb)
    del mirror


async def raised_by_a_hook(ends: Ends, bomb: Any) -> None:
    await ends.refused("echo", Hooked(bomb))


# An application that makes an exception of it has it printed: once for the caller, once for the log, and once for each of
# the two where an error is told of a second time.
@pytest.mark.parametrize(
    "through", [raised, raised_as_expected, raised_later, raised_in_a_mirror, raised_by_a_hook, ends_of_waiting]
)
def test_an_error_made_of_it_asks_it_for_its_text_a_few_times(
    through: Through, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with ends(tmp_path) as both:
            await through(both, Bomb())

    asked.clear()
    asyncio.run(main())
    assert set(asked) <= {"__repr__", "__str__"} and asked.total() <= 4, dict(asked)


@pytest.mark.parametrize("through", [raised, raised_as_expected, raised_later, raised_in_a_mirror, raised_by_a_hook])
def test_an_error_made_of_it_and_of_what_has_no_end_asks_it_nothing(through: Through, tmp_path: Path) -> None:
    part: Any = [Bomb()]
    for _ in range(40):
        part = [part, part]

    async def main() -> None:
        async with ends(tmp_path) as both:
            await through(both, Bomb(part))

    asked.clear()
    began = time.monotonic()
    asyncio.run(main())
    assert not asked, dict(asked)
    assert time.monotonic() - began < 20


def test_as_a_key_it_is_hashed_as_python_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with ends(tmp_path) as both:
            asked.clear()
            await both.root.callRemote("take", {Bomb(): 1})

    asyncio.run(main())
    assert set(asked) <= {"__hash__"} and asked.total() <= 3, dict(asked)
