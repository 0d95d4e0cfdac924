"""
When connections are flushed: at the end of a turn of the loop, and under a steady stream of changes to many a little
later, so that several changes share a write. And when those are read from that ask for much: one of them at a time.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable

SPACING = 0.002  # seconds: what a published change may wait for others, at most; a single change never waits


class Pace:
    """The flushes of one event loop, and whose turn it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []
        self._last = 0.0
        self._costly: deque[Callable[[], None]] = deque()

    def take_turns(self, go_on: Callable[[], None]) -> None:
        """
        Have ``go_on()`` run when it is its turn: one of those that wait runs in each turn of the loop.

        Without this, whoever has little to ask waits for everybody who asks for much, each time anew.
        """
        if not self._costly:
            self._loop.call_soon(self._next_turn)
        self._costly.append(go_on)

    def _next_turn(self) -> None:
        go_on = self._costly.popleft()
        if self._costly:
            self._loop.call_soon(self._next_turn)
        go_on()

    def add(self, flush: Callable[[], None]) -> None:
        """Have ``flush()`` run within :data:`SPACING`: in the next turn, if nothing was published lately."""
        if not self._waiting:
            now = self._loop.time()
            if now - self._last >= SPACING:
                self._loop.call_soon(self._run)
            else:
                self._loop.call_at(self._last + SPACING, self._run)
        self._waiting.append(flush)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        for flush in waiting:
            flush()
        self._last = self._loop.time()


_paces: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = weakref.WeakKeyDictionary()


def pace_of(loop: asyncio.AbstractEventLoop) -> Pace:
    """The one Pace of a loop."""
    pace = _paces.get(loop)
    if pace is None:
        pace = _paces[loop] = Pace(loop)
    return pace
