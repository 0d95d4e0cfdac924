"""
A server for peers that do not read, or do not speak: ``flow_server.py LIMITS [CERTIFICATE KEY]``.

The limits are JSON. It says the port it listens on twice, the second time that with TLS if there is a certificate.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet import defer, reactor
from twisted.python import log

import likewise
from likewise.spread import pb, util

log.startLogging(sys.stderr, setStdout=False)
ended: list[str] = []
brokers: list[pb.Broker] = []


def peak() -> int:
    """KiB of memory at the most so far; 0 where the system does not tell. (getrusage begins with the parent's.)"""
    status = Path("/proc/self/status")
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) if status.exists() else 0


class Broker(pb.Broker):
    limits = likewise.Limits(**json.loads(sys.argv[1]))

    def connectionMade(self) -> None:
        super().connectionMade()
        if "TLS" in type(self.transport).__name__:
            brokers.append(self)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        ended.append(f"{type(self.core.reason).__name__}: {self.core.reason}")


class Factory(pb.PBServerFactory):
    protocol = Broker


class Root(pb.Root):
    def __init__(self) -> None:
        self.calls = 0
        self.waiting: list[defer.Deferred[None]] = []
        self.told: Any = None

    def remote_blob(self, size: int) -> bytes:
        self.calls += 1
        return bytes(size)

    def remote_wait(self) -> defer.Deferred[None]:
        self.waiting.append(defer.Deferred())
        return self.waiting[-1]

    def remote_let_go(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)

    def remote_listen(self, told: Any) -> None:
        self.told = told

    def remote_tell(self, count: int, size: int) -> None:
        for _ in range(count):
            try:
                self.told.callRemoteOnly("hear", bytes(size))
            except pb.DeadReferenceError:
                return

    def remote_pages(self, collector: Any, size: int) -> None:
        util.StringPager(collector, bytes(size), 60_000)

    def remote_hang_up(self) -> None:
        for each in brokers:
            each.transport.loseConnection()

    def remote_end_all(self) -> None:
        for each in brokers:
            each.transport.abortConnection()

    def remote_fail(self) -> None:
        raise ValueError("as often as you like")

    def remote_state(self) -> dict[str, Any]:
        return {"calls": self.calls, "waiting": len(self.waiting), "ended": list(ended), "peak": peak()}


factory = Factory(Root())
port = reactor.listenTCP(0, factory, interface="127.0.0.1")
print("listening on", port.getHost().port, flush=True)
if len(sys.argv) > 2:
    from twisted.internet import ssl

    context = ssl.DefaultOpenSSLContextFactory(sys.argv[3], sys.argv[2])
    port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
print("listening on", port.getHost().port, flush=True)
reactor.run()
