"""RPyC: blocking proxies, objects by reference unless they are fetched."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from .. import settings
from ..blocking_peer import BlockingPeer
from ..child import Seen
from ..data import Line, Order, big_dict, make_order, take_order


class Rpyc(BlockingPeer):
    """RPyC, a thread for each client; TCP_NODELAY on both ends, without which W3 waits for delayed acknowledgements"""

    name, needs = "rpyc", ("rpyc",)
    tags = {"W2": "256 at once, then the next 256", "W3": "fetched by obtain(), which is pickle"}

    def setup(self) -> None:
        import rpyc
        from rpyc.utils.classic import obtain
        from rpyc.utils.server import ThreadedServer

        subscribers: list[Any] = []
        large: dict[str, int] = {}

        class Ref:
            pass

        class Root(rpyc.Service):
            def exposed_add(self, a: int, b: int) -> int:
                return a + b

            def exposed_put(self, order: Any) -> int:
                return take_order(obtain(order), Order, Line)

            def exposed_blob(self, data: bytes) -> int:
                return len(data)

            def exposed_sub(self, callback: Any) -> None:
                subscribers.append(rpyc.async_(callback))

            def exposed_big(self) -> dict[str, int]:
                if not large:
                    large.update(big_dict())
                return large

            def exposed_ref(self) -> Ref:
                return Ref()

        class Server(ThreadedServer):
            def _serve_client(self, sock: socket.socket, credentials: Any) -> None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                super()._serve_client(sock, credentials)

        self.rpyc: Any = rpyc
        self.obtain, self.server, self.root, self.subscribers = obtain, Server, Root, subscribers
        self.config = {"allow_pickle": True, "allow_public_attrs": True, "sync_request_timeout": 30}

    def listen(self) -> int:
        server = self.server(self.root, hostname=settings.HOST, port=0, backlog=1024, protocol_config=self.config)
        threading.Thread(target=server.start, daemon=True).start()
        port: int = server.port
        return port

    def publish(self, value: int) -> None:
        for tell in self.subscribers:
            tell(value)

    def connect(self, address: int) -> Any:
        stream = self.rpyc.SocketStream.connect(settings.HOST, address, nodelay=True)
        return self.rpyc.utils.factory.connect_stream(stream, config=self.config)

    def add(self, conn: Any, a: int, b: int) -> Any:
        return conn.root.add(a, b)

    def order(self) -> Any:
        return make_order()

    def put(self, conn: Any, order: Any) -> Any:
        return conn.root.put(order)

    def batch(self, conn: Any, order: Any, count: int) -> list[int]:
        if order is None:
            add = self.rpyc.async_(conn.root.add)
            waiting = [add(2, 3) for _ in range(count)]
        else:
            put = self.rpyc.async_(conn.root.put)
            waiting = [put(order) for _ in range(count)]
        return [each.value for each in waiting]

    def send_blob(self, conn: Any, data: bytes) -> Any:
        return conn.root.blob(data)

    def big(self, conn: Any) -> Any:
        return self.obtain(conn.root.big())

    def hold(self, conn: Any) -> None:
        conn.held = conn.root.ref()

    def subscribe_many(self, address: int, count: int, seen: Seen) -> list[Any]:
        connections = [self.connect(address) for _ in range(count)]
        for conn in connections:
            conn.root.sub(seen.subscriber())
        return connections

    def pump(self, connections: list[Any], is_done: Callable[[], bool]) -> None:
        with selectors.DefaultSelector() as selector:
            for conn in connections:
                selector.register(conn.fileno(), selectors.EVENT_READ, conn)
            while not is_done():
                for key, _ in selector.select(1.0):
                    while key.data.poll(0):
                        pass


PEERS = [Rpyc]
