"""
What the connections of one endpoint may do together: how many there are, from where, and what they hold unfinished.

One connection's ceilings are the broker's and the driver's own; these are the ones that a peer would pass by simply
connecting again. One timer for all looks after those that are silent or slow: a timer for each would cost at every chunk.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ..errors import LimitExceeded
from ..limits import Limits

if TYPE_CHECKING:
    from .connection import Connection

SELDOM: Final = 15.0  # seconds between two looks at what is silent or slow, at most
LEFT_BEHIND: Final = 10  # times running_calls: what the ended connections of one address may leave running
NOTICED: Final = 65_536  # bytes of an unfinished message from which on a connection is looked at


class Guard:
    """The shared account of one endpoint's connections."""

    __slots__ = ("_addresses", "_ceiling", "_greeting", "_held", "_holders", "_orphans", "_period", "_timer", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._period = min(SELDOM, max(0.01, min(limits.idle_seconds, limits.message_seconds) / 8))
        self._timer: asyncio.TimerHandle | None = None
        self._ceiling = max(limits.held_bytes, limits.frame_bytes)  # one message alone is for frame_bytes to judge
        self._addresses: Counter[str] = Counter()
        self._orphans: Counter[str] = Counter()
        self._greeting = 0
        self._holders: dict[Connection, int] = {}  # who holds how much; who has held something for longest comes first
        self._held = 0

    def admit(self, address: str, already: int) -> LimitExceeded | None:
        """Count one more connection in, or say why not; ``already`` are open, ``address`` is ``""`` for a UNIX socket."""
        limits = self.limits
        if already >= limits.connections:
            return LimitExceeded("connections", already + 1, limits.connections)
        if self._greeting >= limits.handshakes:
            return LimitExceeded("handshakes", self._greeting + 1, limits.handshakes)
        if self._orphans[address] >= LEFT_BEHIND * limits.running_calls:
            return LimitExceeded("running_calls", self._orphans[address] + 1, LEFT_BEHIND * limits.running_calls)
        if address and self._addresses[address] >= limits.connections_per_address:
            return LimitExceeded("connections_per_address", self._addresses[address] + 1, limits.connections_per_address)
        self._greeting += 1
        if address:
            self._addresses[address] += 1
        return None

    def greeted(self) -> None:
        """A connection that was counted in has agreed on a dialect, or ended before it did."""
        self._greeting -= 1

    def leave(self, connection: Connection | None, address: str) -> None:
        """A connection that was counted in has ended; ``None`` if it never got as far as being one."""
        if connection is not None:
            self._held -= self._holders.pop(connection, 0)
        if address:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    def orphaned(self, address: str, calls: int) -> None:
        """
        A connection has ended while so many calls of it run; a negative number of them has ended since.

        They may run on, but whoever leaves that many behind may not come back for more before they have ended.
        """
        self._orphans[address] += calls
        if not self._orphans[address]:
            del self._orphans[address]

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

    def hold(self, connection: Connection, held: int) -> Connection | None:
        """
        Note how many bytes of a message are held until its rest arrives; who is to be dropped for it, if anybody.

        It is whoever has kept a large message unfinished for longest: honest ones do not stay that way.
        """
        if held <= NOTICED:
            self._held -= self._holders.pop(connection, 0)
            return None
        self._held += held - self._holders.get(connection, 0)
        self._holders[connection] = held
        if self._held <= self._ceiling:
            return None
        victim = next(iter(self._holders))
        self._held -= self._holders.pop(victim)
        return victim


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
