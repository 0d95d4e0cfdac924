"""A peer that leaves unread what is written to it: no more of its calls start, and in time it is dropped."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..broker.core import Broker
from ..errors import ProtocolError, RemoteProtocolError
from ..limits import Limits


class Slow(Protocol):
    """The calls of that peer."""

    broker: Broker
    is_ended: bool

    def hold(self) -> None:
        """Start no more calls."""


class AnswerLine(Protocol):
    """What carries the answers."""

    def unsent_bytes(self) -> int: ...
    def give_up(self, error: ProtocolError) -> None: ...


class Unread:
    """From the moment that the transport's buffer is full until the peer has read what is in it."""

    __slots__ = ("_calls", "_limits", "_line", "_loop", "_stall", "_written")

    def __init__(self, calls: Slow, line: AnswerLine, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._calls = calls
        self._line = line
        self._limits = limits
        self._loop = loop
        self._stall: asyncio.TimerHandle | None = None
        self._written = 0  # bytes, since the time of the peer began

    def consider(self) -> None:
        """Start no more calls if it is answers that are unread, and too many."""
        calls = self._calls
        if self._stall is None and not calls.is_ended and calls.broker.outbox.answer_bytes > self._limits.unread_answers:
            calls.hold()
            self._wait()

    def wrote(self, size: int) -> None:
        """So many bytes more were written."""
        self._written += size

    def end(self) -> None:
        """The peer has read everything, or the line has ended."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _wait(self) -> None:
        self._written = 0
        self._stall = self._loop.call_later(self._limits.stalled_seconds, self._stalled, self._line.unsent_bytes())

    def _stalled(self, unread: int) -> None:
        """Drop the peer if it has read nothing for so long; ``unread`` bytes were, when the time began."""
        if self._line.unsent_bytes() < unread + self._written:
            self._wait()
            return
        self._stall = None
        seconds = self._limits.stalled_seconds
        text = f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)"
        self._line.give_up(RemoteProtocolError(text))


__all__ = ("Unread",)
