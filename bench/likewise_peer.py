"""
likewise as a peer, of this package's runner or of any other that has a module ``peers`` with the names below
(``BENCH_ADAPTER=bench/likewise_peer.py``).

``likewise`` and ``likewise-uv`` speak our own dialect to each other, ``likewise-pb`` what a Twisted peer speaks.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import likewise
from likewise.wire.tokens import NONE, PB

try:
    from peers import HOST, AsyncPeer, Plain, big_dict, make_order, take_order
except ImportError:
    from bench.asyncio_peer import AsyncPeer
    from bench.data import Plain, big_dict, make_order, take_order
    from bench.settings import HOST


class Line(likewise.Copyable, likewise.RemoteCopy, Plain):
    pass


class Order(likewise.Copyable, likewise.RemoteCopy, Plain):
    pass


class Board(likewise.Cacheable):
    """W5: one value, published to whoever mirrors it."""

    def __init__(self) -> None:
        self.value = 0
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: object, observer: likewise.RemoteCacheObserver) -> object:
        self.observers.add(observer)
        return {"value": self.value}

    def stoppedObserving(self, perspective: object, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.discard(observer)

    def set(self, value: int) -> None:
        self.value = value
        self.observers.callRemote("set", value)


class BoardCache(likewise.RemoteCache):
    on_update: Any

    def observe_set(self, value: int) -> None:
        self.value = value
        self.on_update(value)


class Big(likewise.Cacheable):
    """W6: a large state."""

    def __init__(self, d: dict[str, int]) -> None:
        self.d = d

    def getStateToCacheAndObserveFor(self, perspective: object, observer: likewise.RemoteCacheObserver) -> object:
        return {"d": self.d}


class BigCache(likewise.RemoteCache):
    pass


class Item(likewise.Copyable, likewise.RemoteCopy, Plain):
    """One of the objects in a large state."""


class Many(likewise.Cacheable):
    """A state of many objects."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def getStateToCacheAndObserveFor(self, perspective: object, observer: likewise.RemoteCacheObserver) -> object:
        return {"items": self.items}


class ManyCache(likewise.RemoteCache):
    pass


CLASSES = [(Line, Line), (Order, Order), (Item, Item), (Board, BoardCache), (Big, BigCache), (Many, ManyCache)]
for theirs, ours in CLASSES:
    likewise.setUnjellyableForClass(theirs, ours)


class Ref(likewise.Referenceable):
    pass


class Root(likewise.Root):
    def __init__(self) -> None:
        self.board = Board()
        self.big: dict[str, int] = {}
        self.many: dict[int, Many] = {}

    def remote_add(self, a: int, b: int) -> int:
        return a + b

    def remote_put(self, order: Any) -> int:
        result: int = take_order(order, Order, Line)
        return result

    def remote_blob(self, data: bytes) -> int:
        return len(data)

    def remote_array(self, array: Any) -> int:
        size: int = array.nbytes
        return size

    def remote_board(self) -> Board:
        return self.board

    def remote_big(self) -> Big:
        self.big = self.big or big_dict()
        return Big(self.big)

    def remote_state(self, count: int) -> Many:
        if count not in self.many:
            self.many[count] = Many([Item(key=number, name="an item") for number in range(count)])
        return Many(self.many[count].items)  # another one each time: one that is known goes as a number

    async def remote_numbers(self) -> AsyncIterator[int]:
        for number in itertools.count():
            yield number

    def remote_ref(self) -> Ref:
        return Ref()


class Likewise(AsyncPeer):
    """likewise on asyncio, dialect likewise-1"""

    name = "likewise"
    works = "W1 W2 W3 W4 W5 W6 W7 W8 W9"
    dialects: Any = None

    def limits(self) -> likewise.Limits:
        """Those that everybody has, except that a million objects, and 100 MB in one piece, are over the usual ceilings."""
        work = getattr(self, "work", "")
        if work == "W9":
            from likewise.adapters import numpy

            numpy.register()
        return likewise.Limits.trusted() if work in ("objects", "W9") else likewise.Limits()

    async def listen(self) -> int:
        self.root = Root()
        serving = likewise.serve(self.root, f"tcp://{HOST}:0", limits=self.limits())
        if self.dialects:
            serving._endpoint.dialects = self.dialects
        self.server = await serving
        return self.server.port

    def publish(self, value: int) -> None:
        self.root.board.set(value)

    async def connect(self, addr: int) -> Any:
        connection = await likewise.connect(f"tcp://{HOST}:{addr}", limits=self.limits())
        if self.work == "W9":
            await connection.root.callRemote("add", 1, 2)  # by then the server has said that it takes more than usual
        return Held(connection)

    def add(self, conn: Any, a: int, b: int) -> Any:
        return conn.root.callRemote("add", a, b)

    def order(self) -> Any:
        return make_order(Order, Line)

    def put(self, conn: Any, order: Any) -> Any:
        return conn.root.callRemote("put", order)

    def send_blob(self, conn: Any, data: bytes) -> Any:
        return conn.root.callRemote("blob", data)

    def array(self, size: int) -> Any:
        import numpy

        return numpy.random.default_rng(1).integers(0, 1 << 62, size // 8)

    def send_array(self, conn: Any, array: Any) -> Any:
        return conn.root.callRemote("array", array)

    async def subscribe(self, conn: Any, on_update: Any) -> None:
        conn.held = await conn.root.callRemote("board")
        conn.held.on_update = on_update

    async def big(self, conn: Any) -> Any:
        return (await conn.root.callRemote("big")).d

    async def state(self, conn: Any, count: int) -> Any:
        return (await conn.root.callRemote("state", count)).items

    async def read(self, conn: Any, end: float) -> int:
        number, now = 0, time.perf_counter
        async with await conn.root.callRemote("numbers") as stream:
            async for item in stream:
                assert item == number
                number += 1
                if not number & 63 and now() > end:
                    break
        return number

    async def hold(self, conn: Any) -> None:
        conn.held = await conn.root.callRemote("ref")


class Held:
    """A connection, its root reference and what the workload holds."""

    def __init__(self, connection: likewise.Connection) -> None:
        self.connection = connection
        self.root = connection.root
        self.held: Any = None


class LikewiseUv(Likewise):
    """likewise on uvloop"""

    name, uv = "likewise-uv", True


class LikewisePb(Likewise):
    """likewise on asyncio, dialect pb, as toward a Twisted peer"""

    name, works = "likewise-pb", "W1 W2 W3"
    dialects = (PB, NONE)


class LikewisePbUv(LikewisePb):
    """likewise on uvloop, dialect pb"""

    name, uv = "likewise-pb-uv", True


PEERS = [Likewise, LikewiseUv, LikewisePb, LikewisePbUv]
