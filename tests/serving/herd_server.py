"""A server that notes in which order calls are handled: ``herd_server.py asyncio|spread``."""

from __future__ import annotations

import asyncio
import sys
import time

IS_SPREAD = sys.argv[1] == "spread"
if IS_SPREAD:
    from twisted.internet import reactor

    from likewise.spread import pb
import likewise  # noqa: E402  # a reactor is installed first


class Root((pb if IS_SPREAD else likewise).Root):  # type: ignore[misc]
    def __init__(self) -> None:
        self.order: list[str] = []

    def remote_costly(self, data: bytes) -> int:
        self.order.append("costly")
        time.sleep(0.005)  # as a message does that is costly to read
        return len(data)

    def remote_ping(self) -> None:
        self.order.append("ping")

    def remote_sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # the loop stands still, and all that is sent meanwhile is there when it goes on

    def remote_order(self) -> list[bytes]:
        return [each.encode() for each in self.order]


async def main() -> None:
    async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()


if IS_SPREAD:
    port = reactor.listenTCP(0, pb.PBServerFactory(Root()), interface="127.0.0.1")  # type: ignore[attr-defined]
    print("listening on", port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]
else:
    asyncio.run(main())
