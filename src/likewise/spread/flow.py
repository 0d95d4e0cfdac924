"""
What the peer leaves unread, and its calls that run and wait.

Whether a peer reads is known by the transport, which tells its producer. A connection becomes one only when much was
written since the peer was last known to have read everything: for as long as a transport has a producer it takes no
other, and some do not close.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet import defer

from ..broker.events import CallReceived
from ..errors import LimitExceeded, NotExecuted, RemoteProtocolError
from ..limits import Limits
from ..serving.backlog import Backlog
from ..serving.flow import ArgumentBytes
from .clock import CLOCK, the_reactor

# bytes written without a look at whether they are read: what a transport takes without a word
NOTICED_UNREAD: Final = 65_536


class DeferredCalls(Backlog):
    """
    The peer's calls that have returned a Deferred, and those that wait to be started.

    ``begin_with`` and ``end_with`` are :meth:`begin` and :meth:`end` with the Deferred, which is cancelled if the call has
    to be ended.
    """

    __slots__ = ("_answers",)

    def __init__(self, broker: Any, limits: Limits, everybody: ArgumentBytes) -> None:
        super().__init__(Callee(broker), broker.core, limits, everybody, CLOCK)
        self._answers: set[defer.Deferred[Any]] = set()

    def begin_with(self, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._answers.add(answer)
        self.begin(call)

    def end_with(self, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._answers.discard(answer)
        self.end(call)

    def cancel_running(self) -> None:
        for answer in tuple(self._answers):
            answer.cancel()


class Callee:
    """A broker as its calls see it: the names of a broker's own attributes are Twisted's."""

    __slots__ = ("_broker",)
    awaits_first_step = False  # a coroutine takes its first step at once here

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    @property
    def is_ended(self) -> bool:
        return bool(self._broker.disconnected or self._broker.core.is_closed)

    def run(self, call: CallReceived) -> None:
        self._broker.run_call(call)

    def refuse(self, call: CallReceived, error: NotExecuted) -> None:
        self._broker.refuse_call(call, error)

    def give_back(self, call: CallReceived) -> None:
        """No dialect that is spoken here tells of this."""

    def drop(self, error: LimitExceeded) -> None:
        self._broker.give_up(error)

    def write_answers(self) -> None:
        """What the core has to say is written at once."""


class UnreadOutput:
    """What one connection's peer leaves unread. A push producer of its transport while that is much."""

    def __init__(self, broker: Any, limits: Limits) -> None:
        self.size = 0  # bytes written since the peer had read everything, as far as is known
        self.noticed = min(NOTICED_UNREAD, limits.unread_answers, limits.queued_output)
        self._broker = broker
        self._limits = limits
        self._is_producer = False
        self._is_behind = False  # the transport has said that the peer does not keep up
        self._stall: Any = None
        self._written = 0  # bytes, since it was noticed that answers are unread

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
                self.size = 0
            else:
                self._is_producer = True

    def written(self) -> None:
        """What was announced is written: a transport that has not said anything has little left of it."""
        if not self._is_behind:
            self._drained()
            return
        limit = self._limits.queued_output
        self.size = unsent(self._broker.transport, self.size)
        if self.size > limit:
            self._broker.give_up(LimitExceeded("queued_output", self.size, limit))
            return
        self._broker.note_unread(self.size)
        self._consider_holding()

    def _consider_holding(self) -> None:
        """Start no more calls of a peer that leaves its answers unread."""
        broker = self._broker
        if self._stall is None and broker.core.outbox.answer_bytes > self._limits.unread_answers:
            broker.calls.hold(True)
            self._stalled_since(self.size)

    def drained(self) -> None:
        """The peer has read everything."""
        self._drained()
        self._broker.calls.hold(False)

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
        self.size = 0
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

    def _stalled_since(self, size: int) -> None:
        self._written = 0
        self._stall = the_reactor().callLater(self._limits.stalled_seconds, self._stalled, size)

    def note_written(self, size: int) -> None:
        """So many bytes more are written."""
        self.size += size
        if self._stall is not None:
            self._written += size

    def _stalled(self, size: int) -> None:
        """Drop the peer if it has read nothing for so long; ``size`` bytes were unread when the time began."""
        now_unread = unsent(self._broker.transport, size + self._written)
        if now_unread < size + self._written:
            self._stalled_since(now_unread)
            return
        self._stall = None
        seconds = self._limits.stalled_seconds
        self._broker.give_up(
            RemoteProtocolError(f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)")
        )


def unsent(transport: Any, otherwise: int) -> int:
    """How many bytes a transport holds that are not sent, as far as it can be asked; ``otherwise`` where it can't."""
    held = sum(map(len, getattr(transport, "_appSendBuffer", ())))  # of TLS
    while not hasattr(transport, "_tempDataLen"):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return otherwise
    return held + len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)


__all__ = ("DeferredCalls", "UnreadOutput", "unsent")
