"""A server that takes any value: ``costly_server.py asyncio|spread default|public``, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

IS_SPREAD = sys.argv[1] == "spread"
if IS_SPREAD:
    from twisted.internet import reactor

    from likewise.spread import pb
import likewise  # noqa: E402  # a reactor is installed first

LIMITS = likewise.Limits.public() if sys.argv[2] == "public" else likewise.Limits()


class Root((pb if IS_SPREAD else likewise).Root):  # type: ignore[misc]
    def remote_one(self, x: Any) -> None:
        pass

    def remote_ping(self) -> None:
        pass


async def main() -> None:
    async with likewise.serve(Root(), "tcp://127.0.0.1:0", limits=LIMITS) as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()


if IS_SPREAD:

    class Broker(pb.Broker):
        limits = LIMITS

    class Factory(pb.PBServerFactory):
        protocol = Broker

    port = reactor.listenTCP(0, Factory(Root()), interface="127.0.0.1")  # type: ignore[attr-defined]
    print("listening on", port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]
else:
    asyncio.run(main())
