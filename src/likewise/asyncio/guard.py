"""
The account of one endpoint's connections, who makes way for whom, and the timer that looks after those that are silent
or slow.

One timer for all: one for each connection would cost at every chunk.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ..broker.account import NOTICED, Account, period
from ..errors import LimitExceeded
from ..limits import Limits
from ..serving.keepalive import keep_alive_options

if TYPE_CHECKING:
    from .connection import Connection


class Newcomer(Protocol):
    """Who has connected and not agreed on a dialect yet."""

    def make_way(self, reason: LimitExceeded) -> None:
        """End, and be counted out at once: another one takes the place."""


class Guard(Account):
    """The account of an endpoint that asyncio serves."""

    __slots__ = ("_newcomers", "_period", "_timer")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._period = period(limits)
        self._timer: asyncio.TimerHandle | None = None
        self._newcomers: dict[Newcomer, str] = {}  # the oldest comes first

    def let_in(self, newcomer: Newcomer, address: str, connections: set[Connection]) -> LimitExceeded | None:
        """
        Count one more connection in, or say why not.

        Where there are too many, the one that has been silent for longest makes way: who connects without end and says
        nothing keeps nobody out.
        """
        refused = self.admit(address, len(connections))
        if refused is not None:
            is_local = refused.limit == "connections_per_address"
            oldest = next((each for each, place in self._newcomers.items() if place == address or not is_local), None)
            if oldest is not None and refused.limit != "running_calls":
                oldest.make_way(refused)
                refused = self.admit(address, len(connections))
        if refused is None:
            self._newcomers[newcomer] = address
        return refused

    def greeted_by(self, newcomer: Newcomer) -> None:
        """It has agreed on a dialect, or ended before it did."""
        if self._newcomers.pop(newcomer, None) is not None:
            self.greeted()

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


HANDED_ON = sys.platform == "linux"  # what is set on a listening socket holds for the connections that it accepts


def keep_alive(plug: socket.socket | None, seconds: float) -> None:
    """Have the system find out within so many seconds whether a TCP peer that says nothing is still there."""
    if plug is None or plug.family not in (socket.AF_INET, socket.AF_INET6):
        return
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in keep_alive_options(seconds).items():
            if hasattr(socket, name):
                plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError:  # it has gone already, or the system knows better
        pass


__all__ = ("HANDED_ON", "NOTICED", "Guard", "keep_alive")
