"""multiprocessing.managers, from the standard library: blocking proxies, pickle."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from .. import settings
from ..blocking_peer import BlockingPeer
from ..data import Item, Line, Order, big_dict, make_items, make_order, take_order


class Managers(BlockingPeer):
    """multiprocessing.managers: one call at a time on a connection, no callbacks; pickle, hence for friends only"""

    name, works = "mp.managers", "W1 W2 W3 W4 W6 W7"
    tags = {"W2": "1 in flight", "W3": "1 in flight", "W7": "60 clients"}
    idle = (10, 60)  # a client takes 0.4 s: some ten short connections, each stalled 44 ms by Nagle and delayed ACK

    def setup(self) -> None:
        from multiprocessing import managers

        large: dict[str, int] = {}
        items: dict[int, list[Item]] = {}

        class Ref:
            def touch(self) -> int:
                return 1

        class Root:
            def add(self, a: int, b: int) -> int:
                return a + b

            def put(self, order: Order) -> int:
                return take_order(order, Order, Line)

            def blob(self, data: bytes) -> int:
                return len(data)

            def big(self) -> dict[str, int]:
                if not large:
                    large.update(big_dict())
                return large

            def state(self, count: int) -> list[Item]:
                if count not in items:
                    items[count] = make_items(count)
                return items[count]

        root = Root()

        class Manager(managers.BaseManager):
            pass

        Manager.register("root", callable=lambda: root, exposed=("add", "put", "blob", "big", "state"))
        Manager.register("ref", callable=Ref, exposed=("touch",))
        self.manager: Any = Manager
        self.proxies: Any = managers.BaseProxy

    def listen(self) -> list[Any]:
        server = self.manager(address=(settings.HOST, 0), authkey=b"bench").get_server()

        def run() -> None:
            with contextlib.suppress(SystemExit):
                server.serve_forever()

        threading.Thread(target=run, daemon=True).start()
        return list(server.address)

    def connect(self, address: list[Any]) -> list[Any]:
        self.proxies._address_to_local.clear()  # else all proxies of a thread share one connection
        manager = self.manager(address=tuple(address), authkey=b"bench")
        manager.connect()
        return [manager, manager.root()]

    def add(self, conn: list[Any], a: int, b: int) -> Any:
        return conn[1].add(a, b)

    def order(self) -> Any:
        return make_order()

    def put(self, conn: list[Any], order: Any) -> Any:
        return conn[1].put(order)

    def send_blob(self, conn: list[Any], data: bytes) -> Any:
        return conn[1].blob(data)

    def big(self, conn: list[Any]) -> Any:
        return conn[1].big()

    def state(self, conn: list[Any], count: int) -> Any:
        return conn[1].state(count)

    def hold(self, conn: list[Any]) -> None:
        conn.append(conn[0].ref())
        conn[2].touch()


PEERS = [Managers]
