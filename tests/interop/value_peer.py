"""
A program of Twisted's API that is sent values which PB has no form for, and sends some: ``value_peer.py MODULE [PORT]``.

``MODULE`` is ``twisted.spread`` or ``likewise.spread``. With a port it is a client of our server there, prints what came of
its calls and ends; without one it serves, and prints ``listening on PORT``.
"""

from __future__ import annotations

import datetime
import enum
import fractions
import importlib
import sys
import uuid
from collections import namedtuple
from decimal import Decimal
from typing import Any

from twisted.internet import defer, endpoints, reactor, task

pb: Any = importlib.import_module(f"{sys.argv[1]}.pb")


class Colour(enum.Enum):
    RED = 1


Point = namedtuple("Point", "x y")
VALUES = {
    "uuid": uuid.UUID(int=5),
    "complex": 1j,
    "fraction": fractions.Fraction(1, 3),
    "bytearray": bytearray(b"x"),
    "enum": Colour.RED,
    "tuple": Point(1, 2),
    "exception": ValueError("x"),
    "zone": datetime.UTC,
}


def say(*words: object) -> None:
    print(*words, flush=True)


class Root(pb.Root):
    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_send(self, name: str) -> Any:
        return VALUES[name]


@defer.inlineCallbacks
def client(port: int) -> Any:
    factory = pb.PBClientFactory()
    endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)
    root = yield factory.getRootObject()
    for name, value in VALUES.items():
        kind = yield root.callRemote("kind", value)
        say(name, "arrives as", kind)
    for value in (datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC), Decimal("NaN")):
        try:
            yield root.callRemote("kind", value)
            say("sent")
        except Exception:
            say(type(value).__name__, "is refused")
    for name in VALUES:
        try:
            yield root.callRemote("send", name)
            say("got", name)
        except Exception as error:
            say(str(error))
    say((yield root.callRemote("kind", 1)))


def main(*_: Any) -> Any:
    if len(sys.argv) > 2:
        return client(int(sys.argv[2]))
    listening = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(Root()))
    listening.addCallback(lambda port: say("listening on", port.getHost().port))
    return defer.Deferred()


if __name__ == "__main__":
    task.react(main)
