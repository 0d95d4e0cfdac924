"""A server whose user ``alice`` has the password ``sesame``: ``guessed_server.py asyncio|spread md5|plain``."""

from __future__ import annotations

import asyncio
import sys
import warnings
from typing import Any

IS_SPREAD = sys.argv[1] == "spread"
if IS_SPREAD:
    from twisted.cred import checkers
    from twisted.cred.portal import IRealm, Portal
    from twisted.internet import reactor
    from zope.interface import implementer

    from likewise.spread import pb
import likewise  # noqa: E402  # a reactor is installed first

LIMITS = likewise.Limits.public()


class User(likewise.Avatar):
    def perspective_ping(self) -> str:
        return "pong"


def ways(way: str) -> dict[str, Any]:
    if way == "plain":  # hashed in a thread, and cheaply: it is not the hashing that is tried
        import argon2

        record = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("sesame")
        return {"passwords": likewise.Argon2Passwords({"alice": record})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is MD5
        return {"md5_for_twisted": {"alice": likewise.Login.md5_record("sesame")}}


async def serve(way: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        how = likewise.Login(lambda user, mind: User(), **ways(way))
    async with likewise.serve(None, "tcp://127.0.0.1:0", login=how, limits=LIMITS) as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()


def serve_spread() -> None:
    class Avatar(pb.Avatar):
        def perspective_ping(self) -> str:
            return "pong"

    @implementer(IRealm)
    class Realm:
        def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
            return pb.IPerspective, Avatar(), lambda: None

    class Broker(pb.Broker):
        limits = LIMITS

    class Factory(pb.PBServerFactory):
        protocol = Broker

    portal = Portal(Realm(), [checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")])
    port = reactor.listenTCP(0, Factory(portal), interface="127.0.0.1")  # type: ignore[attr-defined]
    print("listening on", port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


if IS_SPREAD:
    serve_spread()
else:
    asyncio.run(serve(sys.argv[2]))
