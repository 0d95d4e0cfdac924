"""One change, written once, reaches every observer in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise


class Board(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
        self.observers.add(observer)
        return {"seen": []}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)


class BoardCache(likewise.RemoteCache):
    seen: list[Any]

    def observe_see(self, *args: Any, **kwargs: Any) -> int:
        self.seen.append(*args, **kwargs)
        return len(self.seen)


class Secret(likewise.Copyable):
    """Its state depends on who asks."""

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"for_whom": getattr(perspective, "name", None)}


class SecretCopy(likewise.RemoteCopy):
    for_whom: str | None


class Thing(likewise.Referenceable):
    def remote_ping(self) -> str:
        return "pong"


class User(likewise.Avatar):
    def __init__(self, name: str, board: Board) -> None:
        self.name, self.board = name, board

    def perspective_board(self) -> Board:
        return self.board


class Root(likewise.Root):
    def __init__(self) -> None:
        self.board = Board()

    def remote_board(self) -> Board:
        return self.board

    def remote_enter(self, name: str) -> User:
        return User(name, self.board)

    def remote_see_then_count(self, value: Any) -> int:
        self.board.observers.callRemote("see", value)
        return len(self.board.observers)


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass(Board, BoardCache)
REGISTRY.setUnjellyableForClass(Secret, SecretCopy)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def run(test: Any) -> None:
    async def main() -> None:
        root = Root()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server:
            await test(root, server.address)

    asyncio.run(asyncio.wait_for(main(), 20))


async def mirrors(address: str, count: int) -> tuple[list[likewise.Connection], list[Any]]:
    connections = [await likewise.connect(address, accept=REGISTRY) for _ in range(count)]
    return connections, [await each.root.callRemote("board") for each in connections]


def test_every_mirror_gets_every_change_in_order() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 20)
        for i in range(300):
            root.board.observers.callRemote("see", i)
            if i % 7 == 0:
                await asyncio.sleep(0)
        await until(lambda: all(len(board.seen) == 300 for board in boards))
        assert all(board.seen == list(range(300)) for board in boards)
        for connection in connections:
            await connection.close()

    run(test)


def test_a_change_arrives_before_the_answer_that_follows_it() -> None:
    async def test(root: Root, address: str) -> None:
        connections, (board, other) = await mirrors(address, 2)
        for i in range(50):
            assert await connections[0].root.callRemote("see_then_count", i) == 2
            assert board.seen == list(range(i + 1))
        await until(lambda: other.seen == list(range(50)))
        for connection in connections:
            await connection.close()

    run(test)


def test_what_is_computed_for_one_perspective_reaches_no_other() -> None:
    async def test(root: Root, address: str) -> None:
        connections = [await likewise.connect(address, accept=REGISTRY) for _ in range(4)]
        users = [await each.root.callRemote("enter", f"user {i}") for i, each in enumerate(connections)]
        boards = [await user.callRemote("board") for user in users]
        root.board.observers.callRemote("see", Secret())
        await until(lambda: all(board.seen for board in boards))
        assert [board.seen[0].for_whom for board in boards] == [f"user {i}" for i in range(4)]
        for connection in connections:
            await connection.close()

    run(test)


def test_a_reference_is_written_for_each_connection_alone() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 3)
        root.board.observers.callRemote("see", Thing())
        await until(lambda: all(board.seen for board in boards))
        assert [await board.seen[0].callRemote("ping") for board in boards] == ["pong"] * 3
        for connection in connections:
            await connection.close()

    run(test)


def test_a_leaving_observer_costs_only_itself() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 5)
        for i, connection in enumerate(connections[:4]):
            connection.abort()
            root.board.observers.callRemote("see", i)
        await until(lambda: len(root.board.observers) == 1)
        root.board.observers.callRemote("see", "last")
        await until(lambda: boards[4].seen == [0, 1, 2, 3, "last"])
        await connections[4].close()
        await until(lambda: not len(root.board.observers))

    run(test)


def test_what_cannot_cross_is_refused_before_anybody_is_told() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 2)
        with pytest.raises(likewise.NotSendable, match=r"args\[0\]\[1\]"):
            root.board.observers.callRemote("see", [1, object()])
        root.board.observers.callRemote("see", "fine")
        await until(lambda: all(board.seen == ["fine"] for board in boards))
        for connection in connections:
            await connection.close()

    run(test)


def test_answers_come_where_they_are_asked_for() -> None:
    async def test(root: Root, address: str) -> None:
        connections, _boards = await mirrors(address, 3)
        answers = root.board.observers.callRemoteForAnswers("see", 1)
        assert set(answers) == set(root.board.observers)
        assert await asyncio.gather(*answers.values()) == [1, 1, 1]
        for connection in connections:
            await connection.close()

    run(test)


def test_it_is_a_collection() -> None:
    async def test(root: Root, address: str) -> None:
        observers = root.board.observers
        assert len(observers) == 0 and list(observers) == [] and repr(observers) == "<Observers: 0>"
        connections, _boards = await mirrors(address, 1)
        (observer,) = observers
        assert observer in observers and "something" not in observers
        observers.add(observer)
        assert len(observers) == 1
        observers.discard(observer)
        observers.discard(observer)
        assert observer not in observers
        with pytest.raises(KeyError):
            observers.remove(observer)
        observers.callRemote("see", "nobody")
        observers.add(observer)
        await connections[0].close()

    run(test)


def test_a_group_whose_observers_are_all_leaving_is_passed_over() -> None:
    async def test(root: Root, address: str) -> None:
        connections, _boards = await mirrors(address, 1)
        (observer,) = root.board.observers
        await connections[0].close()
        await until(lambda: not observer.is_observing and not len(root.board.observers))
        root.board.observers.add(observer)
        root.board.observers.callRemote("see", 1)
        assert len(root.board.observers) == 1
        root.board.observers.discard(observer)

    run(test)


def test_a_published_value_over_a_ceiling_is_refused_and_every_connection_goes_on() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 3)
        with pytest.raises(likewise.NotSendable, match=r"frame_items.*3 of 3 observers were not told"):
            root.board.observers.callRemote("see", [0] * 1_000_001)
        root.board.observers.callRemote("see", "fine")
        await until(lambda: all(board.seen == ["fine"] for board in boards))
        for connection in connections:
            assert connection.is_open and connection.root is connection.root
            await connection.close()

    run(test)


def test_who_takes_less_is_told_what_it_takes() -> None:
    async def test(root: Root, address: str) -> None:
        connections, boards = await mirrors(address, 2)
        small = await likewise.connect(address, accept=REGISTRY, limits=likewise.Limits.public())
        board = await small.root.callRemote("board")
        with pytest.raises(likewise.NotSendable, match="1 of 3 observers were not told") as refused:
            root.board.observers.callRemote("see", [0] * 30_000)
        (untold,) = refused.value.untold
        untold.end("it was too much for you")
        root.board.observers.callRemote("see", "fine")
        await until(lambda: all(len(each.seen) == 2 for each in boards) and board.ended_because)
        assert board.ended_because == "it was too much for you" and board.seen == []
        again = await small.root.callRemote("board")
        assert again is not board and small.is_open
        for connection in (*connections, small):
            await connection.close()

    run(test)
