"""An interface, and what serves it with either API: shared by the programs and the tests of typed calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import likewise


class Counter(Protocol):
    """What is handed out by reference."""

    async def add(self, number: int) -> int: ...


class Shop(Protocol):
    async def place(self, order: dict[str, int], *, gift: bool = False) -> str: ...
    async def later(self, value: str) -> str: ...
    async def wrong(self) -> int: ...
    async def counter(self) -> Counter: ...
    async def call_back(self, counter: likewise.Referenceable) -> int: ...
    async def notes(self) -> list[str]: ...
    def frames(self, count: int) -> AsyncIterator[bytes]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


class Answers:
    """The methods that are the same with both APIs."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def remote_place(self, order: dict[str, int], *, gift: bool = False) -> str:
        return f"{sum(order.values())} things{' in paper' if gift else ''}"

    async def remote_wrong(self) -> Any:
        return "no number"

    async def remote_call_back(self, counter: likewise.RemoteReference) -> int:
        return await counter.typed(Counter).add(1)

    def remote_notes(self) -> list[str]:
        return self.told

    async def remote_frames(self, count: int) -> AsyncIterator[bytes]:
        for n in range(count):
            yield bytes(n)

    def remote_note(self, text: str) -> None:
        self.told.append(text)
