"""
Requests for a root object where nobody serves, then where somebody does: a line for each, by a real reactor.

``python -m tests.spread.root_requests``
"""

from __future__ import annotations

from typing import Any

from twisted.internet import defer, endpoints, protocol, reactor, task

from likewise.spread import factories, pb

factories.RECONNECT_SECONDS = 0.2


class Reconnecting(pb.PBClientFactory, protocol.ReconnectingClientFactory):
    """Connects again by itself, some time."""

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Nothing yet."""


@defer.inlineCallbacks
def main(_: Any) -> Any:
    port = yield endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(pb.Root()))
    number = port.getHost().port
    yield port.stopListening()
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", number, factory)
    for name in ("first", "second", "third"):
        try:
            yield factory.getRootObject()
        except Exception as error:
            print(name, type(error).__name__, flush=True)
    waiting = factory.getRootObject()  # and now somebody serves, and connects
    port = yield endpoints.TCP4ServerEndpoint(reactor, number, interface="127.0.0.1").listen(pb.PBServerFactory(pb.Root()))
    reactor.connectTCP("127.0.0.1", number, factory)
    root = yield waiting
    print("fourth", type(root).__name__, flush=True)
    other = Reconnecting()
    other._ended = "why"
    patient = other.getRootObject()
    yield task.deferLater(reactor, 0.5)
    print("reconnecting", patient.called, flush=True)
    factory.disconnect()
    yield port.stopListening()


if __name__ == "__main__":
    task.react(main)
