"""
A program of Twisted's API that reads streams by their methods, and serves some: ``stream_peer.py MODULE [PORT]``.

``MODULE`` is ``twisted.spread`` or ``likewise.spread``. With a port it is a client of our server there, prints what it
read and ends; without one it serves, prints ``listening on PORT``, and what ended.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import sys
from typing import Any

from twisted.internet import defer, endpoints, reactor, task

pb: Any = importlib.import_module(f"{sys.argv[1]}.pb")


def say(*words: object) -> None:
    print(*words, flush=True)


@defer.inlineCallbacks
def read_all(stream: Any, count: int) -> Any:
    """As docs/protocol.md has it: ask until there are no more items."""
    items: list[Any] = []
    while True:
        some = yield stream.callRemote("next", count)
        if not some:
            return items
        items += some


class Numbers(pb.Referenceable):
    """A stream, made by hand: what a Twisted program serves."""

    def __init__(self, count: int) -> None:
        self.numbers = iter(range(count))

    def remote_next(self, count: int) -> Any:
        return task.deferLater(reactor, 0, lambda: list(itertools.islice(self.numbers, count)))

    def remote_close(self) -> None:
        say("closed")


class Root(pb.Root):
    def remote_numbers(self, count: int) -> Any:
        return Numbers(count)

    def remote_generator(self, count: int) -> Any:
        """Of likewise.spread alone."""

        async def numbers() -> Any:
            try:
                for number in range(count):
                    yield number
                    if not number % 100:
                        await task.deferLater(reactor, 0, lambda: None)
            finally:
                say("ended")

        return numbers()

    def remote_failing(self) -> Any:
        async def numbers() -> Any:
            yield 1
            raise pb.Error("as asked")

        return numbers()

    async def remote_read(self, stream: Any) -> Any:
        """By ``likewise.Stream``."""
        import likewise

        return [item async for item in likewise.Stream(stream)]

    @defer.inlineCallbacks
    def remote_sum(self, stream: Any, count: int) -> Any:
        items = yield read_all(stream, count)
        return sum(items)

    def remote_collect(self) -> None:
        """What a failure holds goes."""
        gc.collect()

    def remote_drop(self, stream: Any) -> None:
        say("dropped")


@defer.inlineCallbacks
def be_client(port: int) -> Any:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    root = yield factory.getRootObject()
    stream = yield root.callRemote("numbers", 1_000)
    items = yield read_all(stream, 64)
    say("read", items == list(range(1_000)))
    stream = yield root.callRemote("numbers", 1_000)
    several = yield defer.gatherResults([stream.callRemote("next", 10) for _ in range(5)])
    say("in order", list(itertools.chain.from_iterable(several)) == list(range(50)))
    closed = yield stream.callRemote("close")
    after = yield stream.callRemote("next", 10)
    say("closed", closed, after)
    stream = yield root.callRemote("failing")
    first = yield stream.callRemote("next", 10)
    try:
        yield stream.callRemote("next", 10)
    except Exception as error:
        say("failed", first, error)
    try:
        yield stream.callRemote("next", -1)
    except Exception as error:
        say("refused", error)
    kept = yield root.callRemote("numbers", 10**9)
    some = yield kept.callRemote("next", 10**9)
    say("bounded", some == list(range(len(some))) and 1 <= len(some) <= 1_000)
    del kept
    yield root.callRemote("wait_for_ends", 3)
    say("ended")
    reactor.stop()


def main() -> None:
    if len(sys.argv) > 2:
        be_client(int(sys.argv[2])).addErrback(lambda failed: (say("FAILED", failed), reactor.stop()))
    else:
        listening = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(pb.PBServerFactory(Root()))
        listening.addCallback(lambda port: say("listening on", port.getHost().port))
    reactor.run()


main()
