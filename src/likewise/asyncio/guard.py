"""
What the connections of one endpoint may do together: how many there are, from where, and what they hold unfinished.

One connection's ceilings are the broker's and the driver's own; these are the ones that a peer would pass by simply
connecting again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ..errors import LimitExceeded
from ..limits import Limits

if TYPE_CHECKING:
    from .connection import Connection

NOTICED: Final = 65_536  # bytes of an unfinished message from which on a connection is looked at


class Guard:
    """The shared account of one endpoint's connections."""

    __slots__ = ("_addresses", "_ceiling", "_greeting", "_held", "_holders", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._ceiling = max(limits.held_bytes, limits.frame_bytes)  # one message alone is for frame_bytes to judge
        self._addresses: Counter[str] = Counter()
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
