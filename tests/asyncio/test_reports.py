"""What is logged of calls that came to nothing, and of connections that were given up; by us and, about ours, by asyncio."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import likewise

FORGED = "x\n2026-01-01 00:00:00 CRITICAL root forged\r\x1b[31m\u2028\u202e"
PATIENCE = 30.0


class Room(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class RoomMirror(likewise.RemoteCache):
    def observe_known(self) -> None:
        raise likewise.Error("half of it is done")


class Peer(likewise.Referenceable):
    async def remote_never(self) -> None:
        await asyncio.Event().wait()


class Root(likewise.Root):
    def __init__(self) -> None:
        self.room = Room()
        self.ended = asyncio.Event()

    def remote_break(self, text: str = FORGED) -> None:
        raise ValueError(text)

    def remote_refuse(self) -> None:
        raise likewise.Error("not you")

    def remote_room(self) -> Room:
        return self.room

    def remote_large(self) -> bytes:
        return bytes(300_000)

    async def remote_wait_for(self, peer: Any) -> None:
        try:
            await peer.callRemote("never")
        finally:
            self.ended.set()


Ask = Callable[[Root, likewise.Server, likewise.Connection], Awaitable[None]]


def serving(ask: Ask, limits: likewise.Limits | None = None, of_client: likewise.Limits | None = None) -> None:
    async def main() -> None:
        served = Root()
        registry = likewise.Registry(ValueError)
        registry.setUnjellyableForClass(Room, RoomMirror)
        async with (
            likewise.serve(served, "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address, accept=registry, limits=of_client) as connection,
            asyncio.timeout(PATIENCE),
        ):
            await ask(served, server, connection)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def written(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    caplog.set_level(logging.INFO)
    formatter = logging.Formatter("%(levelname)s %(message)s")
    yield lambda: "\n".join(formatter.format(record) for record in caplog.records).split("\n")


async def until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def test_one_way_calls_that_fail_are_logged_where_they_fail_and_counted(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        there = server.connections[0]
        connection.root.callRemoteOnly("noSuch", 5)
        connection.root.callRemoteOnly("refuse")
        connection.root.callRemoteOnly("break")
        connection._broker.call(b"nobody", "any", (), {}, None, False)
        connection.root.callRemoteOnly("large", surprise=1)
        await until(lambda: there.one_way_failures == 5)
        assert connection.one_way_failures == 0

    serving(ask)
    lines = [line for line in written() if not line.startswith("  ")]
    assert all(line.isprintable() for line in written())
    assert any("WARNING" in line and "remote_noSuch" in line and "NoSuchMethod" in line for line in lines), lines
    assert any("WARNING" in line and "refuse" in line and "not you" in line for line in lines), lines
    assert any("ERROR" in line and "in break" in line for line in lines), lines
    assert any("WARNING" in line and "Invalid Object ID" in line for line in lines), lines
    assert any("ERROR" in line and "in large" in line for line in lines), lines


def test_a_change_that_its_mirror_does_not_take_is_logged_there(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        mirror = await connection.root.callRemote("room")
        served.room.observers[0].callRemoteOnly("renamed")
        served.room.observers[0].callRemoteOnly("known")
        await until(lambda: connection.one_way_failures == 2)
        del mirror

    serving(ask)
    assert any("observe_renamed" in line for line in written()) and any("half of it" in line for line in written())


def test_a_call_that_waits_for_a_client_that_goes_is_no_fault(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        connection.root.callRemoteOnly("wait_for", Peer())
        await until(lambda: server.connections[0]._calls.running == 1)
        connection.abort()
        await served.ended.wait()
        await until(lambda: not server.connections)

    serving(ask)
    assert not any("ERROR" in line for line in written()), written()
    assert any("INFO" in line and "wait_for ended with its connection" in line for line in written())


def test_a_connection_that_reads_nothing_is_dropped_with_a_line(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        there = server.connections[0]
        there.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        peer = Peer()
        await connection.root.callRemote("room")
        assert connection._line.transport is not None
        connection._line.transport.pause_reading()
        while served.room.observers:
            served.room.observers[0].callRemoteOnly("change", bytes(100_000))
            await asyncio.sleep(0)
        await until(lambda: not server.connections)
        del peer

    serving(ask, likewise.Limits(queued_output=100_000))
    assert any("WARNING" in line and "dropped: queued_output" in line for line in written()), written()


async def forget(connection: likewise.Connection, count: int, **how: Any) -> None:
    calls = [connection.root.callRemote("break", **how) for _ in range(count)]
    await asyncio.wait(calls)
    del calls
    gc.collect()


@pytest.mark.parametrize("as_task", [False, True])
def test_what_a_forgotten_call_failed_with_is_one_line_of_asyncio_s(as_task: bool, written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        logging.getLogger("likewise").disabled = True  # of the server's own lines there are others to tell
        try:
            if as_task:

                async def call() -> None:
                    await connection.root.callRemote("break")

                task = asyncio.ensure_future(call())
                await asyncio.wait([task])
                del task
                gc.collect()
            else:
                await forget(connection, 1)
        finally:
            logging.getLogger("likewise").disabled = False

    serving(ask)
    lines = [line for line in written() if "selector" not in line]
    told = [line for line in lines if not line.startswith("  ")]
    assert len(told) == 1 and "exception was never retrieved" in told[0] and r"x\n2026-01-01" in told[0], lines
    assert all(line.isprintable() for line in lines)
    assert any("in call" in line for line in lines) == as_task  # where the application forgot it


def test_forgotten_calls_have_no_more_lines_than_others(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        await forget(connection, 100)

    serving(ask, of_client=likewise.Limits(log_lines=7))
    assert sum("never retrieved" in line for line in written()) == 7


def test_an_error_that_can_be_handled_is_no_line(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        with pytest.raises(ValueError, match="quite"):
            await connection.root.callRemote("break", "quite another")
        gc.collect()

    serving(ask)
    assert not any("never retrieved" in line for line in written())


def test_errors_of_the_application_stay_as_asyncio_has_them(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        def raising() -> None:
            raise KeyError("of the application")

        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(raising)
        future.set_exception(KeyError("and another"))
        del future
        gc.collect()
        await asyncio.sleep(0.05)

    serving(ask)
    text = "\n".join(written())
    assert "KeyError: 'of the application'" in text and "KeyError: 'and another'" in text and "future: <Future" in text


def test_out_of_descriptors_is_one_line_with_the_remedy(written: Callable[[], list[str]]) -> None:
    async def ask(served: Root, server: likewise.Server, connection: likewise.Connection) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        others = [socket.socket() for _ in range(5)]
        last = os.dup(0)
        os.close(last)
        resource.setrlimit(resource.RLIMIT_NOFILE, (last, hard))
        try:
            for other in others:
                other.setblocking(False)
                other.connect_ex(("127.0.0.1", server.port))
            await until(lambda: any("wait to be taken" in line for line in written()))
            await asyncio.sleep(1.5)  # asyncio tries again after a second
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await connection.root.callRemote("large")
        await until(lambda: len(server.connections) == 6)
        for other in others:
            other.close()

    serving(ask)
    told = [line for line in written() if "taken" in line or "accept" in line]
    assert 0 < len(told) < 40 and "ulimit -n" in told[0] and "limits.connections" in told[0], told[:3]
    assert not any("Traceback" in line for line in written())
