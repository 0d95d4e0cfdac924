"""
The account of one endpoint's connections, the rule by which a newcomer makes way for another, and the timer that looks after
connections that are silent, slow or gone.

One timer for all: one for each connection would cost at every chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from ..limits import Limits
from ..serving.account import Account, period
from ..serving.liveness import Lines
from ..sockets import line_of


class AdmittedLine(Protocol):
    """The line of a connection that was let in."""

    @property
    def socket(self) -> Any: ...

    def look(self, now: float) -> None:
        """Drop the peer if it has been silent for too long, or takes too long for a message."""

    def abort(self, reason: BaseException | None) -> None: ...


class EndpointAccount(Account):
    """The account of an endpoint that asyncio serves."""

    __slots__ = ("_lines", "_period", "_timer")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._period = period(replace(limits, idle_seconds=min(limits.idle_seconds, limits.keepalive_seconds)))
        self._lines = Lines(limits.keepalive_seconds)
        self._timer: asyncio.TimerHandle | None = None

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
