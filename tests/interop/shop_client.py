"""
A client that has a reactor: ``python -m tests.interop.shop_client MODULE PORT``.

MODULE is ``twisted.spread.pb`` or ``likewise.spread.pb``.

It prints a line for each call: what came, or the type and the text of the failure. That of ours makes typed calls.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from twisted.internet import defer, endpoints, reactor, task

from tests.interop import shop

pb: Any = importlib.import_module(sys.argv[1])


class Untyped:
    """The same calls, of a reference that knows of no interfaces."""

    def __init__(self, reference: Any) -> None:
        self.reference = reference

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.reference.callRemote(name, *args, **kwargs)


def shown(reference: Any) -> Any:
    return reference.typed(shop.Shop) if "likewise" in sys.argv[1] else Untyped(reference)


class Counts(pb.Referenceable):  # type: ignore[misc]
    def remote_add(self, number: int) -> int:
        return number + 10


async def main(_: Any) -> None:
    factory = pb.PBClientFactory()
    await endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(sys.argv[2])).connect(factory)
    root = shown(await factory.getRootObject())
    for call in (
        lambda: root.place({"tea": 2}, gift=True),
        lambda: root.place({"tea": "two"}),
        lambda: root.later("x"),
        lambda: root.wrong(),
        lambda: root.call_back(Counts()),
    ):
        waiting = call()
        assert isinstance(waiting, defer.Deferred), waiting
        try:
            print(await waiting, flush=True)
        except Exception as error:
            text = getattr(error, "message", None) or str(error)
            kind = getattr(error, "remoteType", type(error).__name__)
            print(kind, text.decode() if isinstance(text, bytes) else text, flush=True)
    counter = await root.counter()  # typed by the interface, or not
    counter = counter if "likewise" in sys.argv[1] else Untyped(counter)
    print(await counter.add(2), await counter.add(3), flush=True)
    factory.disconnect()


task.react(main)
