"""What the tests of streams share: methods that stream, and ends joined for them."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import likewise
from likewise.testing import pair

PATIENCE = 30
BOTH = ["asynchronous", "plain"]


class Counted:
    """An async iterator that is no generator."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_closed = False

    def __aiter__(self) -> Counted:
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left

    async def aclose(self) -> None:
        self.is_closed = True


class Item(likewise.Referenceable):
    def remote_name(self) -> str:
        return "item"


class Root(likewise.Root):
    """Streams of all kinds; ``made`` is what the last of them has made, ``ends`` how many have ended."""

    def __init__(self) -> None:
        self.made = self.ends = 0
        self.ended = asyncio.Event()
        self.kept: Any = None
        self.tasks: set[Any] = set()
        self.gate = asyncio.Event()
        self.gates: list[asyncio.Event] = []

    def over(self) -> None:
        self.ends += 1
        self.ended.set()

    async def remote_asynchronous(self, count: float) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                if number >= count:
                    return
                self.made = number + 1
                yield number
        finally:
            self.over()

    def remote_plain(self, count: float) -> Iterator[int]:
        try:
            for number in itertools.count():
                if number >= count:
                    return
                self.made = number + 1
                yield number
        finally:
            self.over()

    async def remote_later(self, count: int) -> Any:
        await asyncio.sleep(0)
        return self.remote_asynchronous(count)

    def remote_class(self, count: int) -> Counted:
        self.kept = Counted(count)
        return self.kept

    async def remote_slow(self) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                await asyncio.sleep(0.001)
                self.made = number + 1
                yield number
        finally:
            self.over()

    async def remote_stuck(self, before: int) -> AsyncIterator[int]:
        """Waits for ever behind so many items."""
        try:
            for number in range(before):
                yield number
            await self.gate.wait()
            yield before
        finally:
            self.over()

    async def remote_raise(self, before: int) -> AsyncIterator[int]:
        for number in range(before):
            yield number
        raise likewise.CallError("as asked")

    async def remote_raise_at_end(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(PATIENCE)
        finally:
            raise likewise.CallError("at the end")

    async def remote_each(self, items: list[Any]) -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def remote_unsendable(self, before: int) -> AsyncIterator[Any]:
        try:
            for number in range(before):
                yield [number]
            yield {"lock": object()}
            yield "never made"
        finally:
            self.over()

    async def remote_grows(self, count: int) -> AsyncIterator[list[int]]:
        grown: list[int] = []
        for number in range(count):
            grown.append(number)
            yield grown

    async def remote_shared(self, count: int) -> AsyncIterator[Any]:
        for number in range(count):
            part = [number]
            yield [part, part]

    async def remote_items(self, count: int) -> AsyncIterator[Item]:
        for _ in range(count):
            yield Item()

    async def remote_items_at_gates(self) -> AsyncIterator[Any]:
        self.gates = [asyncio.Event() for _ in range(4)]
        for gate in self.gates:
            await gate.wait()
            yield Item()

    async def remote_task(self) -> AsyncIterator[int]:
        first = asyncio.current_task()
        CONTEXT.set("kept")
        async with asyncio.timeout(PATIENCE):
            for number in range(5_000):
                assert asyncio.current_task() is first and CONTEXT.get() == "kept"
                yield number
                if not number % 1_000:
                    await asyncio.sleep(0)

    async def remote_sum(self, numbers: Any) -> int:
        return sum([number async for number in numbers])

    async def remote_first(self, numbers: Any) -> Any:
        async for number in numbers:
            return number

    def remote_keep(self, numbers: Any) -> None:
        self.kept = numbers

    def remote_echo(self, value: Any) -> Any:
        return value


CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("CONTEXT")
Check = Callable[[Root, likewise.Connection, likewise.Connection], Awaitable[None]]


def run(check: Check, **options: Any) -> None:
    async def main() -> None:
        root = Root()
        async with asyncio.timeout(PATIENCE), pair(root, **options) as (client, server):
            await check(root, client, server)

    asyncio.run(main())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.001)


async def nothing_held(*connections: likewise.Connection) -> None:
    cores = [each._broker for each in connections]
    await until(lambda: not any(any(core.tables.sizes().values()) or core.unanswered for core in cores))
