"""aiorwlock inside a remote method: who took the lock is who gives it back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from tests.libraries.both import LOOPS, ask

aiorwlock = pytest.importorskip("aiorwlock")


class Root(likewise.Root):
    def __init__(self) -> None:
        self.lock: Any = aiorwlock.RWLock()
        self.readers = self.most = self.writers = 0

    async def remote_read(self) -> int:
        async with self.lock.reader:
            self.readers += 1
            self.most = max(self.most, self.readers)
            assert not self.writers
            await asyncio.sleep(0.001)
            self.readers -= 1
            return self.most

    async def remote_write(self) -> None:
        async with self.lock.writer:
            self.writers += 1
            assert self.writers == 1 and not self.readers
            await asyncio.sleep(0.001)
            self.writers -= 1

    async def remote_write_and_read(self) -> None:
        async with self.lock.writer, self.lock.writer:  # who has it may have it again
            await asyncio.sleep(0)
            async with self.lock.reader:
                await asyncio.sleep(0)

    def remote_is_locked(self) -> bool:
        return bool(self.lock.reader.locked or self.lock.writer.locked)


@LOOPS
def test_the_lock_is_given_back(loop: str) -> None:
    root = Root()

    async def test(remote: likewise.RemoteReference) -> None:
        await remote.callRemote("write_and_read")
        assert not await remote.callRemote("is_locked")
        await asyncio.gather(*(remote.callRemote(("read", "read", "read", "write")[n % 4]) for n in range(20)))
        assert root.most > 1
        await asyncio.gather(*(remote.callRemote("write_and_read") for _ in range(3)))
        assert not await remote.callRemote("is_locked")

    ask(root, test, loop)
