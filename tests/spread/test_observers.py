"""likewise.Observers over connections of likewise.spread: written once where it can be, and within what a peer takes."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

import likewise
from likewise.spread import pb
from tests.spread.ends import Logged, Pair

asked: list[Any] = []


class Board(pb.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.add(observer)
        return {"seen": []}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.discard(observer)


class BoardCache(pb.RemoteCache):
    seen: list[Any]

    def observe_see(self, value: Any) -> None:
        self.seen.append(value)


class Counted(pb.Copyable):
    def getStateToCopy(self) -> Any:
        asked.append(self)
        return {"text": "for all"}


class CountedFor(pb.Copyable):
    def getStateToCopyFor(self, perspective: Any) -> Any:
        asked.append(perspective)
        return {"text": f"for {perspective}"}


class FormOfItsOwn(pb.Copyable):
    def jellyFor(self, jellier: Any) -> Any:
        perspective = jellier.invoker.serializingPerspective
        asked.append(perspective)
        return jellier.preserve(self, [b"tests.spread.Text", jellier.jelly({"text": f"for {perspective}"})])


class Text(pb.RemoteCopy):
    text: str


pb.setUnjellyableForClass(Board, BoardCache)
for each in (Counted, CountedFor, "tests.spread.Text"):
    pb.setUnjellyableForClass(each, Text)


class Room(pb.Viewable):
    def __init__(self, board: Board) -> None:
        self.board = board

    def view_board(self, perspective: Any) -> Board:
        return self.board


class Root(pb.Root):
    def __init__(self, board: Board) -> None:
        self.room = Room(board)

    def remote_enter(self, name: str) -> Any:
        return pb.ViewPoint(name, self.room)


@pytest.fixture
def board() -> Board:
    asked.clear()
    return Board()


def followers(board: Board, count: int) -> tuple[list[Pair], list[Any]]:
    pairs = [Pair(Root(board)) for _ in range(count)]
    mirrors = [pair.result(pair.ask("enter", f"user {i}").callRemote("board")) for i, pair in enumerate(pairs)]
    return pairs, mirrors


def carry(pairs: list[Pair]) -> None:
    for pair in pairs:
        pair.carry()


def test_a_change_is_written_once_for_each_view(board: Board) -> None:
    pairs, mirrors = followers(board, 5)
    board.observers.callRemote("see", Counted())
    carry(pairs)
    assert len(asked) == 1 and [each.seen[0].text for each in mirrors] == ["for all"] * 5
    for value in (CountedFor(), FormOfItsOwn()):
        asked.clear()
        board.observers.callRemote("see", value)
        carry(pairs)
        assert asked == [f"user {i}" for i in range(5)]
        assert [each.seen[-1].text for each in mirrors] == [f"for user {i}" for i in range(5)]


@pytest.mark.parametrize("value", [b"x" * 655_361, [0] * 655_361, [b"x" * 655_361, pb.Referenceable()]], ids=range(3))
def test_what_no_peer_takes_is_refused_and_costs_nobody_the_connection(board: Board, value: Any) -> None:
    pairs, mirrors = followers(board, 2)
    with Logged() as logged:
        with pytest.raises(likewise.NotSendable, match=r"takes at most 655,360.*2 of 2 observers were not told") as refused:
            board.observers.callRemote("see", value)
        carry(pairs)
    assert refused.value.untold == tuple(board.observers) and logged.errors == []
    board.observers.callRemote("see", 1)
    carry(pairs)
    assert [each.seen for each in mirrors] == [[1], [1]]


def test_what_may_not_cross_goes_as_a_mark_as_it_does_alone(board: Board) -> None:
    pairs, mirrors = followers(board, 2)
    board.observers.callRemote("see", object())
    carry(pairs)
    assert [type(each.seen[0]).__name__ for each in mirrors] == ["Unpersistable"] * 2
