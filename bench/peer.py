"""What a peer is, and the three ways in which libraries let one call: awaiting, Deferreds, blocking."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from . import settings
from .child import Delays, Meter, Seen, emit, now, wait_for_runner
from .data import ENTRIES, ORDER_SUM, blob

TRANSFERS_S = 15.0  # W6


class Peer:
    """
    One library. A subclass has a ``name``, says which workloads it can do, and has the methods that these need.

    On the server: ``listen() -> address`` (anything that JSON holds) and ``publish(value)``, one update to all
    subscribers (W5). On the client, each of them awaitable where the library is:

    - ``connect(address) -> conn``
    - ``add(conn, a, b) -> a + b`` (W1, W2)
    - ``order() -> object`` and ``put(conn, order) -> data.ORDER_SUM`` (W3)
    - ``send_blob(conn, data) -> len(data)`` (W4)
    - ``subscribe(conn, on_update)``: ``on_update(value)`` is to be called for each update (W5)
    - ``big(conn) -> mapping`` (W6)
    - ``hold(conn)``: get one remote reference and keep it (W7)
    - ``state(conn, count)``: get an object whose state is a list of so many others, and give the list (``objects``)
    - ``array(size) -> object`` of so many bytes, and ``send_array(conn, array) -> size`` (W9)
    - ``read(conn, end) -> count``: read 0, 1, 2 and so on from a stream of the server's until the time ``end``, check each,
      and close it (W8)

    The workloads ``objects`` and ``bytes`` (``send_blob`` of any size) are for scaling.py, ``latency`` (``publish`` and
    ``subscribe``) is for latency.py, and ``stream`` (``send_blob`` without end)
    and ``both`` (that and W1) are for stall.py.
    """

    name = ""
    works = "W1 W2 W3 W4 W5 W6 W7"
    is_floor = False
    uv = False  # on uvloop
    needs: tuple[str, ...] = ()  # packages
    programs: tuple[str, ...] = ()  # on PATH
    fan_out = settings.FAN_OUT
    idle = (settings.IDLE_BEFORE, settings.IDLE_CLIENTS)
    tags: dict[str, str] = {}  # workload -> how the case departs from it; shown in the tables
    build = ""  # a key of runner.BUILDS: the children run that build of likewise

    def can(self, case: str) -> bool:
        work, _, count = case.partition(":")
        return work in self.works.split() and (work != "W5" or not count or int(count) in self.fan_out)

    @classmethod
    def missing(cls) -> list[str]:
        """What this peer needs and this machine has not."""
        needs = (*cls.needs, "uvloop") if cls.uv else cls.needs
        packages = [each for each in needs if importlib.util.find_spec(each) is None]
        return packages + [each for each in cls.programs if shutil.which(each) is None]

    def setup(self) -> None:
        """Import the library; called once, in the child."""

    def serve(self, work: str) -> None:
        """Be the server until the runner ends it."""
        raise NotImplementedError

    def client(self, work: str, count: int, address: Any, server: int) -> None:
        """Be the client of one case; ``count`` connections in W5 and W7, streams of one connection in W8."""
        raise NotImplementedError


def batches(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, settings.CONNECTING_AT_ONCE)
        count -= settings.CONNECTING_AT_ONCE


class CoroutinePeer(Peer):
    """What asyncio and Twisted have in common: ``await``. The families differ in :meth:`calls` and in the four hooks."""

    # conn is whatever connect() gives: each library has its own
    connect: Callable[..., Any]
    subscribe: Callable[..., Any]
    send_blob: Callable[..., Any]
    big: Callable[..., Any]
    state: Callable[..., Any]
    hold: Callable[..., Any]
    read: Callable[..., Any]
    array: Callable[[int], Any]
    send_array: Callable[..., Any]

    def new_result(self) -> tuple[Awaitable[Any], Callable[[Any], object]]:
        """Something to await, and the function that ends the wait."""
        raise NotImplementedError

    async def together(self, jobs: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        raise NotImplementedError

    async def in_thread(self, function: Callable[[], None]) -> None:
        raise NotImplementedError

    async def calls(self, conn: Any, work: str, meter: Meter) -> dict[str, Any]:
        """W1, W2 and W3."""
        raise NotImplementedError

    async def run_client(self, work: str, count: int, address: Any, meter: Meter) -> None:
        if work == "W5":
            return await self.watch(count, address)
        if work == "W7":
            return await self.stay_idle(count, address)
        if work == "latency":
            return await self.take_delays(count, address)
        conn = await self.connect(address)
        if work == "stream":
            return await self.stream(conn)
        if work == "both":
            await self.together([self.stream(conn), self.call_beside(address, meter)])
        if work == "W4":
            result = await self.blobs(conn, meter, self.send_blob, blob(), settings.BLOB_BYTES)
        elif work == "W9":
            size = settings.ARRAY_BYTES
            result = await self.blobs(conn, meter, self.send_array, self.array(size), size)
        elif work == "W6":
            result = await self.transfers(conn)
        elif work == "W8":
            result = await self.streams(conn, count, meter)
        elif work in ("bytes", "objects"):
            result = await self.sized(conn, work, count)
        else:
            result = await self.calls(conn, work, meter)
        emit("RESULT", **result)

    async def connect_many(self, count: int, address: Any, then: Callable[[Any], Any]) -> list[Any]:
        async def one() -> Any:
            conn = await self.connect(address)
            await then(conn)
            return conn

        connections = []
        for batch in batches(count):
            connections += await self.together([one() for _ in range(batch)])
        return connections

    async def blobs(self, conn: Any, meter: Meter, send: Any, data: Any, size: int) -> dict[str, Any]:
        assert await send(conn, data) == size
        meter.start()
        sent, end = 0, now() + settings.BLOB_S
        while sent < settings.MOST_BLOBS and now() < end:
            assert await send(conn, data) == size
            sent += 1
        result = meter.stop(sent)
        result["mb_s"] = result["rate"] * size / 1e6
        return result

    async def streams(self, conn: Any, count: int, meter: Meter) -> dict[str, Any]:
        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            meter.start()
            end = now() + seconds
            result = meter.stop(sum(await self.together([self.read(conn, end) for _ in range(count)])))
        return result

    async def stream(self, conn: Any) -> None:
        """Until the runner ends this process."""
        data = blob()
        await self.send_blob(conn, data)
        emit("SENDING")
        while True:
            await self.send_blob(conn, data)

    async def call_beside(self, address: Any, meter: Meter) -> None:
        emit("RESULT", **await self.calls(await self.connect(address), "W1", meter))

    async def transfers(self, conn: Any) -> dict[str, Any]:
        times: list[float] = []
        end = now() + TRANSFERS_S
        while len(times) < settings.TRANSFERS and now() < end:
            start = now()
            received = await self.big(conn)
            times.append(now() - start)
            check_big(received)
            del received
        return transfer_times(times)

    async def sized(self, conn: Any, work: str, size: int) -> dict[str, Any]:
        times, end = Times(), now() + settings.SIZED_S
        data = blob(size) if work == "bytes" else b""
        while times.want_more(end):
            start = now()
            if work == "bytes":
                assert await self.send_blob(conn, data) == size
                times.add(now() - start)
            else:
                received = await self.state(conn, size)
                times.add(now() - start)
                assert len(received) == size and received[-1].key == size - 1
                del received
        return times.result()

    async def take_delays(self, count: int, address: Any) -> None:
        done, finish = self.new_result()
        delays = Delays(count, finish)
        held = await self.connect_many(count, address, lambda conn: self.subscribe(conn, delays.on_update))
        emit("SUBSCRIBED")
        await done
        emit("RESULT", steps=delays.steps, conns=len(held))

    async def watch(self, count: int, address: Any) -> None:
        done, finish = self.new_result()
        seen = Seen(count, finish)
        connections = await self.connect_many(count, address, lambda conn: self.subscribe(conn, seen.subscriber()))
        emit("SUBSCRIBED")
        emit("RESULT", t_end=await done, conns=len(connections))

    async def stay_idle(self, count: int, address: Any) -> None:
        held = await self.connect_many(self.idle[0], address, self.hold)
        emit("WARM")
        await self.in_thread(wait_for_runner)
        held += await self.connect_many(count, address, self.hold)
        emit("CONNECTED")
        await self.in_thread(wait_for_runner)
        emit("RESULT", conns=len(held))


class Times:
    """How long one thing takes, done again and again."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def want_more(self, end: float) -> bool:
        """The first is a warm-up."""
        return len(self.times) <= settings.FEWEST or now() < end

    def add(self, seconds: float) -> None:
        self.times.append(seconds)

    def result(self) -> dict[str, Any]:
        return {"us": statistics.median(self.times[1:]) * 1e6, "ops": len(self.times) - 1}


def check_big(received: Any) -> None:
    assert len(received) == ENTRIES and received["key-000007"] == 7


def transfer_times(times: list[float]) -> dict[str, Any]:
    return {"ms": statistics.median(times) * 1e3, "first_ms": times[0] * 1e3}


def expected(work: str) -> int:
    """What the server answers in W1 to W3."""
    return ORDER_SUM if work == "W3" else 5
