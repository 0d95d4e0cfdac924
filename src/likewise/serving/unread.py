"""A peer that leaves unread what is written to it: no more of its calls start, and in time it is dropped."""

from __future__ import annotations

from typing import Protocol

from ..broker.core import Broker
from ..errors import RemoteProtocolError
from ..limits import Limits
from .backlog import Clock, Timer


class Slow(Protocol):
    """The calls of that peer."""

    broker: Broker

    @property
    def is_ended(self) -> bool: ...

    def hold(self) -> None:
        """Start no more calls."""


class AnswerLine(Protocol):
    """What carries the answers."""

    def unsent_bytes(self) -> int: ...
    def give_up(self, error: RemoteProtocolError) -> None: ...


class Unread:
    """From the moment that the transport's buffer is full until the peer has read what is in it."""

    __slots__ = ("_calls", "_clock", "_limits", "_line", "_timer", "_to_be_read")

    def __init__(self, calls: Slow, line: AnswerLine, limits: Limits, clock: Clock) -> None:
        self._calls = calls
        self._line = line
        self._limits = limits
        self._clock = clock
        self._timer: Timer | None = None
        self._to_be_read = 0  # bytes: those that were unread when the time of the peer began, and what was written since

    def consider(self) -> None:
        """Start no more calls if it is answers that are unread, and too many."""
        calls = self._calls
        if self._timer is None and not calls.is_ended and calls.broker.outbox.answer_bytes > self._limits.unread_answers:
            calls.hold()
            self._wait()

    def wrote(self, size: int) -> None:
        """So many bytes more were written."""
        self._to_be_read += size

    def end(self) -> None:
        """The peer has read everything, or the line has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._to_be_read = self._line.unsent_bytes()
        self._timer = self._clock.call_later(self._limits.stalled_seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        """Drop the peer if it has read nothing meanwhile."""
        if self._line.unsent_bytes() < self._to_be_read:
            self._wait()
            return
        self._timer = None
        seconds = self._limits.stalled_seconds
        text = f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)"
        self._line.give_up(RemoteProtocolError(text))


__all__ = ("Unread",)
