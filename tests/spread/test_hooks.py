"""As tests/objects/test_hooks.py, for the drop-in beside Twisted."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer

from likewise.spread import jelly, pb
from tests.spread.ends import Pair


class Note(pb.Copyable):
    def __init__(self) -> None:
        self.text = "hello"
        self.secret = "4711"


class NoteCopy(pb.RemoteCopy):
    pass


class Board(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"x": 1}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class BoardCache(pb.RemoteCache):
    pass


class Root(pb.Root):
    def __init__(self, *things: Any) -> None:
        self.things = list(things)

    def remote_give(self) -> Any:
        return self.things


pb.setUnjellyableForClass(Note, NoteCopy)
pb.setUnjellyableForClass(Board, BoardCache)
WHOLE = {"text": "hello", "secret": "4711"}


def hidden(self: Any) -> Any:
    return {"text": self.text}


@pytest.fixture
def pair() -> Pair:
    pair = Pair(Root(Note()))
    assert [vars(each) for each in pair.ask("give")] == [WHOLE]
    return pair


@pytest.mark.parametrize("owner", [Note, pb.Copyable], ids=["on the class", "on its base"])
def test_a_hook_counts_from_when_it_is_put_on_a_class_until_it_is_taken_off(pair: Pair, owner: type) -> None:
    with mock.patch.object(owner, "getStateToCopy", hidden):
        assert [vars(each) for each in pair.ask("give")] == [{"text": "hello"}]
    assert [vars(each) for each in pair.ask("give")] == [WHOLE]


def test_a_form_of_its_own_may_be_put_on_a_class_later(pair: Pair) -> None:
    with mock.patch.object(Note, "jellyFor", lambda self, jellier: jellier.jelly([1, 2])):
        assert pair.ask("give") == [[1, 2]]
    assert [vars(each) for each in pair.ask("give")] == [WHOLE]


def test_a_hook_of_the_receiver_counts_from_when_it_is_put_on_a_class(pair: Pair) -> None:
    def take(self: Any, state: Any) -> None:
        self.got = sorted(state)

    def read(self: Any, unjellier: Any, jellyList: Any) -> Any:
        return unjellier.unjelly(jellyList[1])

    with mock.patch.object(NoteCopy, "setCopyableState", take):
        assert [vars(each) for each in pair.ask("give")] == [{"got": ["secret", "text"]}]
    with mock.patch.object(NoteCopy, "unjellyFor", read):
        assert pair.ask("give") == [WHOLE]
    assert [vars(each) for each in pair.ask("give")] == [WHOLE]


@pytest.mark.parametrize("hook", ["getStateToCopy", "getTypeToCopy"])
def test_a_hook_that_returns_a_deferred_is_refused_by_its_name(pair: Pair, hook: str) -> None:
    with mock.patch.object(Note, hook, lambda self: defer.succeed({})):
        failure = pair.ask("give")
    assert failure.check(jelly.InsecureJelly, "likewise.errors.NotSendable", pb.RemoteError)
    assert f"{hook} of " in str(failure.value) and "Deferred: a hook must return its state at once" in str(failure.value)


def test_so_is_one_that_fills_a_mirror() -> None:
    with mock.patch.object(Board, "getStateToCacheAndObserveFor", lambda *_: defer.succeed({})):
        failure = Pair(Root(Board())).ask("give")
    assert "getStateToCacheAndObserveFor of " in str(failure.value) and "Deferred" in str(failure.value)
