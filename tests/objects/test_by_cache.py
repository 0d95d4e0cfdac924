"""A mirror is filled once, told of every change, and let go of; its observer outlives nothing."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest

import likewise
from likewise.errors import ConnectionClosed, NoSuchMethod, NotSendable
from likewise.jelly.encoder import Encoder
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1


class Pond(likewise.Cacheable):
    def __init__(self, frogs: int) -> None:
        self.frogs = frogs
        self.watching: list[likewise.RemoteCacheObserver] = []
        self.stopped: list[likewise.RemoteCacheObserver] = []

    def getStateToCopy(self) -> Any:
        return {"frogs": self.frogs}

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
        self.watching.append(observer)
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        super().stoppedObserving(perspective, observer)
        self.watching.remove(observer)
        self.stopped.append(observer)


class PondCache(likewise.RemoteCache):
    frogs: int

    def observe_set(self, frogs: int) -> int:
        before, self.frogs = self.frogs, frogs
        return before

    def other(self) -> None:
        raise AssertionError("no prefix: out of reach")


class Service(likewise.Root):
    def __init__(self) -> None:
        self.pond = Pond(3)

    def remote_pond(self) -> Pond:
        return self.pond

    def remote_is_home(self, pond: Any) -> bool:
        return pond is self.pond


def joined() -> tuple[Service, Pair]:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Pond, PondCache)
    service = Service()
    return service, Pair(service, accept=registry)


def ask(pair: Pair, reference: Any, name: str, *args: Any) -> Any:
    result = reference.callRemote(name, *args)
    pair.run()
    assert result.is_settled
    if result.error is not None:
        raise result.error
    return result.value


def test_a_mirror_is_the_same_object_each_time_and_home_it_is_the_original() -> None:
    service, pair = joined()
    pond = ask(pair, pair.client.root, "pond")
    assert type(pond) is PondCache and pond.frogs == 3
    assert ask(pair, pair.client.root, "pond") is pond
    assert len(service.pond.watching) == 1
    assert ask(pair, pair.client.root, "is_home", pond) is True


def test_changes_reach_the_mirror_and_answers_come_back() -> None:
    service, pair = joined()
    pond = ask(pair, pair.client.root, "pond")
    (observer,) = service.pond.watching
    assert observer.connection is pair.server and observer.is_observing and observer.cached is service.pond
    assert repr(observer) == "<RemoteCacheObserver of Pond, observing>"
    assert ask(pair, observer, "set", 8) == 3 and pond.frogs == 8
    assert observer.callRemoteOnly("set", 9) is None
    pair.run()
    assert pond.frogs == 9 and not pair.server.broker.unanswered
    for name in ("other", "missing"):
        with pytest.raises(NoSuchMethod, match=f"observe_{name}"):
            ask(pair, observer, name)
    with pytest.raises(NotSendable):
        observer.callRemote("set", object())


def test_a_mirror_that_goes_stops_its_observer() -> None:
    service, pair = joined()
    pond = ask(pair, pair.client.root, "pond")
    (observer,) = service.pond.watching
    del pond
    pair.collect()
    assert service.pond.watching == [] and service.pond.stopped == [observer]
    assert not observer.is_observing and observer.connection is None and observer.connection_core is None
    assert repr(observer) == "<RemoteCacheObserver of Pond, stopped>"
    assert observer.callRemoteOnly("set", 1) is None
    late = observer.callRemote("set", 1)
    with pytest.raises(ConnectionClosed, match="stopped observing"):
        late.__await__().send(None)
    assert pair.server.sizes["observed"] == 0 and pair.client.sizes["mirrors"] == 0


def test_a_call_while_the_connection_goes_raises_nothing() -> None:
    results: list[Any] = []

    class Last(Pond):
        def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
            results.append((observer.is_observing, observer.callRemote("set", 0), observer.callRemoteOnly("set", 0)))

    registry = likewise.Registry()
    registry.setUnjellyableForClass(Last, PondCache)
    service = Service()
    service.pond = Last(1)
    pair = Pair(service, accept=registry)
    pond = ask(pair, pair.client.root, "pond")
    pair.cut()
    ((is_observing, result, nothing),) = results
    assert not is_observing and nothing is None
    assert isinstance(result.error, ConnectionClosed)
    assert not pair.server.reports and pond.frogs == 1


def test_an_observer_is_one_object_for_good() -> None:
    service, pair = joined()
    pond = ask(pair, pair.client.root, "pond")
    (observer,) = service.pond.watching
    assert copy.copy(observer) is observer and copy.deepcopy([observer])[0] is observer
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(observer)
    assert pond.frogs == 3


def test_a_copy_of_a_mirror_has_the_state_and_no_tie() -> None:
    service, pair = joined()
    pond = ask(pair, pair.client.root, "pond")
    twin = copy.copy(pond)
    again = pickle.loads(pickle.dumps(pond))
    service.pond.watching[0].callRemoteOnly("set", 50)
    pair.run()
    assert (pond.frogs, twin.frogs, again.frogs) == (50, 3, 3)
    with pytest.raises(NotSendable, match="another connection"):
        pair.client.root.callRemote("is_home", twin)
    del twin, again
    gc.collect()
    pair.collect()
    assert len(service.pond.watching) == 1, "the end of a copy is not the end of the mirror"


def test_where_no_connection_is_both_ends_are_written_as_plain_copies() -> None:
    service, pair = joined()
    mirror = ask(pair, pair.client.root, "pond")
    for value in (Pond(7), mirror):
        encoder = Encoder(None, None, 50, LIKEWISE_1)
        encoder.encode(value)
        written = b"".join(encoder.written())
        assert type(value).__name__.encode() in written and b"frogs" in written
    assert len(service.pond.watching) == 1, "nobody began to observe"


def test_a_cacheable_without_hooks_sends_its_attributes() -> None:
    class Plain(likewise.Cacheable):
        def __init__(self) -> None:
            self.frogs = 11

    registry = likewise.Registry()
    registry.setUnjellyableForClass(Plain, PondCache)
    service = Service()
    service.pond = Plain()  # type: ignore[assignment]
    pair = Pair(service, accept=registry)
    pond = ask(pair, pair.client.root, "pond")
    assert pond.frogs == 11
    pair.cut()
    assert not pair.server.reports, "forgetting an observer that was never kept is no error"
