"""
Whether the peer reads what is written to it.

That is known by the transport, which tells its producer. A connection becomes one only when much was written since the
peer was last known to have read everything: for as long as a transport has a producer it takes no other, and some do not
close.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import LimitExceeded
from ..limits import Limits
from ..serving.unread import Unread
from .clock import CLOCK

NOTICED_UNREAD: Final = 65_536  # bytes written without a look at whether they are read: a transport takes them at once


class Pressure:
    """
    What one connection's peer leaves unread. A push producer of its transport while that is much.

    ``size`` is how many bytes were written since the peer had read everything, as far as is known, ``noticed`` from how many
    on that is looked at; ``is_producer`` whether the transport has this as its producer, and takes no other.
    """

    __slots__ = ("_is_behind", "_limits", "_line", "is_producer", "noticed", "size")

    def __init__(self, line: Any, limits: Limits) -> None:
        self.size = 0
        self.noticed = min(NOTICED_UNREAD, limits.unread_answers, limits.queued_output)
        self.is_producer = False
        self._line = line
        self._limits = limits
        self._is_behind = False  # the transport has said that the peer does not keep up

    # --- what the line tells

    def about_to_write(self) -> None:
        """Much will be unread, perhaps: have the transport tell. When it is written, :meth:`written` is due."""
        if self.is_producer:
            return
        protocol = self._line.protocol
        if protocol.pageProducers:  # which are asked for more when all was read
            self._is_behind = True
        elif hasattr(protocol.transport, "registerProducer"):
            try:
                protocol.transport.registerProducer(self, True)
            except RuntimeError:  # it has a producer of the application's, who has the pace in hand
                self.size = 0
            else:
                self.is_producer = True

    def written(self) -> None:
        """What was announced is written: a transport that has not said anything has little left of it."""
        if not self._is_behind:
            self._all_was_read()
            return
        line, limit = self._line, self._limits.queued_output
        self.size = self.unsent_bytes()
        if self.size > limit:
            line.give_up(LimitExceeded("queued_output", self.size, limit))
            return
        if line.admitted is not None:
            line.admitted.unread(self.size)
        calls = line.calls
        if calls.unread is None:
            calls.unread = Unread(calls, self, self._limits, CLOCK)
        calls.unread.consider()

    def drained(self) -> None:
        """The peer has read everything."""
        self._all_was_read()
        backlog = self._line.calls.backlog
        if backlog is not None:
            backlog.hold(False)

    def connection_lost(self) -> None:
        """Nothing more is written or read."""
        self.is_producer = self._is_behind = False
        self._no_more_unread()

    # --- what serving.unread asks

    def unsent_bytes(self) -> int:
        """How many bytes are unread."""
        return unsent(self._line.protocol.transport, self.size)

    def give_up(self, error: Any) -> None:
        """The peer does not read: end the connection."""
        self._line.give_up(error)

    # --- what the transport tells its producer

    def pauseProducing(self) -> None:
        """The peer does not keep up."""
        self._is_behind = True

    def resumeProducing(self) -> None:
        """The peer has read everything."""
        self.drained()

    def stopProducing(self) -> None:
        """The transport has gone."""
        self.is_producer = False

    # --- odds and ends

    def _all_was_read(self) -> None:
        line = self._line
        if self._is_behind and line.admitted is not None:
            line.admitted.unread(0)
        self.size = 0
        self._is_behind = False
        line.calls.broker.outbox.answer_bytes = 0
        self._no_more_unread()
        if self.is_producer:
            self.is_producer = False
            line.protocol.transport.unregisterProducer()
            line.protocol.begin_paging()

    def _no_more_unread(self) -> None:
        calls = self._line.calls
        if calls.unread is not None:
            calls.unread.end()
            calls.unread = None


def unsent(transport: Any, otherwise: int) -> int:
    """How many bytes a transport holds that are not sent, as far as it can be asked; ``otherwise`` where it can't."""
    held = sum(map(len, getattr(transport, "_appSendBuffer", ())))  # of TLS
    while not hasattr(transport, "_tempDataLen"):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return otherwise
    return held + len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)


__all__ = ("Pressure", "unsent")
