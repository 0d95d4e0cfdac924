"""
What type checkers are to refuse of typed calls. A line ends in ``E: codes`` for mypy and ``P: rules`` for pyright. It is
checked, never run.
"""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

import likewise

V = TypeVar("V")


class Shop(Protocol):
    """An interface."""

    async def place(self, order: int, *, gift: bool = False) -> str: ...
    def frames(self) -> AsyncIterator[bytes]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


class Store(Protocol[V]):
    """A generic one."""

    async def get(self) -> V: ...
    async def put(self, value: V) -> None: ...


async def calls(root: likewise.RemoteReference) -> None:
    shop = root.typed(Shop)
    await shop.plaice(1)  # E: attr-defined P: reportAttributeAccessIssue
    await shop.place("tea")  # E: arg-type P: reportArgumentType
    await shop.place()  # E: call-arg P: reportCallIssue
    await shop.place(1, True)  # E: call-arg P: reportCallIssue
    await shop.place(1, gifts=True)  # E: call-arg P: reportCallIssue
    shop.place(1)  # E: unused-coroutine P: reportUnusedCoroutine
    count: int = await shop.place(1)  # E: assignment P: reportAssignmentType
    print(count, shop.place(1).upper())  # E: attr-defined P: reportAttributeAccessIssue
    await shop.note("one way")  # E: misc P: reportGeneralTypeIssues
    for frame in shop.frames():  # E: attr-defined P: reportGeneralTypeIssues
        print(frame)
    async for frame in shop.frames():
        print(frame + 1)  # E: operator P: reportOperatorIssue
    shop.callRemote("place", 1)  # E: attr-defined P: reportAttributeAccessIssue
    await root.typed(Store[str]).put(5)  # E: arg-type P: reportArgumentType
    number: int = await root.typed(Store[str]).get()  # E: assignment P: reportAssignmentType
    print(number)


def no_interfaces(root: likewise.RemoteReference) -> None:
    root.typed(5)  # E: arg-type P: reportArgumentType
    root.typed(print)  # E: arg-type P: reportArgumentType
    root.typed()  # E: call-arg P: reportCallIssue
    likewise.serves(5)  # E: arg-type P: reportArgumentType
    likewise.serves(Shop)(5)  # E: type-var P: reportArgumentType


class Wrong(Protocol):
    """One way, nothing comes back."""

    @likewise.one_way  # E: type-var P: reportArgumentType, reportUntypedFunctionDecorator
    def count(self) -> int: ...
