"""Calls of a class that serves an interface: arguments and results are checked when they come and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

import likewise
from likewise.errors import InsecureJelly, RemoteError
from likewise.testing import Pair, pair
from tests.objects.test_serves import Front, Order, Shop, Ts, V

# --- when it is called


def test_an_argument_that_is_not_what_the_interface_says_is_refused_and_the_method_not_run() -> None:
    both = Pair(front := Front())
    root = both.client.root
    cases = [
        (root.callRemote("place", "tea"), "Shop.place: order takes Order, not str 'tea'"),
        (root.callRemote("place", Order("tea"), gift=1), "Shop.place: gift takes bool, not int 1"),
        (root.callRemote("find", ["a", 5]), "Shop.find: names takes list[str], not int 5 at [1]"),
        (root.callRemote("find", [], "x" * 500), f"Shop.find: limit takes int | None, not str '{'x' * 40}'... (500 in all)"),
    ]
    root.callRemoteOnly("note", 5)
    both.run()
    for result, text in cases:
        assert type(result.error) is InsecureJelly and str(result.error) == text
    assert front.told == [] and [name for name, _ in both.server.failures] == ["place", "place", "find", "find", "note"]


def test_a_result_that_is_not_what_the_interface_says_fails_the_call() -> None:
    both = Pair(Front())
    root = both.client.root
    good = root.callRemote("place", Order("tea"))
    bad = root.callRemote("place", Order("tea", 0))
    both.run()
    assert good.value == "tea"
    assert type(bad.error) is RemoteError and "Shop.place: the result is to be str, not Order" in str(bad.error)


def test_what_a_wrong_result_holds_is_for_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "likewise")

    class Secrets(Protocol):
        async def f(self) -> list[int]: ...

    @likewise.serves(Secrets)
    class Keeper(likewise.Root):
        async def remote_f(self) -> Any:
            return [1, "the secret"]

    async def whole() -> None:
        async with asyncio.timeout(20), pair(Keeper()) as (client, _):
            with pytest.raises(RemoteError) as raised:
                await client.root.typed(Secrets).f()
        assert "Secrets.f: the result is to be list[int], something in the list that came is not" in str(raised.value)
        assert "the secret" not in str(raised.value)

    asyncio.run(whole())
    assert "Secrets.f: the result takes list[int], not str 'the secret' at [1]" in caplog.text


def test_what_is_awaited_is_checked_when_it_is_there() -> None:
    async def whole() -> None:
        async with asyncio.timeout(20), pair(Front()) as (client, _):
            shop = client.root.typed(Shop)
            assert await shop.find(["tea"]) == [Order("tea")]
            with pytest.raises(RemoteError, match=r"Shop.find: the result is to be list"):
                await shop.find([""])

    asyncio.run(whole())


def test_the_items_of_a_stream_are_checked_one_by_one_and_it_is_closed() -> None:
    async def whole() -> None:
        front = Front()
        assert [item async for item in front.remote_frames(3)] == [b"", b"\0", b"\0\0"]
        assert front.closed == ["frames"]
        seen = []
        with pytest.raises(TypeError, match=r"Shop.frames: an item is to be bytes, not int"):
            async for item in front.remote_frames(9):
                seen.append(item)
        assert len(seen) == 3 and front.closed == ["frames"] * 2
        stream = front.remote_frames(9)
        await anext(stream)
        await stream.aclose()
        assert front.closed == ["frames"] * 3

    asyncio.run(whole())

    class Frames(Protocol):
        def f(self, n: int) -> AsyncIterator[bytes]: ...

    @likewise.serves(Frames)
    class AtOnce(likewise.Root):
        def remote_f(self, n: int) -> Any:
            return (bytes(i) for i in range(n)) if n else []

    assert [*AtOnce().remote_f(2)] == [b"", b"\0"]
    with pytest.raises(TypeError, match=r"Frames.f is a stream, and what came is no iterator, but list"):
        AtOnce().remote_f(0)


def test_what_a_one_way_method_returns_is_nobody_s() -> None:
    front = Front()
    assert front.remote_note("a") == 5 and front.told == ["a"]


def test_what_is_not_annotated_is_not_checked() -> None:
    class Loose(Protocol):
        async def f(self, a, *more, **rest): ...  # type: ignore[no-untyped-def]

    @likewise.serves(Loose)
    class Any_(likewise.Root):
        def remote_f(self, a: Any, *more: Any, **rest: Any) -> Any:
            return a, more, rest

    assert Any_().remote_f(1, 2, b=3) == (1, (2,), {"b": 3})


def test_further_arguments_are_checked_by_what_their_stars_say() -> None:
    class Many(Protocol):
        async def f(self, a: int, *more: int, **rest: str) -> None: ...

    @likewise.serves(Many)
    class Served(likewise.Root):
        def remote_f(self, a: int, *more: int, **rest: str) -> None: ...

    Served().remote_f(1, 2, 3, x="y")
    with pytest.raises(InsecureJelly, match=r"Many.f: argument 3 takes int, not str 'b'"):
        Served().remote_f(1, 2, "b")  # type: ignore[arg-type]
    with pytest.raises(InsecureJelly, match=r"Many.f: x takes str, not int 5"):
        Served().remote_f(1, x=5)  # type: ignore[arg-type]


class Store(Protocol[V]):
    async def put(self, value: V) -> list[V]: ...


def test_a_generic_interface_is_checked_by_what_was_put_in() -> None:
    @likewise.serves(Store[Order])
    class Orders(likewise.Root):
        def remote_put(self, value: Order) -> list[Order]:
            return [value]

    assert Orders().remote_put(Order("a")) == [Order("a")]
    with pytest.raises(InsecureJelly, match=r"^Store\[Order\]\.put: value takes Order, not str 'a'$"):
        Orders().remote_put("a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"returns list\[str\], not list\[Order\]"):

        @likewise.serves(Store[Order])
        class Other(likewise.Root):
            def remote_put(self, value: Order) -> list[str]: ...  # type: ignore[empty-body]


def test_several_variables_in_one_are_not_checked() -> None:
    class Row(Protocol[*Ts]):
        async def first(self, row: tuple[*Ts]) -> tuple[*Ts]: ...

    @likewise.serves(Row[int, str])
    class Rows(likewise.Root):
        def remote_first(self, row: Any) -> Any:
            return row

    assert Rows().remote_first((1, "a")) == (1, "a")
    with pytest.raises(InsecureJelly, match="row takes tuple, not int 5"):
        Rows().remote_first(5)


def test_static_and_class_methods_serve_too() -> None:
    class One(Protocol):
        async def f(self, a: int) -> int: ...
        async def g(self, a: int) -> int: ...

    @likewise.serves(One)
    class Served(likewise.Root):
        @staticmethod
        def remote_f(a: int) -> int:
            return a

        @classmethod
        def remote_g(cls, a: int) -> int:
            return a

    for method in (Served().remote_f, Served().remote_g, Served.remote_f, Served.remote_g):
        assert method(1) == 1
        with pytest.raises(InsecureJelly, match=r"a takes int, not str 'x'"):
            method("x")  # type: ignore[arg-type]


def test_what_is_defined_later_is_known_at_the_first_call() -> None:
    class Early(Protocol):
        async def f(self, a: Later) -> None: ...

    @likewise.serves(Early)
    class Served(likewise.Root):
        def remote_f(self, a: Later) -> None: ...

    global Later

    @likewise.copyable(name="test_serves.Later")
    @dataclass
    class Later:  # type: ignore[no-redef]
        a: int

    with pytest.raises(InsecureJelly, match=r"a takes Later, not int 5"):
        Served().remote_f(5)  # type: ignore[arg-type]


def test_none_may_stand_where_it_is_the_default() -> None:
    class One(Protocol):
        async def f(self, a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    @likewise.serves(One)
    class Served(likewise.Root):
        def remote_f(self, a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    Served().remote_f(None)  # type: ignore[arg-type]
    with pytest.raises(InsecureJelly):
        Served().remote_f("x")  # type: ignore[arg-type]


class Pond(likewise.Cacheable):
    pass


class PondMirror(likewise.RemoteCache):
    pass


class Tool(likewise.Referenceable):
    pass


class Yard(Protocol):
    """As its callers see it: what is a Tool at home is a RemoteReference here, and a Pond a PondMirror."""

    async def borrow(self) -> likewise.RemoteReference: ...
    async def give_back(self, tool: likewise.RemoteReference, more: list[likewise.RemoteReference]) -> bool: ...
    async def lend(self, tool: Tool) -> str: ...
    async def pond(self) -> PondMirror: ...
    async def is_pond(self, pond: PondMirror) -> bool: ...


likewise.setUnjellyableForClass(Pond, PondMirror)


@likewise.serves(Yard)
class OurYard(likewise.Root):
    def __init__(self) -> None:
        self.tool = Tool()
        self.home = Pond()

    def remote_borrow(self) -> Any:
        return self.tool

    def remote_give_back(self, tool: Tool, more: list[Tool]) -> bool:
        return tool is self.tool and all(each is tool for each in more)

    def remote_lend(self, tool: likewise.RemoteReference) -> str:
        return type(tool).__name__

    def remote_pond(self) -> Pond:
        return self.home

    def remote_is_pond(self, pond: Pond) -> bool:
        return pond is self.home


def test_what_stays_with_one_end_is_known_at_either() -> None:
    async def whole() -> None:
        async with asyncio.timeout(20), pair(OurYard()) as (client, _):
            yard = client.root.typed(Yard)
            tool = await yard.borrow()
            assert type(tool) is likewise.RemoteReference and await yard.give_back(tool, [tool])
            assert await yard.lend(Tool()) == "RemoteReference"
            pond = await yard.pond()
            assert type(pond) is PondMirror and await yard.is_pond(pond)
            with pytest.raises(InsecureJelly, match=r"^Yard.lend: tool takes reference, not str 'hammer'$"):
                await yard.lend("hammer")  # type: ignore[arg-type]
            with pytest.raises(InsecureJelly, match=r"^Yard.give_back: more takes list\[reference\], not int 5 at \[1\]$"):
                await yard.give_back(tool, [tool, 5])  # type: ignore[list-item]

    asyncio.run(whole())


def test_a_container_that_is_shared_is_looked_through_once() -> None:
    class Deep(Protocol):
        async def f(self, a: list[list[list[list[list[int]]]]]) -> None: ...

    @likewise.serves(Deep)
    class Served(likewise.Root):
        def remote_f(self, a: Any) -> None: ...

    value: Any = [1] * 100
    for _ in range(4):
        value = [value] * 100  # 10^10 leaves, if one went through all
    Served().remote_f(value)


def test_a_whole_number_is_a_float_where_one_is_meant() -> None:
    class Scale(Protocol):
        async def weigh(self, grams: float, *more: float, **rest: list[float]) -> float: ...

    @likewise.serves(Scale)
    class OurScale(likewise.Root):
        def remote_weigh(self, grams: float, *more: float, **rest: list[float]) -> Any:
            assert [type(each) for each in (grams, *more, *rest["x"])] == [float] * 4
            return 3

    answer = OurScale().remote_weigh(1, 2, 2.5, x=[3])
    assert (answer, type(answer)) == (3.0, float)


class Odd(Protocol):
    async def plain(self, *, level: int) -> int: ...
    def items(self) -> AsyncIterator[int]: ...


def test_a_stream_that_is_none_and_iterators_without_an_end_of_their_own() -> None:
    class Endless:
        """An iterator that has nothing to be closed by."""

        def __init__(self) -> None:
            self.left = 3

        def __iter__(self) -> Endless:
            return self

        def __next__(self) -> int:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.left

    @likewise.serves(Odd)
    class Served(likewise.Root):
        gives: Any = 5

        async def remote_plain(self, *, level: int) -> int:
            return level

        def remote_items(self) -> Any:
            return self.gives

    async def main() -> None:
        served = Served()
        async with pair(served) as (client, _):
            with pytest.raises(RemoteError, match="is no iterator"):
                await client.root.callRemote("items")
            served.gives = Endless()
            assert [item async for item in client.root.callRemote("items")] == [2, 1, 0]
            assert await client.root.callRemote("plain", level=3) == 3

    asyncio.run(main())
