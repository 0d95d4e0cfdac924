"""
What a peer may leave unread, and have running: then its messages are not read either, and in the end it is dropped.

Whether a peer reads is known by the transport, which tells its producer. A connection becomes one only when much was
written since the peer was last known to have read everything: for as long as a transport has a producer it takes no
other, and some do not close.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import LimitExceeded, RemoteProtocolError
from ..limits import Limits
from .clock import the_reactor

NOTICED: Final = 65_536  # bytes written without a look at whether they are read: what a transport takes without a word


class Flow:
    """
    The back-pressure of one connection, a push producer of its transport while there is any.

    ``is_held`` says that no message of the peer may be handled now; ``running`` counts its calls that are running.
    """

    def __init__(self, broker: Any, limits: Limits) -> None:
        self.is_held = False
        self.running = 0
        self.unread = 0  # bytes written since the peer had read everything, as far as is known
        self.noticed = min(NOTICED, limits.unread_answers, limits.queued_output)
        self._broker = broker
        self._limits = limits
        self._is_producer = False
        self._is_behind = False  # the transport has said that the peer does not keep up
        self._stall: Any = None

    # --- what the connection tells

    def about_to_write(self) -> None:
        """Much is unread, perhaps: have the transport tell."""
        if self._is_producer:
            return
        transport = self._broker.transport
        if self._broker.pageProducers:  # which are asked for more when all was read
            self._is_behind = True
        elif hasattr(transport, "registerProducer"):
            try:
                transport.registerProducer(self, True)
            except RuntimeError:  # it has a producer of the application's, who has the pace in hand
                self.unread = 0
            else:
                self._is_producer = True

    def written(self) -> None:
        """What was announced is written: a transport that has not said anything has little left of it."""
        if not self._is_behind:
            self._drained()
            return
        limit = self._limits.queued_output
        self.unread = unsent(self._broker.transport, self.unread)
        if self.unread > limit:
            self._broker.give_up(LimitExceeded("queued_output", self.unread, limit))
            return
        self._broker.note_unread(self.unread)
        self.consider()

    def consider(self) -> None:
        """Stop to handle what comes from a peer that has too many calls running, or leaves its answers unread."""
        limits, broker = self._limits, self._broker
        unread = self._is_behind and broker.core.outbox.answer_bytes > limits.unread_answers
        if self.is_held or not (unread or self.running >= limits.running_calls):
            return
        self.is_held = True
        pause = getattr(broker.transport, "pauseProducing", None)
        if pause is not None:
            pause()
        if unread and self._stall is None:
            self._stall = the_reactor().callLater(limits.stalled_seconds, self._stalled)

    def ended(self) -> None:
        """A call of the peer has ended."""
        self.running -= 1
        self.go_on()

    def drained(self) -> None:
        """The peer has read everything."""
        self._drained()
        self.go_on()

    def go_on(self) -> None:
        """Handle what waits, and read again, if nothing speaks against it."""
        if not self.is_held or self._stall is not None or self.running >= self._limits.running_calls:
            return
        self.is_held = False
        self._broker.pump()
        if not self.is_held:
            resume = getattr(self._broker.transport, "resumeProducing", None)
            if resume is not None:
                resume()

    def connection_lost(self) -> None:
        """Nothing more is written or read."""
        self._is_producer = self._is_behind = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    # --- what the transport tells its producer

    def pauseProducing(self) -> None:
        """The peer does not keep up."""
        self._is_behind = True

    def resumeProducing(self) -> None:
        """The peer has read everything."""
        self.drained()

    def stopProducing(self) -> None:
        """The transport has gone."""
        self._is_producer = False

    # --- odds and ends

    def _drained(self) -> None:
        if self._is_behind:
            self._broker.note_unread(0)
        self.unread = 0
        self._is_behind = False
        self._broker.core.outbox.answer_bytes = 0
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._is_producer:
            self._is_producer = False
            self._broker.transport.unregisterProducer()
            self._broker.begin_paging()

    @property
    def is_producer(self) -> bool:
        """Whether the transport has this as its producer, and takes no other."""
        return self._is_producer

    def _stalled(self) -> None:
        self._stall = None
        seconds = self._limits.stalled_seconds
        self._broker.give_up(
            RemoteProtocolError(f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)")
        )


def send_at_once(transport: Any) -> None:
    """
    Have TCP not wait for the peer's acknowledgement before it sends the end of a message.

    Else the last part of a page, or a call behind another, waits for up to 40 ms. asyncio does the same by itself.
    """
    try:
        transport.setTcpNoDelay(True)
    except (AttributeError, NotImplementedError, OSError):  # a UNIX socket, or no socket at all
        pass


def unsent(transport: Any, otherwise: int) -> int:
    """How many bytes a transport holds that are not sent, as far as it can be asked; ``otherwise`` where it can't."""
    held = sum(map(len, getattr(transport, "_appSendBuffer", ())))  # of TLS
    while not hasattr(transport, "_tempDataLen"):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return otherwise
    return held + len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)


__all__ = ("Flow", "send_at_once", "unsent")
