"""The same for likewise.spread, where Twisted logs whatever is raised and tells the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import pb
from tests.spread.ends import Logged, Pair

RAISED = [ValueError, asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit]


class Pond(pb.Cacheable):
    def __init__(self, kind: type[BaseException], stopped: list[Any]) -> None:
        self.kind, self.stopped = kind, stopped

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.stopped.append(observer)
        raise self.kind("as asked")


class PondCache(pb.RemoteCache):
    ended: list[Any] = []

    def mirror_ended(self, because: str) -> None:
        self.ended.append((self, because))


pb.setUnjellyableForClass(Pond, PondCache)


class Root(pb.Root):
    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind
        self.stopped: list[Any] = []

    def remote_pond(self) -> Pond:
        return Pond(self.kind, self.stopped)


@pytest.mark.parametrize("kind", RAISED)
def test_every_observer_and_callback_is_told_of_the_end(kind: type[BaseException]) -> None:
    root = Root(kind)
    pair = Pair(root)
    mirrors = [pair.ask("pond") for _ in range(3)]
    told: list[Any] = []

    def tell() -> None:
        told.append(len(root.stopped))
        raise kind("as asked")

    pair.server.notifyOnDisconnect(tell)
    pair.server.notifyOnDisconnect(tell)
    PondCache.ended.clear()
    with Logged() as logged:
        pair.lose()
    assert len(root.stopped) == 3 and told == [3, 3]
    assert len(logged.errors) >= 3 and not any(each.is_observing for each in root.stopped)
    assert [mirror for mirror, _ in PondCache.ended] == mirrors
    assert all(mirror.ended_because.startswith("the connection has ended") for mirror in mirrors)


def test_the_owner_ends_a_mirror_and_a_new_one_follows() -> None:
    class Quiet(Pond):
        def getTypeToCopy(self) -> bytes:
            return f"{Pond.__module__}.Pond".encode()

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            self.observer = observer
            return {}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            self.stopped.append(observer)

    root = Root(ValueError)
    quiet = Quiet(ValueError, root.stopped)
    root.remote_pond = lambda: quiet  # type: ignore[method-assign]
    pair = Pair(root)
    mirror = pair.ask("pond")
    first = quiet.observer
    first.end("why")
    assert root.stopped == [first] and not first.is_observing
    pair.carry()
    assert mirror.broker is None and mirror.ended_because == "the owner of the original has ended this mirror"
    again = pair.ask("pond")
    assert again is not mirror and again.broker is pair.client
    del mirror
    pair.collect()
    assert quiet.observer.is_observing and again.ended_because is None


def test_a_mirror_counts_the_changes_that_it_could_not_take() -> None:
    class Told(Pond):
        def getTypeToCopy(self) -> bytes:
            return f"{Pond.__module__}.Pond".encode()

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            self.observer = observer
            return {}

    root = Root(ValueError)
    pond = Told(ValueError, root.stopped)
    root.remote_pond = lambda: pond  # type: ignore[method-assign]
    pair = Pair(root)
    mirror = pair.ask("pond")
    with Logged() as logged:
        pond.observer.callRemoteOnly("missing")
        answered = pair.result(pond.observer.callRemote("missing"))
        pair.carry()
    assert mirror.failed_changes == 2 and pond.observer.failures == 1 and answered is not None
    assert len(logged.errors) >= 2
    assert pond.observer.queued_bytes == pair.server.queued_bytes == 0
