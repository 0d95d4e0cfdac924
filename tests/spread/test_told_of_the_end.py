"""Everybody who asked is told of a connection's beginning and end, whatever another of them raises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import pb
from tests.spread.ends import Logged, Pair

KINDS = [ValueError, asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit]


class Root(pb.Root):
    def remote_thing(self) -> Any:
        return Thing()

    def remote_watch(self, thing: Any) -> Any:
        self.pond = thing


class Thing(pb.Referenceable):
    pass


def raising(kind: type[BaseException]) -> Any:
    def callback(*args: Any) -> None:
        raise kind("on purpose")

    return callback


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_callbacks_of_a_reference_are_told(kind: type[BaseException]) -> None:
    pair = Pair(Root())
    reference = pair.ask("thing")
    told: list[Any] = []
    for callback in (told.append, raising(kind), told.append):
        reference.notifyOnDisconnect(callback)
    pair.client.notifyOnDisconnect(lambda: told.append("broker"))
    with Logged() as logged:
        pair.lose()
        reference.notifyOnDisconnect(raising(kind))
        reference.notifyOnDisconnect(told.append)
    assert told == [reference, reference, "broker", reference]
    assert logged.types() == [kind.__name__] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_callbacks_of_a_connection_are_told(kind: type[BaseException]) -> None:
    told: list[str] = []
    pair = Pair(Root())
    for callback in (raising(kind), lambda: told.append("end")):
        pair.client.notifyOnDisconnect(callback)
    with Logged() as logged:
        pair.lose()
        for callback in (raising(kind), lambda: told.append("late")):
            pair.client.notifyOnDisconnect(callback)
        broker = pb.PBClientFactory().buildProtocol(None)
        for callback in (raising(kind), lambda: told.append("failed")):
            broker.notifyOnFail(callback)
        broker.connectionFailed()
    assert told == ["end", "late", "failed"] and logged.types() == [kind.__name__] * 3


class Pond(pb.Cacheable):
    def __init__(self, kind: type[BaseException] | None, told: list[Any]) -> None:
        self.kind = kind
        self.told = told

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.told.append(self)
        if self.kind is not None:
            raise self.kind("on purpose")


class PondMirror(pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Pond, PondMirror)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_cacheables_are_told(kind: type[BaseException]) -> None:
    told: list[Any] = []
    ponds = [Pond(None, told), Pond(kind, told), Pond(None, told)]

    class Gives(pb.Root):
        def remote_give(self, i: int) -> Any:
            return ponds[i]

    pair = Pair(Gives())
    kept = [pair.ask("give", i) for i in range(3)]
    pair.server.notifyOnDisconnect(lambda: told.append("broker"))
    with Logged() as logged:
        pair.lose()
    assert told == [*ponds, "broker"] and logged.types() == [kind.__name__] and len(kept) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_pagers_go_on(kind: type[BaseException]) -> None:
    sent: list[str] = []

    class Pager:
        def __init__(self, name: str, kind: type[BaseException] | None) -> None:
            self.name, self.kind, self.left = name, kind, 2

        def sendNextPage(self) -> None:
            if self.kind is not None:
                raise self.kind("on purpose")
            self.left -= 1
            sent.append(self.name)

        def stillPaging(self) -> bool:
            return self.left > 0

    pair = Pair(Root())
    for pager in (Pager("a", None), Pager("b", kind), Pager("c", None)):
        pair.client.registerPageProducer(pager)
    with Logged() as logged:
        pair.client.resumeProducing()
        pair.client.resumeProducing()
    assert sorted(sent) == ["a", "a", "c", "c"] and logged.types() == [kind.__name__]
