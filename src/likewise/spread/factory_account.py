"""
What the connections of one factory may do together, who makes way for whom, and who is looked at for being silent or
slow.

Only where a peer can be any: over sockets. What an application, or a test of one, joins in memory is its own business.
No timer runs for this: trial takes one that is left at the end of a test for a fault of the test. Instead all are looked
at now and then when anything comes from any of them, and who is silent harms nobody meanwhile.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from twisted.internet import interfaces
from twisted.python import log

from ..errors import LimitExceeded, RemoteProtocolError
from ..limits import Limits
from ..logs import Allowance
from ..serving.account import Account, Watch, period
from ..serving.liveness import Lines
from ..sockets import line_of
from .clock import the_reactor
from .places import place_of_transport
from .sockets import socket_of

LOG_LINE_BYTES: Final = 300  # bytes that a line counts as, whatever it says


class FactoryAccount(Account):
    """The account of one factory."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.admitted: set[AdmittedBroker] = set()
        soonest = min(limits.idle_seconds, limits.handshake_seconds, limits.keepalive_seconds)
        self._period = period(replace(limits, idle_seconds=soonest))
        self._looked_at = 0.0
        self.lines = Lines(limits.keepalive_seconds)
        self._allowance = Allowance(limits.log_lines, limits.log_bytes, log.msg)
        self._renewal: tuple[float, Callable[[], None]] | None = None

    def may_log(self, kind: str) -> bool:
        """Whether one more line about a peer may be logged."""
        self._renew()
        may = self._allowance.may_write(self._renew_later, kind)
        if may:
            self._allowance.wrote(LOG_LINE_BYTES)
        return may

    def wrote(self, size: int) -> None:
        """So many bytes more than a line were logged."""
        self._allowance.wrote(size)

    def _renew_later(self, seconds: float, renew: Callable[[], None]) -> None:
        self._renewal = the_reactor().seconds() + seconds, renew

    def _renew(self) -> None:
        if self._renewal is not None and the_reactor().seconds() >= self._renewal[0]:
            renew, self._renewal = self._renewal[1], None
            renew()

    def look(self) -> None:
        """Something has come: time, perhaps, to look at all connections."""
        now = the_reactor().seconds()
        since = now - self._looked_at
        if since >= self._period:
            self._looked_at = now
            self._renew()
            for admitted in tuple(self.admitted):
                admitted.look(now, since > self.limits.message_seconds / 4)
                if self.lines.has_vanished(admitted, line_of(admitted.socket), now):
                    admitted.drop(RemoteProtocolError(str(self.lines.error())))

    def ended(self, admitted: AdmittedBroker) -> None:
        """A connection has ended."""
        self.admitted.discard(admitted)
        if not self.admitted:
            self._allowance.flush()


class AdmittedBroker:
    """One connection, as the account of its factory knows it."""

    __slots__ = ("__weakref__", "_account", "_address", "_holds", "_is_counted", "_line", "_opened_at", "_watch")

    def __init__(self, line: Any, account: FactoryAccount, address: str) -> None:
        self._line = line
        self._account = account
        self._address = address
        self._holds = False
        self._opened_at = the_reactor().seconds()
        self._watch = Watch(self._opened_at)
        self._is_counted = True

    def heard(self) -> None:
        """Bytes have come, and what is whole of them was handled."""
        self._watch.heard = True
        self._account.look()
        held = self._line.protocol.core.held_bytes
        noticed = self._account.unfinished.noticed
        if held > noticed or self._holds:
            self._holds = held > noticed
            self._account.unfinished.note(self, held)

    def unread(self, held: int) -> None:
        """So many bytes of output wait for their reader."""
        if self._is_counted:
            self._account.unread.note(self, held)

    @property
    def socket(self) -> Any:
        """The socket, where the transport has one."""
        return socket_of(self._line.protocol.transport)

    def greeted(self) -> None:
        """Both ends agreed on a dialect, or never will."""
        self._account.greeted_by(self)

    def make_way(self, reason: LimitExceeded) -> None:
        """End, and be counted out at once: another one takes the place."""
        self._leave()
        self._line.drop(reason)

    def drop(self, reason: RemoteProtocolError) -> None:
        """End, with what is unfinished and unread."""
        self._line.give_up(reason)

    def look(self, now: float, is_late: bool) -> None:
        """
        Drop a peer that has been silent for too long, or that takes too long for a message.

        ``is_late``: it was not looked for long, so that nobody knows when the message that is unfinished began.
        """
        line, limits = self._line, self._account.limits
        core = line.protocol.core
        if core.is_closed:
            return
        seconds = limits.handshake_seconds
        if self in self._account.newcomers:
            if now - self._opened_at > seconds:
                line.drop(RemoteProtocolError(f"no dialect agreed within {seconds:g} s"))
            return
        is_waiting = core.held_bytes > 0 and not line.is_waiting_for_turn and not is_late
        late = self._watch.verdict(now, limits, core.messages, is_waiting, line.calls.running > 0)
        if late is not None:
            line.drop(late)

    def ended(self, running: int) -> None:
        """The connection has ended; so many of its calls run on."""
        self._account.orphaned(self._address, running)
        self._leave()

    def _leave(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self.greeted()
            self._account.leave(self, self._address)
            self._account.ended(self)

    def may_log(self, kind: str) -> bool:
        """Whether one more line about this peer may be logged."""
        return self._account.may_log(kind)

    def wrote(self, size: int) -> None:
        """So many bytes more than a line were logged about this peer."""
        self._account.wrote(size)

    def orphan_ended(self) -> None:
        """One of these calls has ended."""
        self._account.orphaned(self._address, -1)


_accounts: weakref.WeakKeyDictionary[Any, FactoryAccount] = weakref.WeakKeyDictionary()


def admit(line: Any) -> AdmittedBroker | None:
    """
    Count a new connection in; ``None`` for one that is nobody else's: without a factory, or in memory.

    Raises:
        LimitExceeded: there are too many already.
    """
    transport, factory = line.protocol.transport, line.protocol.factory
    if factory is None or not interfaces.ISystemHandle.providedBy(transport):
        return None
    account = _accounts.get(factory)
    if account is None:
        account = _accounts[factory] = FactoryAccount(line.protocol.core.limits)
    account.look()
    address = place_of_transport(transport)
    admitted = AdmittedBroker(line, account, address)
    refused = account.let_in(admitted, address, account.admitted)
    if refused is not None:
        raise refused
    account.admitted.add(admitted)
    return admitted


__all__ = ("FactoryAccount", "AdmittedBroker", "admit")
