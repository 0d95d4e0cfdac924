"""A real Twisted client that logs in: ``twisted_login.py PORT``; what it saw, a line each."""

from __future__ import annotations

import sys
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet import defer, reactor
from twisted.spread import pb


class Mind(pb.Referenceable):  # type: ignore[misc]
    def __init__(self) -> None:
        self.welcomed: defer.Deferred[Any] = defer.Deferred()

    def remote_welcome(self, user: Any) -> None:
        self.welcomed.callback(user)


def refused(kind: type[Exception]) -> Any:
    """An errback that says which of Twisted's errors it was."""

    def note(failure: Any) -> None:
        is_it = kind.__name__ if failure.check(kind) else f"no {kind.__name__}"
        print("refused", is_it, failure.type.decode(), failure.getErrorMessage())

    return note


async def run(port: int) -> None:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    await factory.login(UsernamePassword(b"alice", b"guess")).addErrback(refused(UnauthorizedLogin))
    await factory.login(UsernamePassword(b"nobody", b"sesame")).addErrback(refused(LoginFailed))
    await factory.login(Anonymous()).addErrback(refused(LoginFailed))
    mind = Mind()
    avatar = await factory.login(UsernamePassword(b"alice", b"sesame"), mind)
    print("who", await avatar.callRemote("who"), await mind.welcomed)
    await factory.login(UsernamePassword("bob", b"guess")).addErrback(refused(UnauthorizedLogin))
    print("who", await avatar.callRemote("who"))
    factory.disconnect()


def main() -> None:
    reactor.callLater(20, reactor.stop)
    done = defer.ensureDeferred(run(int(sys.argv[1])))
    done.addErrback(lambda failure: print("failed", failure.getErrorMessage()))
    done.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
