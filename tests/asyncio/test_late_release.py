"""What is dropped after its event loop has closed: nobody is left to be told, and nothing is raised."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from typing import Any

import pytest

import likewise


class Pond(likewise.Cacheable):
    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class PondCache(likewise.RemoteCache):
    pass


class Shore(likewise.Root):
    def remote_both(self) -> tuple[likewise.Referenceable, Pond]:
        return likewise.Referenceable(), Pond()


ADMITTED = likewise.Registry()
ADMITTED.setUnjellyableForClass(Pond, PondCache)


async def held() -> list[Any]:
    """A reference and a mirror whose connection ends before they do."""
    async with (
        asyncio.timeout(10.0),
        likewise.serve(Shore(), "tcp://127.0.0.1:0") as server,
        likewise.connect(server.address, accept=ADMITTED) as connection,
    ):
        return list(await connection.root.callRemote("both"))


@pytest.mark.parametrize("in_thread", [False, True])
def test_what_outlives_its_loop_is_dropped_in_silence(in_thread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    kept = asyncio.run(held())
    assert [type(each) for each in kept] == [likewise.RemoteReference, PondCache]

    def drop() -> None:
        kept.clear()
        gc.collect()

    if in_thread:
        thread = threading.Thread(target=drop)
        thread.start()
        thread.join(10.0)
    else:
        drop()
    assert [str(each.exc_value) for each in raised] == []
