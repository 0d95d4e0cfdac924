"""Typed calls between processes: both APIs, and a real Twisted at either end."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest

import likewise
from likewise.errors import InsecureJelly, NoSuchMethod, RemoteError
from tests.interop.processes import Serving, twisted_server
from tests.interop.shop import Shop
from tests.programs import ROOT, running

TIMEOUT = 20.0


@pytest.fixture(scope="module", params=["asyncio", "spread"])
def shop_server(request: pytest.FixtureRequest) -> Iterator[Serving]:
    with running("-m", "tests.interop.shop_server", request.param, cwd=ROOT, stdin=subprocess.PIPE) as program:
        yield Serving(program)


def with_root(port: int, body: Callable[[likewise.RemoteReference], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(TIMEOUT), likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
            await body(connection.root)

    asyncio.run(whole())


class Doubles(likewise.Referenceable):
    def remote_add(self, number: int) -> int:
        return number * 2


def test_calls_by_an_interface_are_answered_by_what_serves_it(shop_server: Serving) -> None:
    async def body(root: likewise.RemoteReference) -> None:
        shop = root.typed(Shop)
        assert await shop.place({"tea": 2, "milk": 1}) == "3 things"
        assert await shop.place({"tea": 2}, gift=True) == "2 things in paper"
        assert await asyncio.gather(shop.later("a"), shop.later("b")) == ["a", "b"]
        counter = await shop.counter()
        assert [await counter.add(2), await counter.add(3)] == [2, 5]
        assert await shop.call_back(Doubles()) == 2
        shop.note("one way")
        assert await shop.notes() == ["one way"]

    with_root(shop_server.port, body)


def test_both_ends_refuse_what_the_interface_does_not_say(shop_server: Serving) -> None:
    async def body(root: likewise.RemoteReference) -> None:
        shop: Any = root.typed(Shop)
        with pytest.raises(AttributeError, match="Shop has no method 'plaice'"):
            shop.plaice({})
        with pytest.raises(TypeError, match=r"Shop.place\(\) got an unexpected keyword argument 'paper'"):
            shop.place({}, paper=True)
        with pytest.raises(InsecureJelly, match=r"^Shop.place: order takes dict\[str, int\], not str 'two' at \['tea'\]$"):
            await shop.place({"tea": "two"})
        with pytest.raises(RemoteError, match=r"Shop.wrong: the result is to be int, not str"):
            await shop.wrong()
        with pytest.raises(InsecureJelly, match=r"^Shop.later: value takes str, not int 5$"):
            await root.callRemote("later", 5)
        assert await shop.later("still there") == "still there"

    with_root(shop_server.port, body)


@pytest.mark.parametrize("module", ["twisted.spread.pb", "likewise.spread.pb"])
def test_a_program_with_a_reactor_gets_deferreds(shop_server: Serving, module: str) -> None:
    with running("-m", "tests.interop.shop_client", module, str(shop_server.port), cwd=ROOT) as program:
        code, lines, errors = program.end()
    assert (code, errors) == (0, "")
    assert lines[0] == "2 things in paper"
    assert "InsecureJelly" in lines[1]
    assert lines[1].endswith(" Shop.place: order takes dict[str, int], not str 'two' at ['tea']")
    assert lines[2] == "x"
    assert "Shop.wrong: the result is to be int, not str" in lines[3]
    assert lines[4:] == ["11", "2 5"]


class Surface(Protocol):
    """A part of what the Twisted server of SURFACE.md answers: it knows nothing of interfaces."""

    async def args(self, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]: ...
    async def later(self, seconds: float, x: Any = None) -> Any: ...
    async def enter(self, name: str) -> likewise.RemoteReference: ...
    async def thing(self) -> likewise.RemoteReference: ...
    async def call(self, ref: likewise.Referenceable, x: int) -> list[Any]: ...
    async def unheard_of(self) -> None: ...
    @likewise.one_way
    def note(self, x: Any) -> None: ...


class Thing(Protocol):
    async def ping(self, x: int) -> list[Any]: ...


class Visitor(Protocol):
    async def whoami(self) -> str: ...


@likewise.serves(Thing)
class OurThing(likewise.Referenceable):
    def remote_ping(self, x: int) -> list[Any]:
        return ["ours", x]


def test_a_real_twisted_server_answers_typed_calls() -> None:
    async def body(root: likewise.RemoteReference) -> None:
        surface = root.typed(Surface)
        assert await surface.args(1, b=2) == ((1,), {"b": 2})
        assert await surface.later(0.01, "x") == "x"
        assert await (await surface.thing()).typed(Thing).ping(5) == ["pong", 5]
        assert await (await surface.enter("ann")).typed(Visitor).whoami() == "ann"
        assert await surface.call(OurThing(), 7) == ["ours", 7]
        surface.note("one way")
        with pytest.raises(NoSuchMethod):
            await surface.unheard_of()

    with twisted_server() as serving:
        with_root(serving.port, body)


def test_a_stream_is_read_as_the_interface_says(shop_server: Serving) -> None:
    async def body(root: likewise.RemoteReference) -> None:
        frames = root.typed(Shop).frames(4)
        assert await anext(frames) == b""
        assert [len(frame) async for frame in frames] == [1, 2, 3]
        assert [len(frame) async for frame in root.typed(Shop).frames(1_000)] == list(range(1_000))

    with_root(shop_server.port, body)
