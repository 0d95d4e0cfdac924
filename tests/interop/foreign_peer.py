"""
A program of Twisted's API with objects of a foreign type: ``foreign_peer.py MODULE [PORT]``.

``MODULE`` is ``twisted.spread`` or ``likewise.spread``. With a port it is a client of our server there; without one it
serves and prints ``listening on PORT``. It takes ``ipaddress.IPv4Address`` by a factory and ``tests.Money`` as a RemoteCopy.
Of likewise.spread alone both go out as what they are, once they are adopted; Twisted's sends a Copyable of that name.
"""

from __future__ import annotations

import importlib
import ipaddress
import sys
from typing import Any

from twisted.internet import defer, endpoints, reactor

pb: Any = importlib.import_module(f"{sys.argv[1]}.pb")
IS_OURS = sys.argv[1] == "likewise.spread"


class Address(pb.Copyable):
    """What stands for an IPv4Address in Twisted's own program."""

    def __init__(self, text: str) -> None:
        self.text = text

    def getTypeToCopy(self) -> bytes:
        return b"ipaddress.IPv4Address"

    def getStateToCopy(self) -> Any:
        return self.text


class Money(pb.RemoteCopy):
    """Its state is a dictionary."""


if IS_OURS:
    import likewise

    likewise.adopt(ipaddress.IPv4Address, to_state=str, from_state=ipaddress.IPv4Address)
    make: Any = ipaddress.IPv4Address
else:
    pb.setUnjellyableFactoryForClass("ipaddress.IPv4Address", ipaddress.IPv4Address)
    make = Address
pb.setUnjellyableForClass("tests.Money", Money)


def say(*words: object) -> None:
    print(*words, flush=True)


class Root(pb.Root):
    def remote_describe(self, value: Any) -> str:
        return f"{type(value).__name__} {value}"

    def remote_cents(self, money: Any) -> int:
        return int(money.cents)

    def remote_give(self) -> Any:
        return [make("10.0.0.7")]

    def remote_give_wrong(self) -> Any:
        return Address("no address")


@defer.inlineCallbacks
def be_client(port: int) -> Any:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    root = yield factory.getRootObject()
    say("described", (yield root.callRemote("describe", make("10.0.0.9"))))
    say("got", (yield root.callRemote("give")))
    try:
        yield root.callRemote("describe", Address("no address"))
    except Exception as error:
        say("refused", "from_state of ipaddress.IPv4Address refuses the state" in str(error))
    say("again", (yield root.callRemote("describe", 3)))
    reactor.stop()


def main() -> None:
    if len(sys.argv) > 2:
        be_client(int(sys.argv[2])).addErrback(lambda failed: (say("FAILED", failed), reactor.stop()))
    else:
        listening = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(Root()))
        listening.addCallback(lambda port: say("listening on", port.getHost().port))
    reactor.run()


main()
