"""The same for likewise.spread: two views, and two logins, over one connection are two mirrors of one Cacheable."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from zope.interface import implementer

from likewise.spread import pb
from tests.spread.ends import Pair


class Live(pb.Cacheable):
    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        name = getattr(perspective, "name", perspective)
        return {"seen_by": name, "secret": 42 if name == "root" else None}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class LiveCache(pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Live, LiveCache)


class Room(pb.Viewable):
    def __init__(self) -> None:
        self.live = Live()

    def view_live(self, perspective: Any) -> Live:
        return self.live

    def view_is_home(self, perspective: Any, live: Any) -> bool:
        return live is self.live


class Root(pb.Root):
    def __init__(self) -> None:
        self.room = Room()

    def remote_enter(self, name: str) -> Any:
        return pb.ViewPoint(name, self.room)


class User(pb.Avatar):
    def __init__(self, name: str, room: Room) -> None:
        self.name, self.room = name, room

    def perspective_live(self) -> Live:
        return self.room.live

    def perspective_is_home(self, live: Any) -> bool:
        return live is self.room.live


@implementer(IRealm)
class Realm:
    def __init__(self) -> None:
        self.room = Room()

    def requestAvatar(self, name: Any, mind: Any, *interfaces: Any) -> Any:
        return pb.IPerspective, User(name.decode(), self.room), lambda: None


def test_two_views_of_one_line_are_two_mirrors() -> None:
    root = Root()
    pair = Pair(root)
    views = [pair.ask("enter", name) for name in ("root", "bob")]
    mirrors = [pair.result(view.callRemote("live")) for view in views]
    assert [(each.seen_by, each.secret) for each in mirrors] == [("root", 42), ("bob", None)]
    assert [pair.result(view.callRemote("live")) is each for view, each in zip(views, mirrors, strict=True)] == [True, True]
    assert all(pair.result(view.callRemote("is_home", each)) for view in views for each in mirrors)
    assert len(pair.server.remotelyCachedObjects) == 2 and len(pair.server.remotelyCachedLUIDs) == 1
    del mirrors
    pair.collect()
    assert root.room.live.observers == [] and not pair.server.remotelyCachedObjects


def test_two_logins_over_one_line_are_two_mirrors() -> None:
    realm = Realm()
    users = InMemoryUsernamePasswordDatabaseDontUse(root=b"x", bob=b"y")
    pair = Pair(None, server=pb.PBServerFactory(Portal(realm, [users])))
    avatars = []
    for name, password in ((b"root", b"x"), (b"bob", b"y")):
        avatars.append(pair.result(pair.client_factory.login(UsernamePassword(name, password))))
    mirrors = [pair.result(each.callRemote("live")) for each in avatars]
    assert [(each.seen_by, each.secret) for each in mirrors] == [("root", 42), ("bob", None)]
    assert all(pair.result(each.callRemote("is_home", mirror)) for each in avatars for mirror in mirrors)
    assert len(realm.room.live.observers) == 2
    pair.lose()
    assert realm.room.live.observers == []
