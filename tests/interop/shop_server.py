"""
A server whose root serves an interface: ``python -m tests.interop.shop_server asyncio``, or ``spread``, with a reactor.

It prints ``READY <port>`` and leaves when its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import likewise
from tests.interop.shop import Answers, Counter, Shop


def asyncio_server() -> None:
    @likewise.serves(Counter)
    class Counts(likewise.Referenceable):
        count = 0

        def remote_add(self, number: int) -> int:
            self.count += number
            return self.count

    @likewise.serves(Shop)
    class Front(Answers, likewise.Root):
        async def remote_later(self, value: str) -> str:
            await asyncio.sleep(0)
            return value

        def remote_counter(self) -> Counts:
            return Counts()

    async def main() -> None:
        async with likewise.serve(Front(), "tcp://127.0.0.1:0") as server:
            print(f"READY {server.port}", flush=True)
            await asyncio.to_thread(sys.stdin.read)

    asyncio.run(main())


def spread_server() -> None:
    from twisted.internet import defer, endpoints, reactor

    from likewise.spread import pb

    @likewise.serves(Counter)
    class Counts(pb.Referenceable):
        count = 0

        def remote_add(self, number: int) -> Any:
            self.count += number
            return defer.succeed(self.count)

    @likewise.serves(Shop)
    class Front(Answers, pb.Root):
        @defer.inlineCallbacks
        def remote_later(self, value: str) -> Any:
            yield defer.succeed(None)
            return value

        def remote_counter(self) -> Counts:
            return Counts()

    def ready(port: Any) -> None:
        print(f"READY {port.getHost().port}", flush=True)
        threading.Thread(target=wait, daemon=True).start()

    def wait() -> None:
        sys.stdin.read()
        reactor.callFromThread(reactor.stop)

    endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(Front())).addCallback(ready)
    reactor.run()


if __name__ == "__main__":
    {"asyncio": asyncio_server, "spread": spread_server}[sys.argv[1]]()
