"""
Whose turn it is: costly messages of many connections, one after another, with everybody else's calls in between.

One turn of an event loop serves every connection that has something to read. Without this rule a hundred costly
messages, each from a connection of its own, would all be handled before anybody else's next call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

LIGHT: Final = 512  # bytes of a message up to which nobody waits for a turn: what so few can cost is little more than that
SLICE: Final = 0.01  # seconds after which a connection waits for its turn among other connections with costly messages
BUDGET: Final = 0.02  # seconds that costly messages take of one turn of the loop, together
GAP: Final = 0.01  # seconds without a costly message that begin a new turn, as far as this is concerned


class Turns:
    """
    The costly messages of one event loop. ``call_soon(function)`` has it run in the loop's next turn.

    Times are in seconds, by a clock of the driver's.
    """

    __slots__ = ("_began", "_call_soon", "_clock", "_ended", "_waiting")

    def __init__(self, clock: Callable[[], float], call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._clock = clock
        self._call_soon = call_soon
        self._waiting: deque[Callable[[], None]] = deque()
        self._began = self._ended = -1.0  # when the costly messages of this turn began, and when the last of them had ended

    def may_begin(self, now: float) -> bool:
        """Whether to handle a message of some size now, and not in a later turn; if so, say when it :meth:`ended`."""
        if now - self._ended > GAP:
            self._began = now
        return now - self._began < BUDGET

    def ended(self, now: float) -> None:
        """A message of some size has been handled."""
        self._ended = now

    def take_turns(self, go_on: Callable[[], None]) -> None:
        """Have ``go_on()`` run when it is its turn: one of those that wait runs in every second turn of the loop."""
        if not self._waiting:
            self._call_soon(self._let_pass)
        self._waiting.append(go_on)

    def _let_pass(self) -> None:
        """
        The turn in between. What came while a costly message was handled is found by this turn's look at the sockets, and
        asyncio runs that behind what was to run soon: without it, a small call would wait for the next costly one, too.
        """
        self._call_soon(self._next_turn)

    def _next_turn(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            self._call_soon(self._let_pass)
        self._began = self._clock()
        try:
            go_on()
        finally:
            self._ended = self._clock()


__all__ = ("BUDGET", "LIGHT", "SLICE", "Turns")
