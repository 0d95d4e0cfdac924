"""As ``tests/test_counting_bomb.py``, through all that a peer of likewise.spread can send to."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer

from likewise.spread import pb, publish, util
from tests.counting import Counting, asked

from .ends import Logged, Pair


class Bomb(Counting, pb.Copyable, pb.RemoteCopy):
    more: Any = None


class Hooked(pb.Copyable, pb.RemoteCopy):
    what: Any = None

    def setCopyableState(self, state: Any) -> None:
        raise pb.Error(state["what"])


class Told(pb.Copyable, pb.RemoteCopy, pb.Error):
    what: Any = None


class Room(pb.Cacheable):
    def __init__(self) -> None:
        self.what = Bomb()
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"what": self.what}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class RoomMirror(pb.RemoteCache):
    what: Any

    def observe_set(self, what: Any) -> None:
        self.what = what

    def observe_break(self, what: Any) -> None:
        raise ValueError(what)


class Shelf(publish.Publishable):
    def __init__(self, name: Any, state: Any) -> None:
        super().__init__(name)
        self.state = state

    def getStateToPublish(self) -> Any:
        return self.state


class ShelfMirror(publish.RemotePublished):
    books: Any


for sent, received in ((Bomb, Bomb), (Hooked, Hooked), (Told, Told), (Room, RoomMirror), (Shelf, ShelfMirror)):
    pb.setUnjellyableForClass(sent, received)


class Raw(pb.Referenceable):
    """Takes the way of a class that reads its arguments itself."""

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        return pb.Referenceable.remoteMessageReceived(self, broker, message, args, kw)

    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_one(self) -> None:
        raise AssertionError


class Root(pb.Root):
    def __init__(self) -> None:
        self.room = Room()
        self.waiting: list[defer.Deferred[Any]] = []

    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_take(self, *args: Any, **kw: Any) -> None:
        pass

    def remote_one(self) -> None:
        raise AssertionError

    def remote_raise(self, value: Any) -> None:
        raise ValueError(value)

    def remote_refuse(self, value: Any) -> None:
        raise pb.Error(value)

    def remote_fail_later(self, value: Any) -> Any:
        return defer.fail(RuntimeError("around", [value]))

    def remote_told(self, value: Any) -> None:
        error = Told()
        error.what = value
        raise error

    def remote_unsendable(self, value: Any) -> Any:
        return {"x": [value, {"y": object()}], "z": value}

    def remote_wait(self, value: Any) -> Any:
        self.waiting.append(defer.Deferred())
        return self.waiting[-1].addCallback(lambda _: value)

    def remote_room(self) -> Room:
        return self.room

    def remote_raw(self) -> Raw:
        return Raw()

    def remote_shelf(self, name: Any, state: Any) -> Shelf:
        return Shelf(name, state)

    def remote_pages(self, collector: Any, value: Any) -> None:
        collector.callRemoteOnly("gotPage", value)
        collector.callRemoteOnly("endedPaging")


Through = Callable[[Pair, Any], object]


def every_place(pair: Pair, bomb: Any) -> None:
    pair.ask("take", bomb, [bomb], (bomb, bomb), {"key": bomb}, named=bomb)
    assert type(pair.ask("echo", bomb)) is Bomb and type(pair.ask("echo", [bomb])[0]) is Bomb
    raw = pair.ask("raw")
    assert type(pair.result(raw.callRemote("echo", bomb))) is Bomb


def calls_that_fail(pair: Pair, bomb: Any) -> None:
    raw = pair.ask("raw")
    for name in ("noSuch", "one", "unsendable"):
        pair.ask(name, bomb)
        pair.root.callRemoteOnly(name, bomb, named=bomb)
        pair.carry()
    pair.result(raw.callRemote("one", bomb))
    pair.result(raw.callRemote("one", named=bomb))
    pair.client.remoteForName("nobody").callRemoteOnly("any", bomb)
    pair.ask("take", [bomb, object()])
    pair.ask("told", bomb)


def mirrors(pair: Pair, bomb: Any) -> None:
    mirror, served = pair.ask("room"), pair.server_factory.root
    observer = served.room.observers[0]
    for name in ("set", "noSuch"):
        pair.result(observer.callRemote(name, [bomb]))
    pair.ask("take", mirror)
    assert type(mirror.what[0]) is Bomb
    del mirror
    pair.collect()


def published(pair: Pair, bomb: Any) -> None:
    for _ in range(2):
        shelf = pair.ask("shelf", "name", {"books": [bomb]})
        assert shelf.isActivated and type(shelf.books[0]) is Bomb
    assert pair.ask("shelf", bomb, {}).check("twisted.spread.jelly.InsecureJelly")
    for state in (bomb, {"_listeners": bomb}):
        assert not pair.ask("shelf", "another", state).isActivated


def pages(pair: Pair, bomb: Any) -> None:
    got: list[Any] = []
    util.getAllPages(pair.root, "pages", [bomb]).addCallback(got.extend)
    pair.carry()
    assert type(got[0][0]) is Bomb


def ends_of_waiting(pair: Pair, bomb: Any) -> None:
    forgotten = pair.root.callRemote("wait", bomb)
    told = pair.root.callRemote("told", bomb)
    pair.carry()
    del forgotten, told
    gc.collect()
    pair.root.callRemoteOnly("take", bomb)
    pair.lose()


ALL = [every_place, calls_that_fail, mirrors, published, pages, ends_of_waiting]


@pytest.mark.parametrize("through", ALL, ids=lambda f: f.__name__)
def test_nothing_asks_it(through: Through, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked.clear()
    with Logged() as logged:
        through(Pair(Root()), Bomb())
        texts = [*logged.lines, *(each.getTraceback() for each in logged.errors)]
    assert not asked, (dict(asked), texts)


RAISING = ["raise", "refuse", "fail_later"]


@pytest.mark.parametrize("name", RAISING)
def test_an_error_made_of_it_asks_it_for_its_text_a_few_times(name: str) -> None:
    asked.clear()
    with Logged() as logged:
        Pair(Root()).ask(name, Bomb())
        for each in logged.errors:
            each.getTraceback()
    assert set(asked) <= {"__repr__", "__str__"} and asked.total() <= 8, dict(asked)


@pytest.mark.parametrize("name", RAISING)
def test_an_error_made_of_it_and_of_what_has_no_end_asks_it_nothing(name: str) -> None:
    bomb = Bomb()
    bomb.more = [Bomb()]
    for _ in range(40):
        bomb.more = [bomb.more, bomb.more]
    asked.clear()
    with Logged() as logged:
        failed = Pair(Root()).ask(name, bomb)
        for each in logged.errors:
            each.getTraceback()
        repr(failed)
    assert not asked, dict(asked)
