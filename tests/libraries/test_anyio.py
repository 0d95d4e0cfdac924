"""anyio inside a remote method: its locks, groups and scopes ask for the current task, and keep it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from tests.libraries.both import LOOPS, ask

anyio = pytest.importorskip("anyio")


class Root(likewise.Root):
    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.semaphore = anyio.Semaphore(1)
        self.inside = self.most = 0
        self.notes: list[Any] = []
        self.outer: Any = None

    async def remote_lock(self) -> None:
        async with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await anyio.sleep(0.001)
            self.inside -= 1

    async def remote_semaphore(self) -> None:
        async with self.semaphore:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await anyio.sleep(0.001)
            self.inside -= 1

    async def remote_owns_the_lock(self) -> bool:
        async with self.lock:
            await anyio.sleep(0)
            return self.lock.statistics().owner.id == anyio.get_current_task().id

    async def remote_group(self, count: int) -> list[int]:
        done: list[int] = []

        async def child(number: int) -> None:
            await anyio.sleep(0.001)
            done.append(number)

        async with anyio.create_task_group() as group:
            for number in range(count):
                group.start_soon(child, number)
        return sorted(done)

    async def remote_group_at_once(self) -> str:
        """Entered and left before anything has waited."""
        async with anyio.create_task_group():
            pass
        return "left"

    async def remote_group_that_fails(self) -> None:
        async def fail() -> None:
            raise ValueError("a child")

        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            await anyio.sleep(30)

    async def remote_fail_after(self) -> str:
        try:
            with anyio.fail_after(0.01):
                await anyio.sleep(30)
        except TimeoutError:
            return "out of time"
        return "?"

    async def remote_in_time(self) -> str:
        with anyio.fail_after(30):
            await anyio.sleep(0)
            return "in time"

    async def remote_move_on(self) -> bool:
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(30)
        await anyio.sleep(0)
        return bool(scope.cancelled_caught)

    async def remote_cancel_before_the_first_wait(self) -> bool:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anyio.sleep(30)
        return bool(scope.cancelled_caught)

    async def remote_wait_in_scope(self) -> bool:
        self.outer = anyio.CancelScope()  # which asks for a loop
        with self.outer:
            await anyio.sleep(30)
        return bool(self.outer.cancelled_caught)

    def remote_cancel_scope(self) -> None:
        self.outer.cancel()

    async def remote_shielded(self) -> str:
        with anyio.move_on_after(0.001):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.02)
                self.notes.append("shielded")
            await anyio.sleep(30)
        return self.notes[-1]

    async def remote_thread(self) -> int:
        return await anyio.to_thread.run_sync(sum, [1, 2, 3])

    async def remote_from_thread(self) -> int:
        return await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(anyio.sleep, 0) or 7)

    async def remote_stream(self) -> list[int]:
        send, receive = anyio.create_memory_object_stream[int](0)

        async def produce() -> None:
            async with send:
                for number in range(3):
                    await send.send(number)

        async with anyio.create_task_group() as group:
            group.start_soon(produce)
            async with receive:
                return [number async for number in receive]

    async def remote_name(self) -> bool:
        return anyio.get_current_task().id == id(asyncio.current_task())


@LOOPS
@pytest.mark.parametrize("method", ["lock", "semaphore"])
def test_only_one_at_a_time_is_inside(method: str, loop: str) -> None:
    root = Root()

    async def test(remote: likewise.RemoteReference) -> None:
        await asyncio.gather(*(remote.callRemote(method) for _ in range(20)))
        assert (root.most, root.inside) == (1, 0)
        assert await remote.callRemote("owns_the_lock")

    ask(root, test, loop)


EXPECTED = {
    "group_at_once": "left",
    "fail_after": "out of time",
    "in_time": "in time",
    "move_on": True,
    "cancel_before_the_first_wait": True,
    "shielded": "shielded",
    "thread": 6,
    "from_thread": 7,
    "stream": [0, 1, 2],
    "name": True,
}


@LOOPS
@pytest.mark.parametrize("method", EXPECTED)
def test_what_it_offers_works(method: str, loop: str) -> None:
    async def test(remote: likewise.RemoteReference) -> None:
        assert await asyncio.gather(*(remote.callRemote(method) for _ in range(3))) == [EXPECTED[method]] * 3

    ask(Root(), test, loop)


@LOOPS
def test_task_groups_gather_children_and_their_failures(loop: str) -> None:
    async def test(remote: likewise.RemoteReference) -> None:
        assert await remote.callRemote("group", 5) == [0, 1, 2, 3, 4]
        with pytest.raises(likewise.CallError, match="unhandled errors in a TaskGroup"):
            await remote.callRemote("group_that_fails")
        assert await remote.callRemote("group", 1) == [0]

    ask(Root(), test, loop)


@LOOPS
def test_a_scope_may_be_cancelled_by_another_call(loop: str) -> None:
    async def test(remote: likewise.RemoteReference) -> None:
        waiting = remote.callRemote("wait_in_scope")
        await remote.callRemote("cancel_scope")
        assert await waiting is True

    ask(Root(), test, loop)
