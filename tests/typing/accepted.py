"""What a type checker is to accept. It is checked, never run."""

import asyncio
from typing import Any

import likewise
from likewise.testing import Pair, Result, pair


async def calls(root: likewise.RemoteReference) -> None:
    print(await root.callRemote("add", 1, b=2))
    print(await asyncio.gather(root.callRemote("one"), root.callRemote("two")))
    print(await asyncio.wait_for(root.callRemote("slow"), 5))
    done, waiting = await asyncio.wait([root.callRemote("one"), root.callRemote("two")], timeout=1)
    for each in waiting:
        each.cancel()
    kept = root.callRemote("later")
    kept.add_done_callback(print)
    if kept.done() and not kept.cancelled():
        print(kept.result(), kept.exception(), len(done))
    kept.cancel()
    add = root.remoteMethod("add")
    print(await add(1, 2))
    root.callRemoteOnly("note", "one way")
    text: str = await root.callRemote("text")  # what it is, the peer decides
    print(text)
    async for frame in root.callRemote("frames"):
        print(frame)
    stream: likewise.Stream = await root.callRemote("frames")
    async with stream:
        print(await anext(stream))


async def observers(observer: likewise.RemoteCacheObserver, all_of_them: likewise.Observers) -> None:
    print(await observer.callRemote("changed", 1))
    observer.callRemoteOnly("changed", 1)
    all_of_them.callRemote("changed", 1)
    for each in all_of_them.callRemoteForAnswers("changed").values():
        await each


class Service(likewise.Root):
    def remote_plain(self, other: likewise.RemoteReference) -> int:
        other.callRemoteOnly("hello")
        return 1

    async def remote_async(self, other: likewise.RemoteReference) -> Any:
        return await other.callRemote("hello")

    def remote_passed_on(self, other: likewise.RemoteReference) -> "asyncio.Future[Any]":
        return other.callRemote("hello")


async def program() -> None:
    async with likewise.serve(Service(), "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
        await calls(connection.root)


def test_in_memory() -> None:
    both = Pair(Service())
    result: Result = both.client.root.callRemote("plain")
    both.run()
    assert result.is_settled and result.value == 1 and result.error is None


async def test_on_a_loop() -> None:
    async with pair(Service()) as (client, server):
        connection: likewise.Connection = client
        await calls(connection.root)
        server.abort()
