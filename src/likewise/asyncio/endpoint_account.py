"""
The account of one endpoint's connections, who makes way for whom, and the timer that looks after those that are silent,
slow or gone.

One timer for all: one for each connection would cost at every chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from ..broker.account import Account, period
from ..errors import LimitExceeded
from ..limits import Limits
from ..serving.liveness import Lines
from ..sockets import line_of


class Newcomer(Protocol):
    """Who has connected and not agreed on a dialect yet."""

    def make_way(self, reason: LimitExceeded) -> None:
        """End, and be counted out at once: another one takes the place."""


class AdmittedLine(Protocol):
    """The line of a connection that was let in."""

    @property
    def socket(self) -> Any: ...

    def look(self, now: float) -> None:
        """Drop the peer if it has been silent for too long, or takes too long for a message."""

    def abort(self, reason: BaseException | None) -> None: ...


class EndpointAccount(Account):
    """The account of an endpoint that asyncio serves."""

    __slots__ = ("_lines", "_newcomers", "_period", "_timer")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._period = period(replace(limits, idle_seconds=min(limits.idle_seconds, limits.keepalive_seconds)))
        self._lines = Lines(limits.keepalive_seconds)
        self._timer: asyncio.TimerHandle | None = None
        self._newcomers: dict[Newcomer, str] = {}  # the oldest comes first

    def let_in(self, newcomer: Newcomer, address: str, lines: set[AdmittedLine]) -> LimitExceeded | None:
        """
        Count one more connection in, or say why not.

        Where there are too many, the one that has been silent for longest makes way: who connects without end and says
        nothing keeps nobody out.
        """
        refused = self.admit(address, len(lines))
        if refused is not None:
            is_local = refused.limit == "connections_per_address"
            oldest = next((each for each, place in self._newcomers.items() if place == address or not is_local), None)
            if oldest is not None and refused.limit != "running_calls":
                oldest.make_way(refused)
                refused = self.admit(address, len(lines))
        if refused is None:
            self._newcomers[newcomer] = address
        return refused

    def greeted_by(self, newcomer: Newcomer) -> None:
        """It has agreed on a dialect, or ended before it did."""
        if self._newcomers.pop(newcomer, None) is not None:
            self.greeted()

    def watch(self, loop: asyncio.AbstractEventLoop, lines: Iterable[AdmittedLine]) -> None:
        """Look at these connections from time to time, until there are none."""
        if self._timer is None:
            self._timer = loop.call_later(self._period, self._look, loop, lines)

    def _look(self, loop: asyncio.AbstractEventLoop, lines: Iterable[AdmittedLine]) -> None:
        self._timer = None
        now = loop.time()
        for line in tuple(lines):
            self.watch(loop, lines)
            line.look(now)
            if self._lines.has_vanished(line, line_of(line.socket), now):
                line.abort(self._lines.error())


__all__ = ("EndpointAccount",)
