"""Twisted's Perspective Broker."""

from __future__ import annotations

from typing import Any

from .. import settings
from ..data import Plain, big_dict, make_items, make_order, take_order
from ..twisted_peer import DeferredPeer

LARGEST = 640 * 1024  # bytes of a byte string: Twisted refuses more
PAGE = 512 * 1024  # what is larger goes in pages


class Twisted(DeferredPeer):
    """Twisted's PB on its default reactor"""

    name = "twisted"
    answered = True  # W5: whether the observers' answers are asked for, as callRemote does
    page = PAGE
    tags = {"W4": "StringPager, pages of 512 KiB"}

    def define(self) -> None:
        from twisted.spread import pb, util

        self.pb, self.util = pb, util
        self.define_values()
        self.define_caches()
        self.define_state()
        self.define_root()

    def define_values(self) -> None:
        pb = self.pb

        class Line(pb.Copyable, pb.RemoteCopy, Plain):
            pass

        class Order(pb.Copyable, pb.RemoteCopy, Plain):
            pass

        for each in (Line, Order):
            pb.setUnjellyableForClass(each, each)
        self.classes = Order, Line

    def define_caches(self) -> None:
        pb, options = self.pb, {} if self.answered else {"pbanswer": False}

        class Board(pb.Cacheable):
            """W5: one value, published to whoever mirrors it."""

            def __init__(self) -> None:
                self.value = 0
                self.observers: list[Any] = []

            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, int]:
                self.observers.append(observer)
                return {"value": self.value}

            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                self.observers = [each for each in self.observers if each.broker is not observer.broker]

            def set(self, value: int) -> None:
                self.value = value
                for observer in self.observers:
                    observer.callRemote("set", value, **options)

        class BoardMirror(pb.RemoteCache):
            def observe_set(self, value: int) -> None:
                self.value = value
                self.on_update(value)

        class Big(pb.Cacheable):
            """W6: a large state."""

            def __init__(self, state: dict[str, int]) -> None:
                self.state, self.observers = state, []

            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
                self.observers.append(observer)
                return {"d": self.state}

        class BigMirror(pb.RemoteCache):
            pass

        pb.setUnjellyableForClass(Board, BoardMirror)
        pb.setUnjellyableForClass(Big, BigMirror)
        self.board, self.Big = Board(), Big

    def define_state(self) -> None:
        pb = self.pb

        class Item(pb.Copyable, pb.RemoteCopy, Plain):
            pass

        class Many(pb.Cacheable):
            """A state of many objects."""

            def __init__(self, items: list[Any]) -> None:
                self.items, self.observers = items, []

            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
                self.observers.append(observer)
                return {"items": self.items}

        class ManyMirror(pb.RemoteCache):
            pass

        pb.setUnjellyableForClass(Item, Item)
        pb.setUnjellyableForClass(Many, ManyMirror)
        self.Many, self.Item = Many, Item

    def define_root(self) -> None:
        pb, peer = self.pb, self

        class Ref(pb.Referenceable):
            pass

        class Pages(pb.Referenceable):
            """W4: joins the pages, as twisted.spread.util's collector does."""

            def __init__(self) -> None:
                self.pages: list[bytes] = []
                self.whole = peer.defer.Deferred()

            def remote_gotPage(self, page: bytes) -> None:
                self.pages.append(page)

            def remote_endedPaging(self) -> None:
                self.whole.callback(len(b"".join(self.pages)))

            def remote_result(self) -> Any:
                return self.whole

        class Root(pb.Root):
            large: dict[str, int] = {}
            items: dict[int, list[Any]] = {}

            def remote_add(self, a: int, b: int) -> int:
                return a + b

            def remote_put(self, order: Any) -> int:
                return take_order(order, *peer.classes)

            def remote_pages(self) -> Any:
                return Pages()

            def remote_board(self) -> Any:
                return peer.board

            def remote_big(self) -> Any:
                self.large = self.large or big_dict()
                return peer.Big(self.large)  # a new Cacheable each time: one that is known goes as a number

            def remote_state(self, count: int) -> Any:
                if count not in self.items:
                    self.items[count] = make_items(count, peer.Item)
                return peer.Many(self.items[count])

            def remote_blob(self, data: bytes) -> int:
                return len(data)

            def remote_ref(self) -> Any:
                return Ref()

        self.Root = Root

    def listen(self) -> int:
        factory = self.pb.PBServerFactory(self.Root())
        port: int = self.reactor.listenTCP(0, factory, backlog=1024, interface=settings.HOST).getHost().port
        return port

    def publish(self, value: int) -> None:
        self.board.set(value)

    def connect(self, address: int) -> Any:
        factory = self.pb.PBClientFactory()
        self.reactor.connectTCP(settings.HOST, address, factory)
        return factory.getRootObject()

    def add(self, root: Any, a: int, b: int) -> Any:
        return root.callRemote("add", a, b)

    def order(self) -> Any:
        return make_order(*self.classes)

    def put(self, root: Any, order: Any) -> Any:
        return root.callRemote("put", order)

    async def send_blob(self, root: Any, data: bytes) -> Any:
        if len(data) <= LARGEST:
            return await root.callRemote("blob", data)
        pages = await root.callRemote("pages")
        self.util.StringPager(pages, data, self.page)
        return await pages.callRemote("result")

    async def subscribe(self, root: Any, on_update: Any) -> None:
        root.board = await root.callRemote("board")
        root.board.on_update = on_update

    async def big(self, root: Any) -> Any:
        return (await root.callRemote("big")).d

    async def state(self, root: Any, count: int) -> Any:
        return (await root.callRemote("state", count)).items

    async def hold(self, root: Any) -> None:
        root.held = await root.callRemote("ref")


class TwistedUv(Twisted):
    """Twisted's PB on uvloop, by way of asyncioreactor"""

    name, uv = "twisted-uv", True


class TwistedOneWay(Twisted):
    """W5 with observer.callRemote(..., pbanswer=False)"""

    name, works, answered, tags = "twisted-oneway", "W5", False, {"W5": "pbanswer=False"}


class TwistedSmallPages(Twisted):
    """W4 in pages of 64 KiB"""

    name, works, page, tags = "twisted-page64k", "W4", 64 * 1024, {"W4": "pages of 64 KiB"}


PEERS = [Twisted, TwistedUv, TwistedOneWay, TwistedSmallPages]
