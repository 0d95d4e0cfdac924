"""
The account of one endpoint's connections, and the timer that looks after those that are silent or slow.

One timer for all: one for each connection would cost at every chunk.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..broker.account import NOTICED, Account, period
from ..limits import Limits

if TYPE_CHECKING:
    from .connection import Connection


class Guard(Account):
    """The account of an endpoint that asyncio serves."""

    __slots__ = ("_period", "_timer")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._period = period(limits)
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, connections: Iterable[Connection]) -> None:
        """Look at these connections from time to time, until there are none."""
        if self._timer is None:
            self._timer = loop.call_later(self._period, self._look, loop, connections)

    def _look(self, loop: asyncio.AbstractEventLoop, connections: Iterable[Connection]) -> None:
        self._timer = None
        now = loop.time()
        for connection in tuple(connections):
            self.watch(loop, connections)
            connection.look(now)


def keep_alive(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Have the system find out within so many seconds whether a TCP peer that says nothing is still there."""
    plug: socket.socket | None = transport.get_extra_info("socket")
    if plug is None or plug.family not in (socket.AF_INET, socket.AF_INET6):
        return
    within = max(1, min(32_767, int(seconds)))
    options = {"TCP_KEEPIDLE": max(1, within // 2), "TCP_KEEPINTVL": max(1, within // 10), "TCP_KEEPCNT": 5}
    options["TCP_USER_TIMEOUT"] = within * 1_000  # the same for what was sent and never acknowledged
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if hasattr(socket, name):
                plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError:  # it has gone already, or the system knows better
        pass


__all__ = ("NOTICED", "Guard", "keep_alive")
