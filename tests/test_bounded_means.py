"""The bounded means for what came from a peer: each ends after few steps, and runs nothing of a value's own."""

import asyncio
import logging
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import likewise
from likewise import bounded


@dataclass
class Plain:
    what: Any = None
    more: Any = None


@dataclass(slots=True)
class Slotted:
    what: Any = None
    more: Any = None


class Sized(list[Any]):
    """Says of itself what is not so."""

    def __sizeof__(self) -> int:
        return 1 << 60

    def __len__(self) -> int:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError


class Odd(type):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(cls, other: object) -> bool:
        return cls is other


class Unhashed(metaclass=Odd):
    pass


def flatbomb(depth: int = 40) -> Any:
    """A list of few parts and 2**depth leaves."""
    part: Any = [1, 2]
    for _ in range(depth):
        part = [part, part]
    return part


def memory(make: Callable[[], Any]) -> tuple[int, int]:
    """How much memory what this makes takes, and how much it is said to take."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        return tracemalloc.get_traced_memory()[0] - before, bounded.weight((made,), 1e12)
    finally:
        tracemalloc.stop()


N = 5_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: [{} for _ in range(N)],
        lambda: [set() for _ in range(N)],
        lambda: [{n, n + N} for n in range(N)],
        lambda: [[float(n)] for n in range(N)],
        lambda: [(str(n), bytes(300)) for n in range(N)],
        lambda: {str(n): {n: []} for n in range(N)},
        lambda: [Plain([n]) for n in range(N)],
        lambda: [Slotted([n], {n}) for n in range(N)],
        lambda: [OrderedDict({n: n}) for n in range(N)],
        lambda: [frozenset([str(n)]) for n in range(N)],
        lambda: [1 << 2_000 + n for n in range(N)],
        lambda: bytes(1_000_000),
        lambda: [b"x" * 1_000_000] * 100,
    ],
)
def test_weight_is_about_the_memory_that_is_taken(make: Callable[[], Any]) -> None:
    taken, said = memory(make)
    assert 0.8 * taken < said < 1.8 * taken, (taken, said)


def test_what_is_held_twice_weighs_once() -> None:
    large = ["x" * 10_000]
    assert bounded.weight((large, large, [large], {1: large}), 1e9) < bounded.weight((large,), 1e9) + 1_000
    assert bounded.weight(flatbomb(), 1e9) < 10_000
    ring: list[Any] = []
    ring.append(ring)
    assert bounded.weight(ring, 1e9) < 200


def test_weighing_ends_soon_after_the_ceiling() -> None:
    many = [[] for _ in range(100_000)]  # type: ignore[var-annotated]
    with_steps = Steps()
    for _ in range(1_000):
        with_steps.append(bounded.weight((many, many), 1_000))
    assert all(1_000 < each < 1_000_000 for each in with_steps)
    assert bounded.weight(Slotted(many), 1e9) > bounded.weight(many, 1e9) > 100_000 * 50


class Steps(list[int]):
    pass


@pytest.mark.parametrize("values", [(), (5,), (None, True, 2.5, "abc", b"abc", 1 << 70), ("x" * 10_000,)])
def test_few_scalars_weigh_what_python_says(values: tuple[Any, ...]) -> None:
    said = bounded.weight(values, 1e9)
    assert said == bounded._weight(values, 1e9) and said >= 40 + 8 * len(values)


def test_weighing_asks_no_value() -> None:
    assert bounded.weight((Sized([1, 2, "x" * 5_000]), Unhashed()), 1e9) < 7_000


@pytest.mark.parametrize("thing", [logging.getLogger("likewise"), test_weighing_asks_no_value, logging, Plain], ids=repr)
def test_what_leads_to_the_whole_program_weighs_little(thing: Any) -> None:
    assert bounded.weight((thing, Plain(thing)), 1e9) < 2_000


def test_references_weigh_little_and_mirrors_what_they_hold() -> None:
    class Room(likewise.Cacheable):
        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            return {"log": "x" * 100_000}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            pass

    class RoomMirror(likewise.RemoteCache):
        pass

    class Root(likewise.Root):
        def __init__(self) -> None:
            self.holds = ["x" * 100_000]

        def remote_weigh(self, value: Any) -> int:
            return bounded.weight((value,), 1e9)

        def remote_room(self) -> Room:
            return Room()

    class Here(likewise.Referenceable):
        pass

    async def main() -> None:
        registry = likewise.Registry()
        registry.setUnjellyableForClass(Room, RoomMirror)
        async with (
            likewise.serve(Root(), "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry) as connection,
        ):
            assert bounded.weight((connection.root, Plain(connection.root)), 1e9) < 2_000
            assert await connection.root.callRemote("weigh", Here()) < 2_000
            assert await connection.root.callRemote("weigh", connection.root) < 2_000  # the server's own, come home
            mirror = await connection.root.callRemote("room")
            assert 100_000 < bounded.weight((mirror,), 1e9) < 102_000

    asyncio.run(main())
