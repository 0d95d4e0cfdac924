"""Pyro5: blocking proxies, serpent."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .. import settings
from ..blocking_peer import BlockingPeer
from ..child import Seen
from ..data import Line, Order, big_dict, make_order, take_order


def revive(cls: Any) -> Callable[[str, dict[str, Any]], Any]:
    """How Pyro is told to make an instance; those nested in another arrive as dicts and are revived here, too."""

    def make(_: str, state: dict[str, Any]) -> Any:
        made = cls()
        if "lines" in state:
            state["lines"] = [Line(**{k: v for k, v in each.items() if k != "__class__"}) for each in state["lines"]]
        made.__dict__.update(state)
        made.__dict__.pop("__class__", None)
        return made

    return make


class Pyro5(BlockingPeer):
    """Pyro5, server type multiplex: one call at a time on a connection; bytes go as base64"""

    name, needs = "pyro5", ("Pyro5", "serpent")
    works = "W1 W2 W3 W4 W5 W6 W7 W8"
    tags = {
        "W2": "BatchProxy, 256 calls a message",
        "W3": "BatchProxy, 64 calls a message",
        "W5": "oneway proxies",
        "W8": "read in turns",
    }

    def setup(self) -> None:
        import Pyro5.api as api
        import serpent

        api.config.SERVERTYPE = "multiplex"
        self.api: Any = api
        for cls in (Order, Line):
            api.register_class_to_dict(cls, lambda each: {"__class__": type(each).__name__, **each.__dict__})
            api.register_dict_to_class(cls.__name__, revive(cls))
        subscribers: list[Any] = []
        large: dict[str, int] = {}

        @api.expose
        class Ref:
            def touch(self) -> int:
                return 1

        @api.expose
        class Root:
            _pyroDaemon: Any

            def add(self, a: int, b: int) -> int:
                return a + b

            def put(self, order: Order) -> int:
                return take_order(order, Order, Line)

            def blob(self, data: Any) -> int:
                return len(serpent.tobytes(data))

            def sub(self, uris: list[str]) -> None:
                subscribers.extend(map(api.Proxy, uris))

            def big(self) -> dict[str, int]:
                if not large:
                    large.update(big_dict())
                return large

            def numbers(self) -> Iterator[int]:
                yield from itertools.count()

            def ref(self) -> Ref:
                made = Ref()
                self._pyroDaemon.register(made)
                return made

        self.root, self.subscribers, self.held = Root(), subscribers, []

    def listen(self) -> str:
        daemon = self.api.Daemon(host=settings.HOST, port=0)
        uri = daemon.register(self.root, "root")
        threading.Thread(target=daemon.requestLoop, daemon=True).start()
        return str(uri)

    def publish(self, value: int) -> None:
        for proxy in self.subscribers:
            if proxy._pyroConnection is None:
                proxy._pyroClaimOwnership()
            proxy.set(value)

    def connect(self, address: str) -> Any:
        proxy = self.api.Proxy(address)
        proxy._pyroBind()
        return proxy

    def add(self, conn: Any, a: int, b: int) -> Any:
        return conn.add(a, b)

    def order(self) -> Any:
        return make_order()

    def put(self, conn: Any, order: Any) -> Any:
        return conn.put(order)

    def batch(self, conn: Any, order: Any, count: int) -> list[int]:
        calls = self.api.BatchProxy(conn)
        for _ in range(count):
            if order is None:
                calls.add(2, 3)
            else:
                calls.put(order)
        return list(calls())

    def send_blob(self, conn: Any, data: bytes) -> Any:
        return conn.blob(data)

    def big(self, conn: Any) -> Any:
        return conn.big()

    def open_stream(self, conn: Any) -> Any:
        return conn.numbers()

    def hold(self, conn: Any) -> None:
        self.held.append(conn.ref())

    def subscribe_many(self, address: str, count: int, seen: Seen) -> Any:
        api = self.api

        class Callback:
            def __init__(self, on_update: Callable[[int], None]) -> None:
                self.on_update = on_update

            @api.expose
            @api.oneway
            def set(self, value: int) -> None:
                self.on_update(value)

        daemon = api.Daemon(host=settings.HOST, port=0)
        self.connect(address).sub([str(daemon.register(Callback(seen.subscriber()))) for _ in range(count)])
        return daemon

    def pump(self, daemon: Any, is_done: Callable[[], bool]) -> None:
        daemon.requestLoop(lambda: not is_done())


PEERS = [Pyro5]
