"""The objects and the shorthand of the broker's tests."""

from __future__ import annotations

from typing import Any

import likewise
from likewise.testing import Pair
from tests import sexp


class Thing(likewise.Referenceable):
    def remote_ping(self) -> str:
        return "pong"


class Pond(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()
        self.stopped: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
        self.observers.add(observer)
        return {"seen": []}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.discard(observer)
        self.stopped.append(observer)


class PondCache(likewise.RemoteCache):
    seen: list[Any]

    def observe_see(self, value: Any) -> None:
        self.seen.append(value)


class Calling(likewise.Copyable):
    """Its hook makes a call of its own while the message it is in is being written."""

    def __init__(self, call: Any, *, fails: bool = False) -> None:
        self.call = call
        self.fails = fails

    def getStateToCopyFor(self, perspective: Any) -> Any:
        self.call()
        return {"lock": object()} if self.fails else {"ok": True}


class CallingCopy(likewise.RemoteCopy):
    ok: bool


class Root(likewise.Root):
    def __init__(self) -> None:
        self.pond = Pond()
        self.heard: list[Any] = []
        self.kept: Any = None

    def remote_echo(self, value: Any = None) -> Any:
        return value

    def remote_note(self, value: Any) -> None:
        self.heard.append(value)

    def remote_keep(self, value: Any) -> None:
        self.kept = value

    def remote_things(self, count: int) -> list[Thing]:
        return [Thing() for _ in range(count)]

    def remote_pond(self) -> Pond:
        return self.pond

    def remote_new_pond(self) -> Pond:
        return Pond()


def registry() -> likewise.Registry:
    result = likewise.Registry()
    result.setUnjellyableForClass(Pond, PondCache)
    result.setUnjellyableForClass(Calling, CallingCopy)
    return result


def pair(**changes: Any) -> Pair:
    return Pair(Root(), accept=registry(), **changes)


def answer(pair: Pair, method: str, *args: Any, **kwargs: Any) -> Any:
    result = pair.client.root.callRemote(method, *args, **kwargs)
    pair.run()
    assert result.is_settled
    if result.error is not None:
        raise result.error
    return result.value


def told(pair: Pair, *expression: Any) -> None:
    """The server gets this message, whatever an honest client would say."""
    pair.server.take(sexp.encode(list(expression), "pb"))
    pair.run()
