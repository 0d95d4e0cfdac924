"""What depends on who asks is kept by who asks: one Cacheable under two perspectives of one line is two mirrors."""

from __future__ import annotations

import gc
from typing import Any

import likewise
from likewise.testing import Pair


class Live(likewise.Cacheable):
    """Its state depends on who asks."""

    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
        self.observers.add(observer)
        return {"seen_by": perspective, "secret": 42 if perspective == "root" else None}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)


class LiveCache(likewise.RemoteCache):
    seen_by: str | None
    secret: int | None
    news: Any = None

    def observe_tell(self, news: Any) -> None:
        self.news = news


class Room(likewise.Viewable):
    def __init__(self) -> None:
        self.live = Live()

    def view_live(self, perspective: Any) -> Live:
        return self.live

    def view_is_home(self, perspective: Any, live: Any) -> bool:
        return live is self.live


class Root(likewise.Root):
    def __init__(self) -> None:
        self.room = Room()

    def remote_enter(self, name: str) -> Any:
        return likewise.ViewPoint(name, self.room)

    def remote_live(self) -> Live:
        return self.room.live


def joined() -> tuple[Root, Pair]:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Live, LiveCache)
    root = Root()
    return root, Pair(root, accept=registry)


def ask(pair: Pair, reference: Any, name: str, *args: Any) -> Any:
    result = reference.callRemote(name, *args)
    pair.run()
    if result.error is not None:
        raise result.error
    return result.value


def test_what_was_computed_for_one_perspective_does_not_reach_another_of_the_same_line() -> None:
    root, pair = joined()
    mirrors = {}
    for name in ("root", "bob"):
        view = ask(pair, pair.client.root, "enter", name)
        mirrors[name] = ask(pair, view, "live")
        assert ask(pair, view, "live") is mirrors[name], "asked again it is the mirror that is here"
    mirrors[None] = ask(pair, pair.client.root, "live")
    assert {name: (each.seen_by, each.secret) for name, each in mirrors.items()} == {
        "root": ("root", 42),
        "bob": ("bob", None),
        None: (None, None),
    }
    assert len({id(each) for each in mirrors.values()}) == len(root.room.live.observers) == 3


def test_a_name_is_the_same_perspective_however_often_it_arrives() -> None:
    root, pair = joined()
    views = [ask(pair, pair.client.root, "enter", "b" + each) for each in ("ob", "ob", "en")]
    mirrors = [ask(pair, view, "live") for view in views]
    assert mirrors[0] is mirrors[1] is not mirrors[2]
    assert len(root.room.live.observers) == 2


def test_sent_home_every_mirror_is_the_original() -> None:
    _, pair = joined()
    for name in ("root", "bob"):
        view = ask(pair, pair.client.root, "enter", name)
        mirror = ask(pair, view, "live")
        assert ask(pair, view, "is_home", mirror) is True
        other = ask(pair, pair.client.root, "enter", "somebody else")
        assert ask(pair, other, "is_home", mirror) is True


def test_each_perspective_is_told_and_let_go_of_by_itself() -> None:
    root, pair = joined()
    views = [ask(pair, pair.client.root, "enter", name) for name in ("root", "bob")]
    mirrors = [ask(pair, view, "live") for view in views]
    root.room.live.observers.callRemote("tell", "to all")
    pair.run()
    assert [each.news for each in mirrors] == ["to all", "to all"]
    (bob,) = [each for each in root.room.live.observers if each.perspective == "bob"]
    bob.callRemoteOnly("tell", "to bob")
    pair.run()
    assert [each.news for each in mirrors] == ["to all", "to bob"]
    del mirrors[0]
    gc.collect()
    pair.collect()
    assert list(root.room.live.observers) == [bob] and bob.is_observing
    again = ask(pair, views[0], "live")
    assert (again.seen_by, again.secret, again.news) == ("root", 42, None)
    del mirrors, again
    gc.collect()
    pair.collect()
    assert len(root.room.live.observers) == 0 and pair.server.sizes["observed"] == pair.client.sizes["mirrors"] == 0


def test_a_name_that_a_peer_has_is_one_reference_as_long_as_it_is_held() -> None:
    _, pair = joined()
    root = pair.client.root
    assert pair.client.root is root
    assert pair.client.broker.remote("other") is not root
    number = id(root)
    del root
    gc.collect()
    assert pair.client.root.luid == b"root" and number
