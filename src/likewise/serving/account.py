"""
What the connections of one endpoint may do together: how many there are, from where, and what they hold unfinished.

One connection's ceilings are the broker's and its driver's own; these are the ones that a peer would pass by simply
connecting again. Both drivers keep one :class:`Account` for each endpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sized
from typing import Any, Final, Protocol

from ..errors import LimitExceeded
from ..limits import Limits

LEFT_BEHIND: Final = 10  # times running_calls: what the ended connections of one address may leave running
NOTICED_BYTES: Final = 65_536  # bytes from which on it is looked at what a connection holds, at the most


class Pool:
    """Bytes that several connections hold, each by itself too few to be refused. ``limit`` is the ceiling's name."""

    __slots__ = ("_ceiling", "_held", "_holders", "limit", "noticed")

    def __init__(self, limit: str, ceiling: int, one: int) -> None:
        self.limit = limit
        self.noticed = noticed(ceiling)
        self._ceiling = max(ceiling, one)  # one connection alone is for a ceiling of its own to judge
        self._holders: dict[Any, int] = {}  # connection -> bytes; the one that has held some for longest comes first
        self._held = 0

    def hold(self, connection: Any, held: int) -> Any:
        """
        Note how many bytes a connection holds; who is to be dropped for it, if anybody.

        It is whoever has held more than :attr:`noticed` for longest: honest ones do not stay that way.
        """
        if held <= self.noticed:
            self._held -= self._holders.pop(connection, 0)
            return None
        self._held += held - self._holders.get(connection, 0)
        self._holders[connection] = held
        if self._held <= self._ceiling:
            return None
        victim = next(iter(self._holders))
        self._held -= self._holders.pop(victim)
        return victim

    def note(self, connection: Any, held: int) -> None:
        """As :meth:`hold`, and have whoever it is dropped."""
        victim = self.hold(connection, held)
        if victim is not None:
            victim.drop(self.excess())

    def excess(self) -> LimitExceeded:
        """Why the victim has to go."""
        return LimitExceeded(self.limit, self._ceiling + 1, self._ceiling)


class Newcomer(Protocol):
    """Who has connected and not agreed on a dialect yet."""

    def make_way(self, reason: LimitExceeded) -> None:
        """End, and be counted out at once: another one takes the place."""


class Account:
    """
    The shared account of one endpoint's connections.

    ``unfinished`` are the bytes of messages whose rest has not arrived, ``unread`` those of output that waits for its
    reader.
    """

    __slots__ = ("_addresses", "_greeting", "_orphans", "limits", "newcomers", "unfinished", "unread")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.unfinished = Pool("held_bytes", limits.held_bytes, limits.frame_bytes)
        self.unread = Pool("unread_bytes", limits.unread_bytes, limits.queued_output)
        self._addresses: Counter[str] = Counter()
        self._orphans: Counter[str] = Counter()
        self._greeting = 0
        self.newcomers: dict[Newcomer, str] = {}  # from where each has come; the oldest comes first

    def let_in(self, newcomer: Newcomer, address: str, connections: Sized) -> LimitExceeded | None:
        """
        Count one more connection in, besides these, or say why not.

        Where there are too many, the one that has been silent for longest makes way: who connects without end and says
        nothing keeps nobody out.
        """
        refused = self.admit(address, len(connections))
        if refused is not None and refused.limit != "running_calls":
            is_local = refused.limit == "connections_per_address"
            oldest = next((each for each, place in self.newcomers.items() if place == address or not is_local), None)
            if oldest is not None:
                oldest.make_way(refused)
                refused = self.admit(address, len(connections))
        if refused is None:
            self.newcomers[newcomer] = address
        return refused

    def greeted_by(self, newcomer: Newcomer) -> None:
        """It has agreed on a dialect, or ended before it did."""
        if self.newcomers.pop(newcomer, None) is not None:
            self.greeted()

    def admit(self, address: str, already: int) -> LimitExceeded | None:
        """Count one more connection in, or say why not; ``already`` are open, ``address`` is ``""`` where nobody knows."""
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

    def leave(self, connection: Hashable | None, address: str) -> None:
        """A connection that was counted in has ended; ``None`` if it never got as far as being one."""
        if connection is not None:
            self.unfinished.hold(connection, 0)
            self.unread.hold(connection, 0)
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


class Watch:
    """What has to be known of one connection to tell whether its peer is silent, or slow with one message."""

    __slots__ = ("heard", "heard_at", "message_at", "messages")

    def __init__(self, now: float) -> None:
        self.messages = 0
        self.begin_watch(now)

    def begin_watch(self, now: float) -> None:
        """The connection is there from now on."""
        self.heard = False  # set whenever anything comes
        self.heard_at = self.message_at = now

    def verdict(self, now: float, limits: Limits, messages: int, is_waiting: bool, is_busy: bool) -> LimitExceeded | None:
        """
        Why the connection is to be dropped, if it is.

        ``messages`` have come so far; ``is_waiting``: the peer has begun one and may go on; ``is_busy``: calls of it run.
        """
        if self.heard:
            self.heard = False
            self.heard_at = now
        if not is_waiting or messages != self.messages:
            self.messages = messages
            self.message_at = now
        if now - self.heard_at > limits.idle_seconds and not is_busy:
            return LimitExceeded("idle_seconds", int(now - self.heard_at), limits.idle_seconds)
        if now - self.message_at > limits.message_seconds:
            return LimitExceeded("message_seconds", int(now - self.message_at), limits.message_seconds)
        return None


def noticed(ceiling: int) -> int:
    """
    Bytes from which on it is looked at what one connection holds, where all together may hold ``ceiling``.

    A thousand that stay below it hold no more than that together.
    """
    return max(4_096, min(NOTICED_BYTES, ceiling // 1_024))


def period(limits: Limits) -> float:
    """Seconds between two looks at the connections of an endpoint."""
    return min(15.0, max(0.01, min(limits.idle_seconds, limits.message_seconds) / 8))


__all__ = ("NOTICED_BYTES", "Account", "Newcomer", "Pool", "Watch", "noticed", "period")
