"""
A real Twisted client of ``target.py``: ``twisted_guest.py ROOTPORT PORTALPORT``; what it saw, as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.internet import defer, reactor
from twisted.python import log
from twisted.spread import pb


class Copy(pb.Copyable, pb.RemoteCopy):  # type: ignore[misc]
    """``hostile.Copy``, both ways."""

    def getTypeToCopyFor(self, perspective: Any) -> bytes:
        return b"hostile.Copy"


class Mirror(pb.RemoteCache):  # type: ignore[misc]
    """``hostile.Pond``, coming in."""


class Pond(pb.Cacheable):  # type: ignore[misc]
    """``hostile.Pond``, going out."""

    observers = 0

    def getTypeToCopyFor(self, perspective: Any) -> bytes:
        return b"hostile.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        self.observers += 1
        return {"ducks": 7}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers -= 1


pb.setUnjellyableForClass("hostile.Copy", Copy)
pb.setUnjellyableForClass("hostile.Pond", Mirror)


def told(failure: Any) -> str:
    """The class of an error, as it crossed."""
    kind = failure.type
    return f"error {kind.decode() if isinstance(kind, bytes) else kind.__module__ + '.' + kind.__name__}"


async def at_the_root(port: int) -> dict[str, Any]:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    root = await factory.getRootObject()

    def ask(name: str, *args: Any, **kw: Any) -> Any:
        return root.callRemote(name, *args, **kw).addErrback(told)

    seen: dict[str, Any] = {"ping": await ask("ping")}
    seen["echo"] = [await ask("echo", x) for x in (1, "two", b"3".hex(), [4.5, None, True], {"k": -(2**70)})]
    seen["one"] = [await ask("one", x) for x in (0, "x", [])]
    first, second = await ask("thing"), await ask("thing")
    seen["thing"] = [isinstance(first, pb.RemoteReference), first != second]
    pond, again = await ask("pond"), await ask("pond")
    seen["pond"] = [isinstance(pond, Mirror), pond.__dict__ is again.__dict__]  # each a proxy of one mirror, in Twisted
    seen["kw"] = await ask("kw", a=1, b="two")
    seen["forbidden"] = [await ask(name) for name in ("_private", "attr", "__init__", "remote_ping", "no_such")]
    copy = Copy()
    copy.state = {"a": [1, 2]}
    back = await ask("echo", copy)
    seen["copy"] = [isinstance(back, Copy), back.__dict__]
    mine = Pond()
    seen["sent pond"] = [await ask("echo", mine) is mine, await ask("one", mine)]
    seen["wrong arguments"] = await ask("ping", 1)
    seen["canary"] = await ask("canary")
    factory.disconnect()
    return seen


async def at_the_portal(port: int) -> dict[str, Any]:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    seen: dict[str, Any] = {}
    for name, user, password in (("wrong", b"alice", b"guess"), ("unknown", b"bob", b"sesame")):
        seen[name] = await factory.login(UsernamePassword(user, password)).addErrback(told)
    avatar = await factory.login(UsernamePassword(b"alice", b"sesame"))
    seen["ping"] = await avatar.callRemote("ping")
    seen["private"] = await avatar.callRemote("_private").addErrback(told)
    factory.disconnect()
    return seen


async def main(root_port: int, portal_port: int) -> None:
    print(json.dumps({"root": await at_the_root(root_port), "portal": await at_the_portal(portal_port)}), flush=True)


if __name__ == "__main__":
    log.startLoggingWithObserver(lambda event: None, setStdout=False)
    reactor.callLater(20, reactor.stop)
    done = defer.ensureDeferred(main(*map(int, sys.argv[1:3])))
    done.addErrback(lambda failure: print(failure.getTraceback()))
    done.addBoth(lambda _: reactor.stop())
    reactor.run()
