"""What type checkers are to accept of typed calls. It is checked, never run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar, assert_type

import likewise

K = TypeVar("K", contravariant=True)
V = TypeVar("V")


@likewise.copyable
@dataclass
class Order:
    item: str


class Pings(Protocol):
    async def ping(self) -> float: ...


class Shop(Pings, Protocol):
    """An interface that derives from another."""

    async def place(self, order: Order, *, gift: bool = False) -> str: ...
    async def find(self, *names: str, limit: int | None = None) -> list[Order]: ...
    async def watch(self, greeter: likewise.Referenceable) -> likewise.RemoteReference: ...
    def count(self) -> Awaitable[int]: ...
    def frames(self, size: int = 1) -> AsyncIterator[bytes]: ...
    async def branch(self, city: str) -> "Shop | None": ...
    def upload(self, frames: AsyncIterator[bytes]) -> Awaitable[None]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


class Store(Protocol[K, V]):
    """A generic one."""

    async def get(self, key: K) -> V: ...
    async def put(self, key: K, value: V) -> None: ...


class Plain:
    """Any class will do, one that can't be made without arguments included."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def rename(self, name: str) -> str:
        return name


async def calls(root: likewise.RemoteReference, observer: likewise.RemoteCacheObserver) -> None:
    shop = root.typed(Shop)
    assert_type(shop, Shop)
    assert_type(await shop.place(Order("tea"), gift=True), str)
    assert_type(await shop.find("tea", "milk", limit=3), list[Order])
    assert_type(await shop.count(), int)
    assert_type(await shop.ping(), float)
    async for frame in shop.frames(5):
        assert_type(frame, bytes)
    await shop.upload(shop.frames())
    shop.note("one way")
    store = root.typed(Store[str, Order])
    assert_type(await store.get("tea"), Order)
    await store.put("tea", Order("tea"))
    assert_type(await root.typed(Plain).rename("x"), str)
    again = (await shop.watch(likewise.Referenceable())).typed(Shop)
    assert_type(again, Shop)
    branch = await shop.branch("London")
    if branch is not None:
        assert_type(await branch.count(), int)
    observer.typed(Shop).note("to a mirror")


async def with_asyncio(shop: Shop) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(shop.place(Order("tea")))
    assert_type(task.result(), str)
    assert_type(await asyncio.gather(shop.place(Order("tea")), shop.count()), tuple[str, int])
    async with asyncio.timeout(1):
        await shop.count()


async def serve_them() -> None:
    async with likewise.serve(Front(), "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
        await with_asyncio(connection.root.typed(Shop))


@likewise.serves(Shop)
class Front(likewise.Root):
    def remote_place(self, order: Order, *, gift: bool = False) -> str:
        return order.item

    async def remote_find(self, *names: str, limit: int | None = None) -> list[Order]:
        return []

    def remote_watch(self, greeter: likewise.RemoteReference) -> likewise.Referenceable:
        return self

    def remote_branch(self, city: str) -> "Front | None":
        return self if city else None

    def remote_count(self) -> int:
        return 1

    def remote_ping(self) -> float:
        return 1

    async def remote_frames(self, size: int = 1) -> AsyncIterator[bytes]:
        yield bytes(size)

    async def remote_upload(self, frames: AsyncIterator[bytes]) -> None:
        pass

    def remote_note(self, text: str) -> None:
        pass


@likewise.serves(Store[str, Order])
class Orders(likewise.Avatar):
    def perspective_get(self, key: str) -> Order:
        return Order(key)

    def perspective_put(self, key: str, value: Order) -> None:
        pass


assert_type(Front(), Front)  # the decorators leave the classes what they are
assert_type(Orders().perspective_get("tea"), Order)
