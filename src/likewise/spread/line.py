"""
The bytes of one connection: what comes goes into the core, by turns, and what the core has to say is written at once.

A call is on the wire when ``callRemote`` returns, and an answer when the method returns. A finalizer may have something to
say at any moment, inside the core, too: then that goes out as soon as the core has been left.
"""

from __future__ import annotations

from collections import deque
from threading import get_ident
from typing import Any

from twisted.python import log
from twisted.python.failure import Failure

from ..bounded import one_line, text_of
from ..broker.core import Broker as Core
from ..broker.events import CallReceived
from ..errors import ENDS_THE_PROGRAM, LimitExceeded, RemoteProtocolError
from ..serving.turns import LIGHT, SLICE
from .calls import DeferredCalls
from .clock import CLOCK, the_reactor
from .factory_account import AdmittedBroker, admit
from .faults import BananaError, ProtocolError
from .pressure import Pressure, unsent
from .reading import SpreadDecoder, TastingDecoder
from .security import is_narrow
from .sockets import set_up

MESSAGES_BEFORE_A_LOOK = 64  # messages that the core handles on its own before it comes back, to see whether the peer reads


class SpreadLine:
    """
    The line of one connection. ``protocol`` is its Broker, which has the transport.

    ``reason`` is why the connection ended, as a Failure, or is about to. ``admitted`` is its place in the account of its
    factory, ``None`` where it is nobody else's. ``depth`` is how many calls into the core are under way; what is done in
    ``with line:`` is one of them. ``has_more``: there is something to write once the last of them has ended, or the flush
    that is under way.
    """

    __slots__ = (
        "_backlog",
        "_core",
        "_dropped",
        "_held",
        "_is_pumping",
        "_last_call",
        "_thread",
        "admitted",
        "calls",
        "depth",
        "has_more",
        "is_flushing",
        "is_waiting_for_turn",
        "pressure",
        "protocol",
        "reason",
    )

    def __init__(self, protocol: Any, core: Core, calls: DeferredCalls) -> None:
        self.protocol = protocol
        self.calls = calls
        self.depth = 0
        self.is_waiting_for_turn = False
        self.reason: Any = None
        self.admitted: AdmittedBroker | None = None
        self.pressure = Pressure(self, core.limits)
        self._core = core
        self._is_pumping = self.is_flushing = self.has_more = False
        self._backlog: deque[bytes] | None = None  # chunks that came while a method ran
        self._dropped: Exception | None = None  # why this end has ended the connection, if it has
        self._held = 0  # bytes of an unfinished message
        self._last_call: Any = None
        self._thread = get_ident()

    def connection_made(self) -> None:
        """The transport is there: find a place among the factory's connections, and begin."""
        self._thread = get_ident()
        try:
            self.admitted = admit(self)
        except LimitExceeded as error:
            self.drop(error)
            return
        set_up(self.protocol.transport, self._core.limits)
        self._core.start()

    # --- reading

    def receive(self, chunk: bytes) -> None:
        """Take bytes, run what they ask for."""
        if self._is_pumping:  # a transport in memory has delivered while a method is running here
            if self._backlog is None:
                self._backlog = deque()
            self._backlog.append(chunk)
            return
        core, admitted = self._core, self.admitted
        core.incoming.decoder = TastingDecoder if is_narrow(self.protocol.security) else SpreadDecoder
        core.receive_data(chunk)
        if admitted is None or self._held + len(chunk) <= LIGHT:  # in memory, whoever delivers is waiting
            self.pump()
        elif not self.is_waiting_for_turn:
            if not CLOCK.turns.may_begin(CLOCK.now()):
                self._wait_for_turn()
            else:
                self.pump()
                CLOCK.turns.ended(CLOCK.now())
        if admitted is not None:
            self._held = core.held_bytes
            admitted.heard()

    def _wait_for_turn(self) -> None:
        """Read on when those had their turn that ask for as much."""
        self.is_waiting_for_turn = True
        self.protocol.transport.pauseProducing()
        CLOCK.turns.take_turns(self._go_on_reading)

    def _go_on_reading(self) -> None:
        self.is_waiting_for_turn = False
        self.pump()
        if not self.is_waiting_for_turn and not self.calls.is_ended:
            self.protocol.transport.resumeProducing()

    def pump(self) -> None:
        """Handle the messages that are here, as long as it is this connection's turn."""
        if self._is_pumping:
            return
        core, calls = self._core, self.calls
        self._is_pumping = True
        handled = 0
        ends = 0.0
        try:
            while not self.is_waiting_for_turn and self._dropped is None:
                self.depth += 1
                try:
                    event = core.next_event(MESSAGES_BEFORE_A_LOOK)
                except ENDS_THE_PROGRAM:  # by a hook; nothing that a peer asks for ends a program of Twisted
                    calls.log_failure(Failure(), "while reading a message")
                    continue
                finally:
                    self.depth -= 1
                if self.has_more:
                    self.flush()
                if type(event) is CallReceived:
                    if calls.backlog is None:
                        calls.run(event)
                    else:
                        calls.backlog.take(event)
                elif event is not None:
                    self._opened()
                elif core.has_more:
                    continue
                elif self._backlog:
                    core.receive_data(self._backlog.popleft())
                else:
                    break
                del event  # and with it the arguments
                handled += 1
                if not handled & 3 and self.admitted is not None:  # to look at the clock costs as much as a message
                    ends = ends or CLOCK.now() + SLICE
                    if CLOCK.now() > ends:
                        self._wait_for_turn()
        except RemoteProtocolError as error:
            self.drop(error)
        finally:
            self._is_pumping = False

    def _opened(self) -> None:
        if self.admitted is not None:
            self.admitted.greeted()
        self.protocol.currentDialect = self._core.dialect.name
        self.protocol.connectionReady()

    # --- writing

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *error: object) -> None:
        self.depth -= 1
        if self.has_more and not self.depth:
            self.flush()

    def release_ready(self) -> None:
        """A reference or a mirror was dropped, on whatever thread."""
        if get_ident() != self._thread:
            the_reactor().callFromThread(self.calls.output_ready)
        elif self.depth:
            self.has_more = True
        else:
            self.flush()

    def flush(self) -> None:
        """Write what the core has to say."""
        pressure, transport = self.pressure, self.protocol.transport
        if self.is_flushing or transport is None:
            return
        self.is_flushing = True
        self.depth += 1
        try:
            while True:
                self.has_more = False
                pieces = self._core.data_to_send()
                if pieces:
                    size = sum(map(len, pieces))
                    pressure.size += size
                    if self.calls.unread is not None:
                        self.calls.unread.wrote(size)
                    is_much = pressure.size > pressure.noticed
                    if is_much:
                        pressure.about_to_write()
                    for piece in pieces:
                        transport.write(bytes(piece))  # that of an array is a memoryview: some transports insist
                    if is_much:
                        pressure.written()
                if not self.has_more:
                    return
        finally:
            self.is_flushing = False
            self.depth -= 1

    def unsent_bytes(self) -> int:
        """How many written bytes have not left this process, as far as the transport can be asked."""
        transport = self.protocol.transport
        # What a transport that can't be asked has taken is believed unread only where it might have said so.
        unread = self.pressure.size if self.pressure.is_producer else 0
        return unsent(transport, unread) if transport is not None else 0

    # --- the end

    def drop(self, error: RemoteProtocolError) -> None:
        """The peer broke the protocol, or is too slow. What was answered before still goes out, if it is read."""
        if self._core.is_closed:
            return
        self._end_with(error)
        self._core.connection_lost(error)
        transport = self.protocol.transport
        if transport is not None:
            transport.loseConnection()
            if self.admitted is not None:
                self._last_call = the_reactor().callLater(self._core.limits.stalled_seconds, self._abort)

    def give_up(self, error: RemoteProtocolError) -> None:
        """The peer does not read: end the connection now, with what waits for it."""
        if self._dropped is None and not self.protocol.disconnected:
            self._end_with(error)
            self._abort()

    def _end_with(self, error: RemoteProtocolError) -> None:
        self._dropped = error
        text = text_of(error)
        cause = BananaError(f"Security precaution: {text}") if isinstance(error, LimitExceeded) else ProtocolError(text)
        self.reason = Failure(cause)
        if self.calls.may_log("connections dropped"):
            log.msg(f"PB connection dropped: {one_line(text_of(cause))}")

    def _abort(self) -> None:
        self._last_call = None
        transport = self.protocol.transport
        abort = getattr(transport, "abortConnection", None) or transport.loseConnection
        abort()

    def connection_lost(self, reason: Any) -> None:
        """The transport has gone: waiting calls fail, observers stop."""
        self.reason = self.reason or reason
        self.pressure.connection_lost()
        self.calls.connection_lost()
        try:
            self._core.connection_lost(self._dropped or getattr(reason, "value", None))
        except BaseException:  # a hook that wants the program to end: Twisted logs it, and tells the others
            log.err()
        if self._last_call is not None:
            self._last_call.cancel()
        if self.admitted is not None:
            self.admitted.ended(self.calls.running)


__all__ = ("SpreadLine",)
