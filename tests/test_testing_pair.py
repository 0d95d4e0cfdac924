"""Two connections joined in memory on an event loop: methods run as they do in a program."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import likewise
from likewise.testing import Pair, pair

SECONDS = 20.0


class Service(likewise.Root):
    def __init__(self) -> None:
        self.was_cancelled = False

    def remote_echo(self, value: Any) -> Any:
        return value

    async def remote_wait(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    async def remote_ask_back(self, other: Any) -> Any:
        return await other.callRemote("echo", "asked")

    async def remote_wait_for_ever(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.was_cancelled = True

    def remote_future(self) -> Any:
        return asyncio.get_running_loop().create_future()

    def remote_fail(self) -> None:
        raise ValueError("as asked")


class Item(likewise.Copyable, likewise.RemoteCopy):
    pass


def run(test: Callable[[], Awaitable[Any]], factory: Any = None) -> Any:
    async def main() -> Any:
        async with asyncio.timeout(SECONDS):
            return await test()

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.filterwarnings("error")
def test_methods_that_wait_run(loop: str) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    async def test() -> None:
        async with pair(Service(), Service()) as (client, server):
            assert type(client) is type(server) is likewise.Connection
            assert client.is_open and server.is_open
            assert await client.root.callRemote("wait", 0.001) == "done"
            assert await server.root.callRemote("wait", 0.001) == "done"
            assert await client.root.callRemote("ask_back", Service()) == "asked"
            large = bytes(3_000_000)
            assert await client.root.callRemote("echo", large) == large
            with pytest.raises(likewise.RemoteError, match="as asked"):
                await client.root.callRemote("fail")
        assert not client.is_open and not server.is_open
        assert all(isinstance(each.reason, likewise.ConnectionClosed) for each in (client, server))
        gc.collect()

    if loop == "uvloop":
        import uvloop

        run(test, uvloop.new_event_loop)
    else:
        run(test)


def test_methods_that_still_run_at_the_end_are_cancelled() -> None:
    async def test() -> None:
        service = Service()
        async with pair(service) as (client, _):
            call = client.root.callRemote("wait_for_ever")
            assert await client.root.callRemote("echo", 1) == 1
        with pytest.raises(likewise.ConnectionClosed):
            await call
        await asyncio.sleep(0)
        assert service.was_cancelled

    run(test)


def test_the_connection_may_be_cut() -> None:
    async def test() -> None:
        gone: list[Any] = []
        async with pair(Service(), on_connect=gone.append, on_disconnect=gone.append) as (client, server):
            call = client.root.callRemote("wait", 5)
            client.abort()
            with pytest.raises(likewise.ConnectionClosed):
                await call
            await server.wait_closed()
            assert gone == [server, server]

    run(test)


def test_what_the_test_raises_comes_out() -> None:
    async def test() -> None:
        async with pair(Service()):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(test)


def test_each_end_may_have_its_own_registry_limits_and_trace() -> None:
    async def test() -> None:
        few, more = likewise.Limits(depth=50), likewise.Limits(depth=60)
        registry = likewise.Registry()
        registry.setUnjellyableForClass(Item, Item)
        seen: list[Any] = []
        async with pair(
            Service(), accept=registry, client_accept=[], limits=few, client_limits=more, trace=seen.append, tracebacks=True
        ) as (client, server):
            assert (client._broker.limits, server._broker.limits) == (more, few)
            with pytest.raises(likewise.InsecureJelly):
                await client.root.callRemote("echo", Item())
            with pytest.raises(likewise.RemoteError) as caught:
                await client.root.callRemote("fail")
            assert "remote_fail" in caught.value.traceback
        assert {each.name for each in seen} >= {"opened", "closed"}

    run(test)


@pytest.mark.parametrize("method", ["future", "wait_for_ever"])
def test_without_a_loop_the_error_says_where_one_is(method: str) -> None:
    async def test() -> None:
        both = Pair(Service())
        result = both.client.root.callRemote(method)
        both.run()
        assert "likewise.testing.pair()" in str(both.server.failures[0][1])
        assert isinstance(result.error, likewise.RemoteError)

    run(test)
