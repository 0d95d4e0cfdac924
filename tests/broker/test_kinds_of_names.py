"""A method or a tag may be named by any kind of str or bytes, such as a member of an enum; on both builds alike."""

from __future__ import annotations

import enum
from typing import Any

import pytest

import likewise
from likewise.testing import Pair


class Name(enum.StrEnum):
    HIT = "hit"


class Text(str):
    pass


class Raw(bytes):
    pass


NAMES = ("hit", b"hit", Name.HIT, Text("hit"), Raw(b"hit"))


class Board(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.add(observer)
        return {}


class Mirror(likewise.RemoteCache):
    hits: tuple[Any, ...] = ()

    def observe_hit(self, *args: Any) -> None:
        self.hits = (*self.hits, *args)


class Copied(likewise.Copyable):
    def __init__(self, tag: Any) -> None:
        self.tag = tag

    def getTypeToCopy(self) -> Any:
        return self.tag

    def getStateToCopy(self) -> Any:
        return {"a": 1}


class Got(likewise.RemoteCopy):
    a: int


class Service(likewise.Root):
    def __init__(self) -> None:
        self.board, self.hits = Board(), []  # type: ignore[var-annotated]
        self.copied: Any = None

    def remote_hit(self, *args: Any) -> Any:
        self.hits += args
        return len(self.hits)

    def remote_board(self) -> Board:
        return self.board

    def remote_copied(self) -> Any:
        return self.copied


@pytest.mark.parametrize("name", NAMES, ids=lambda name: type(name).__name__)
def test_a_method_may_be_named_by_any_kind_of_str_or_bytes(name: Any) -> None:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Board, Mirror)
    service = Service()
    pair = Pair(service, accept=registry)

    def asked(result: Any) -> Any:
        pair.run()
        assert result is None or result.error is None
        return result and result.value

    assert asked(pair.client.root.callRemote(name, 1)) == 1
    asked(pair.client.root.callRemoteOnly(name, 2))
    assert service.hits == [1, 2]
    mirror = asked(pair.client.root.callRemote("board"))
    (observer,) = service.board.observers
    asked(observer.callRemote(name, 1))
    asked(service.board.observers.callRemote(name, 2))
    asked(service.board.observers.callRemote(name, service))  # for each observer alone: it names something by an id
    assert mirror.hits[:2] == (1, 2) and len(mirror.hits) == 3


@pytest.mark.parametrize("tag", NAMES, ids=lambda name: type(name).__name__)
def test_so_may_a_class(tag: Any) -> None:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(tag, Got)
    service = Service()
    service.copied = Copied(tag)
    pair = Pair(service, accept=registry)
    result = pair.client.root.callRemote("copied")
    pair.run()
    assert result.error is None and type(result.value) is Got and result.value.a == 1
