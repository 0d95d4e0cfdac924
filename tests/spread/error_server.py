"""
A server of ``likewise.spread`` that raises what it is asked for: ``python -m tests.spread.error_server``.

It prints ``READY <port>`` and leaves when its standard input closes.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from twisted.internet import defer, endpoints, reactor
from twisted.python import log

from likewise.spread import pb
from tests.raised import BASE, RAISED


class Root(pb.Root):
    def remote_fail(self, name: str) -> None:
        raise (RAISED.get(name) or BASE[name])()

    def remote_later(self, name: str) -> Any:
        return defer.succeed(name).addCallback(self.remote_fail)

    async def remote_fail_with(self, what: Any) -> Any:
        return await defer.fail(what)

    def remote_deferred(self, what: Any) -> Any:
        return defer.fail(what)

    async def remote_relay(self, behind: Any, name: str) -> Any:
        """What ``behind`` raises, by way of a coroutine."""
        return await behind.callRemote("fail", name)

    @defer.inlineCallbacks
    def remote_relay_by_generator(self, behind: Any, name: str) -> Any:
        return (yield behind.callRemote("fail", name))

    def remote_relay_by_deferred(self, behind: Any, name: str) -> Any:
        return behind.callRemote("fail", name)


def main() -> None:
    log.startLoggingWithObserver(lambda event: None, setStdout=False)  # what is raised here is raised on purpose

    def ready(port: Any) -> None:
        print(f"READY {port.getHost().port}", flush=True)
        threading.Thread(target=wait, daemon=True).start()

    def wait() -> None:
        sys.stdin.read()
        reactor.callFromThread(reactor.stop)

    endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(Root())).addCallback(ready)
    reactor.run()


if __name__ == "__main__":
    main()
