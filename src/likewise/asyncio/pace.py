"""
When connections are flushed: at the end of a turn of the loop, and under a steady stream of changes to many a little
later, so that several changes share a write.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from ..serving.turns import Turns

# Seconds that a published change may wait for others; a single change never waits. Where a flush takes long, as with
# thousands of observers, it is a quarter of that: else each change would be made only after the last had been written out.
SPACING, LONGEST_SPACING = 0.002, 0.02
PART_OF_FLUSH = 0.25


class Pace:
    """The flushes of one event loop; its clock, and whose turn it is, for what both drivers share."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []
        self._last = 0.0
        self._spacing = SPACING
        self.turns = Turns(loop.time, loop.call_soon)

    def now(self) -> float:
        """The time of the loop's clock, in seconds."""
        return self._loop.time()

    def call_soon(self, function: Callable[[], None]) -> asyncio.Handle:
        """Have it run in the next turn of the loop."""
        return self._loop.call_soon(function)

    def call_later(self, seconds: float, function: Callable[[], None]) -> asyncio.TimerHandle:
        """Have it run later."""
        return self._loop.call_later(seconds, function)

    def add(self, flush: Callable[[], None]) -> None:
        """
        Have ``flush()`` run within :data:`SPACING`, or :data:`LONGEST_SPACING` at most where the last flushes took long: in
        the next turn, if nothing was published lately.
        """
        if not self._waiting:
            now = self._loop.time()
            if now - self._last >= self._spacing:
                self._loop.call_soon(self._run)
            else:
                self._loop.call_at(self._last + self._spacing, self._run)
        self._waiting.append(flush)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        start = self._loop.time()
        for flush in waiting:
            flush()
        self._last = self._loop.time()  # which on uvloop also has timers know that time has passed: it does so nowhere else
        self._spacing = min(LONGEST_SPACING, max(SPACING, (self._last - start) * PART_OF_FLUSH))


_paces: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = weakref.WeakKeyDictionary()


def pace_of(loop: asyncio.AbstractEventLoop) -> Pace:
    """The one Pace of a loop."""
    pace = _paces.get(loop)
    if pace is None:
        pace = _paces[loop] = Pace(loop)
    return pace
