"""Calls by an interface: what is sent, what comes back, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, runtime_checkable

import pytest

import likewise
from likewise.errors import ConnectionClosed, NoSuchMethod, NotSendable
from likewise.testing import Pair, pair


@runtime_checkable
class Shop(Protocol):
    """Sells things."""

    async def place(self, order: str, *, gift: bool = False) -> str:
        """Place an order."""
        ...

    async def wait(self) -> int: ...
    async def fail(self) -> None: ...
    async def nobody_has_this(self) -> None: ...
    async def give(self, shop: Any) -> bool: ...
    async def notes(self) -> list[str]: ...
    def count(self) -> Awaitable[int]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


class Front(likewise.Root):
    def __init__(self) -> None:
        self.told: list[str] = []
        self.given: Any = None
        self.is_cancelled = False

    def remote_place(self, *args: Any, **kwargs: Any) -> str:
        return f"{args} {kwargs}"

    async def remote_wait(self) -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return 1

    def remote_fail(self) -> None:
        raise likewise.Error("closed on Sundays")

    def remote_give(self, shop: Any) -> bool:
        self.given = shop
        return shop is self

    def remote_count(self) -> int:
        return 3

    def remote_note(self, text: str) -> None:
        self.told.append(text)

    def remote_notes(self) -> list[str]:
        return self.told


def on_a_loop(body: Callable[[Shop, likewise.Connection, Front], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        front = Front()
        async with asyncio.timeout(20), pair(front) as (client, _):
            await body(client.root.typed(Shop), client, front)

    asyncio.run(whole())


def test_a_call_sends_what_it_was_given_and_no_defaults() -> None:
    async def body(shop: Shop, client: likewise.Connection, front: Front) -> None:
        assert await shop.place("tea") == "('tea',) {}"
        assert await shop.place(order="tea", gift=False) == "() {'order': 'tea', 'gift': False}"
        assert await shop.count() == 3

    on_a_loop(body)


def test_calls_are_sent_in_order_whether_they_are_awaited_or_not() -> None:
    async def body(shop: Shop, client: likewise.Connection, front: Front) -> None:
        later = shop.place("first")
        assert shop.note("one") is None  # type: ignore[func-returns-value]
        shop.note("two")
        assert await shop.notes() == ["one", "two"]
        assert await later == "('first',) {}"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            shop.place("forgotten")  # type: ignore[unused-coroutine]
            gc.collect()  # it may find what other tests have left, too
        of_calls = [str(each.message) for each in caught if each.category is RuntimeWarning]
        assert of_calls == ["coroutine 'Shop.place' was never awaited"]

    on_a_loop(body)


def test_what_asyncio_has_for_coroutines_takes_a_call() -> None:
    async def body(shop: Shop, client: likewise.Connection, front: Front) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(shop.place(str(n))) for n in range(3)]
        assert [task.result() for task in tasks] == [f"('{n}',) {{}}" for n in range(3)]
        assert await asyncio.gather(shop.place("a"), shop.count()) == ["('a',) {}", 3]
        assert await asyncio.wait_for(shop.place("b"), 10) == "('b',) {}"

    on_a_loop(body)


def test_to_cancel_a_call_cancels_it_at_the_peer() -> None:
    async def body(shop: Shop, client: likewise.Connection, front: Front) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await shop.wait()
        while not front.is_cancelled:
            await asyncio.sleep(0.01)

    on_a_loop(body)


def test_errors_come_as_they_do_untyped() -> None:
    async def body(shop: Shop, client: likewise.Connection, front: Front) -> None:
        with pytest.raises(likewise.Error, match="closed on Sundays"):
            await shop.fail()
        with pytest.raises(NoSuchMethod, match="remote_nobody_has_this"):
            await shop.nobody_has_this()
        with pytest.raises(NotSendable):  # at once, as callRemote has it
            shop.give(object())  # type: ignore[unused-coroutine]
        client.abort()
        await client.wait_closed()
        with pytest.raises(ConnectionClosed):
            await shop.count()

    on_a_loop(body)


def test_a_name_that_the_interface_has_not_is_refused_at_once() -> None:
    shop: Any = Pair(Front()).client.root.typed(Shop)
    with pytest.raises(AttributeError) as raised:
        shop.plaice("tea")
    names = "place, wait, fail, nobody_has_this, give, notes, count, note"
    assert str(raised.value) == f"Shop has no method 'plaice'; it has {names}"
    assert raised.value.name == "plaice" and raised.value.obj is shop, "so Python suggests the right one"
    with pytest.raises(AttributeError):
        shop.place = 5
    with pytest.raises(AttributeError):
        shop.callRemote("place")


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2), {}), (("a",), {"order": "b"}), (("a",), {"giftt": True}), ((), {"self": 1})]
)
def test_a_call_that_does_not_fit_sends_nothing(args: Any, kwargs: Any) -> None:
    both = Pair(Front())
    shop: Any = both.client.root.typed(Shop)
    both.run()
    with pytest.raises(TypeError) as raised:
        shop.place(*args, **kwargs)
    assert str(raised.value).startswith("Shop.place() ")
    assert str(raised.value).endswith("; it is Shop.place(order: str, *, gift: bool = False) -> str")
    with pytest.raises(TypeError, match=r"^Shop.note\(\) missing"):
        shop.note()
    assert not both.client.broker.data_to_send() and both.client.broker.unanswered == 0


def test_what_the_driver_makes_of_a_call_is_what_a_typed_call_gives() -> None:
    both = Pair(Front())
    shop: Any = both.client.root.typed(Shop)
    result = shop.place("tea")
    assert not result.is_settled
    both.run()
    assert result.value == "('tea',) {}"


def test_it_crosses_as_the_reference_that_it_is() -> None:
    both = Pair(Front())
    shop: Any = both.client.root.typed(Shop)
    result = shop.give(shop)
    both.run()
    assert result.value is True, "sent home, it is the object"


def test_it_is_compared_copied_and_printed_as_its_reference_is() -> None:
    both = Pair(Front())
    root = both.client.root
    shop = root.typed(Shop)

    class Other(Protocol):
        async def place(self, order: str) -> str: ...

    assert shop == root.typed(Shop) and hash(shop) == hash(root.typed(Shop))
    assert shop != root.typed(Other) and shop != root
    assert copy.copy(shop) == shop and copy.deepcopy(shop) == shop
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(shop)
    assert repr(shop) == "<Shop of <RemoteReference b'root'>>"


def test_it_looks_like_the_interface() -> None:
    shop = Pair(Front()).client.root.typed(Shop)
    assert isinstance(shop, Shop)
    assert inspect.getdoc(shop.place) == "Place an order." and type(shop).__doc__ == "Sells things."
    assert list(inspect.signature(shop.place).parameters) == ["order", "gift"]
    assert [name for name in dir(shop) if not name.startswith("_")] == sorted(
        ["place", "wait", "fail", "nobody_has_this", "give", "notes", "count", "note", "jelly_into", "processUniqueID"]
    )


def test_one_interface_makes_one_class() -> None:
    root = Pair(Front()).client.root
    assert type(root.typed(Shop)) is type(root.typed(Shop))


def test_avatars_views_and_observers_are_called_by_interfaces_too() -> None:
    class Pond(likewise.Cacheable):
        observer: Any = None

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
            self.observer = observer
            return {"ducks": 1}

    class PondMirror(likewise.RemoteCache):
        ducks: int

        def observe_ducks(self, ducks: int) -> int:
            self.ducks = ducks
            return ducks

    class Seen(likewise.Viewable):
        def view_who(self, perspective: Any) -> str:
            return str(perspective.name)

    class User(likewise.Avatar):
        name = "ann"

        def perspective_seen(self) -> Seen:
            return Seen()

    class Root(likewise.Root):
        pond = Pond()

        def remote_pond(self) -> Pond:
            return self.pond

        def remote_user(self) -> User:
            return User()

    class Ducks(Protocol):
        async def ducks(self, ducks: int) -> int: ...

    class Users(Protocol):
        async def seen(self) -> likewise.RemoteReference: ...

    class Views(Protocol):
        async def who(self) -> str: ...

    likewise.setUnjellyableForClass(Pond, PondMirror)

    async def whole() -> None:
        async with asyncio.timeout(20), pair(root := Root()) as (client, _):
            mirror = await client.root.callRemote("pond")
            assert await root.pond.observer.typed(Ducks).ducks(5) == 5 and mirror.ducks == 5
            user = (await client.root.callRemote("user")).typed(Users)
            assert await (await user.seen()).typed(Views).who() == "ann"

    asyncio.run(whole())


class Node(Protocol):
    async def child(self, depth: int) -> Node | None: ...
    async def again(self) -> Node: ...
    async def plain(self) -> likewise.RemoteReference: ...
    def later(self) -> Awaitable[Node]: ...


class OurNode(likewise.Root):
    def remote_child(self, depth: int) -> Any:
        return OurNode() if depth else None

    def remote_again(self) -> Any:
        return self

    remote_plain = remote_later = remote_again


def test_a_reference_that_is_returned_as_an_interface_is_typed_by_it() -> None:
    async def whole() -> None:
        async with asyncio.timeout(20), pair(OurNode()) as (client, _):
            node = client.root.typed(Node)
            child = await node.child(1)
            assert child is not None and type(child) is type(node)
            assert await child.child(0) is None
            assert await (await child.again()).again() == child == await child.later()
            assert type(await child.plain()) is likewise.RemoteReference

    asyncio.run(whole())
