"""
An :class:`asyncio.Protocol` that pumps one line: bytes into a session's Broker, and what it has to send to the socket.

One write for each turn of the loop: what methods answer while a chunk is handled goes out behind it, what the
application sends goes out at the end of its turn. Reading stops only for the turns of others, never for the peer.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Protocol, cast

from ..broker.core import Broker
from ..broker.events import CallCancelled, CallReceived
from ..broker.states import Side
from ..errors import (
    ENDS_THE_PROGRAM,
    ConnectionClosed,
    LimitExceeded,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)
from ..serving.account import NOTICED_BYTES, Watch
from ..serving.turns import LIGHT, SLICE
from ..serving.unread import Unread
from ..sockets import HANDED_ON, keep_alive
from .addresses import peer_name, peer_place
from .calls import Calls
from .endpoint import ABORTED_HERE, CLOSED_HERE, CLOSED_THERE
from .loops import end_loop

TLS_RECORD = b"\x16\x03"  # how a client that speaks TLS begins; no PB client's first message does
CLOCK_MASK = 3  # a bit mask: after every fourth message the clock is looked at, which costs as much as a message
MESSAGES_AT_ONCE = 4  # messages that the core handles on its own before it comes back to be asked for the rest


class LineOwner(Protocol):
    """What the user holds, as its line sees it."""

    def _line_opened(self) -> None:
        """Both ends agreed on a dialect."""

    def _line_ended(self, reason: BaseException | None) -> None:
        """The line is gone."""


class Line(Watch):
    """
    One socket of one connection: an :class:`asyncio.Protocol` but for the base class, which no compiled struct can have.

    ``transport`` is asyncio's, ``None`` until it is connected; ``reason`` is why it ended, as far as anybody knows. It is
    its own :class:`Watch` and has none: each idle connection would pay for an object more.
    """

    __slots__ = (
        "__weakref__",
        "_calls",
        "_flush_is_scheduled",
        "_handshake",
        "_held",
        "_is_pumping",
        "_is_counted_out",
        "_reading_is_paused",
        "owner",
        "reason",
        "transport",
    )

    def __init__(self, owner: LineOwner, calls: Calls) -> None:
        super().__init__(0.0)
        self.owner = owner
        self._calls = calls
        self.transport: asyncio.Transport | None = None
        self.reason: BaseException | None = None
        self._handshake: asyncio.TimerHandle | None = None
        self._held = 0  # bytes of an unfinished message
        self._is_pumping = self._flush_is_scheduled = self._reading_is_paused = self._is_counted_out = False

    @property
    def is_greeting(self) -> bool:
        """Whether the greeting is under way."""
        return self._handshake is not None

    @property
    def socket(self) -> Any:
        """The socket, where the transport has one."""
        return self.transport.get_extra_info("socket") if self.transport is not None else None

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        calls = self._calls
        endpoint = calls.endpoint
        self.transport = cast(asyncio.Transport, transport)
        calls.line = self
        calls.peer = peer_name(transport)
        calls.broker = broker = self._new_broker()
        if endpoint.at_first is not None:
            endpoint.at_first(broker)
        if endpoint.is_closing:
            self.abort(LocalProtocolError("the server is being closed"))
            return
        address = peer_place(transport)
        refused = endpoint.account.let_in(self, address, endpoint.lines)
        if refused is not None:
            self._warn("connections refused", "%s: refused: %s", refused)
            self.abort(refused)
            return
        calls.address = sys.intern(address)  # one for all its connections
        self.begin_watch(self._calls.loop.time())
        endpoint.lines.add(self)
        endpoint.account.watch(self._calls.loop, endpoint.lines)
        if self._calls.endpoint.side is Side.CLIENT or not HANDED_ON:
            keep_alive(self.socket, endpoint.limits.keepalive_seconds)
        if endpoint.account.unread.noticed < NOTICED_BYTES:
            self.transport.set_write_buffer_limits(endpoint.account.unread.noticed)
        self._handshake = self._calls.loop.call_later(endpoint.limits.handshake_seconds, self._too_late)
        broker.start()

    def _new_broker(self) -> Broker:
        endpoint = self._calls.endpoint
        broker = Broker(
            self._calls.endpoint.side,
            self._calls,
            endpoint.flavours,
            endpoint.registry,
            endpoint.limits,
            dialects=endpoint.dialects,
            owner=self.owner,
            trace=endpoint.trace,
            peer=self._calls.peer,
        )
        broker.outbox.keep_to_thread(endpoint.thread_check(self._calls.loop))
        return broker

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None and self._calls.endpoint.side is Side.SERVER and data.startswith(TLS_RECORD):
            self.drop(RemoteProtocolError("the client speaks TLS where plain text is served: serve it on tls://"))
            return
        self.heard = True
        self._calls.broker.receive_data(data)
        if self._reading_is_paused:  # it waits for its turn, and what was on its way to it has come
            return
        if self._held + len(data) <= LIGHT:
            self.pump()
            return
        turns = self._calls.endpoint.pace(self._calls.loop).turns
        began = self._calls.loop.time()
        if not turns.may_begin(began):
            self._wait_for_turn()
            return
        self.pump()
        now = self._calls.loop.time()
        turns.ended(now)
        if now - began > SLICE and not self._reading_is_paused:
            self._wait_for_turn()

    def eof_received(self) -> None:
        """The peer will send no more: the transport closes itself."""

    def pause_writing(self) -> None:
        calls = self._calls
        calls.unread = Unread(calls, self, self._calls.endpoint.limits, self._calls.loop)
        calls.unread.consider()

    def resume_writing(self) -> None:
        calls = self._calls
        if calls.unread is not None:
            calls.unread.end()
            calls.unread = None
        self._calls.endpoint.account.unread.hold(self, 0)
        calls.broker.outbox.answer_bytes = 0
        if calls.backlog is not None:
            calls.backlog.hold(False)
        if calls.streams is not None:
            calls.streams.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        calls = self._calls
        self.reason = self.reason or exc or ConnectionClosed(CLOSED_THERE)
        self._count_out()
        calls.is_ended = True
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        if calls.unread is not None:
            calls.unread.end()
        if calls.backlog is not None:
            calls.backlog.connection_lost()
        self.owner._line_ended(self.reason)
        calls.line = None

    # --- reading

    def pump(self) -> None:
        """Handle whole messages, as long as it is this connection's turn."""
        calls = self._calls
        broker = calls.broker
        self._is_pumping = True
        slice_ends = 0.0
        handled = 0
        try:
            while not self._reading_is_paused and not calls.is_ended and not calls.awaits_first_step:
                event = broker.next_event(MESSAGES_AT_ONCE)
                if type(event) is CallReceived:
                    if calls.backlog is None:
                        calls.run(event)
                    else:
                        calls.backlog.take(event)
                elif type(event) is CallCancelled:
                    if calls.backlog is not None:
                        calls.backlog.cancel(event.request)
                elif event is not None:
                    self._open()
                elif not broker.has_more:
                    break
                handled += 1
                if broker.outbox.has_large or not handled & CLOCK_MASK:
                    slice_ends = self._breathe(slice_ends)
        except RemoteProtocolError as error:
            self.drop(error)
        except ENDS_THE_PROGRAM as error:
            end_loop(self._calls.loop, error)
        finally:
            self._is_pumping = False
        self.flush()
        held, unfinished = broker.held_bytes, self._calls.endpoint.account.unfinished
        if held > unfinished.noticed or self._held > unfinished.noticed:
            unfinished.note(self, held)
        self._held = held

    def _breathe(self, slice_ends: float) -> float:
        """
        A few messages were handled: write what has gathered, and let others have the loop if that took longer than until
        ``slice_ends``. Returns when the slice ends; 0 stands for one that begins now.

        A chunk of 256 KiB holds thousands of calls; their answers may be large, each may be as costly as a ceiling allows.
        """
        self._calls.write_answers()
        now = self._calls.loop.time()
        if not slice_ends:
            return now + SLICE
        if now > slice_ends and not self._reading_is_paused:
            self._wait_for_turn()
        return slice_ends

    def _wait_for_turn(self) -> None:
        """Read on when those had their turn that ask for as much."""
        self._reading_is_paused = True
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._calls.endpoint.pace(self._calls.loop).turns.take_turns(self._go_on_reading)

    def _go_on_reading(self) -> None:
        self._reading_is_paused = False
        self.pump()
        if not self._reading_is_paused and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _open(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
            self._calls.endpoint.account.greeted_by(self)
        self.owner._line_opened()

    # --- writing

    def output_ready(self) -> None:
        if not self._is_pumping and not self._flush_is_scheduled:
            self._flush_is_scheduled = True
            self._calls.loop.call_soon(self.flush)

    def output_may_wait(self) -> None:
        if not self._is_pumping and not self._flush_is_scheduled:
            self._calls.endpoint.pace(self._calls.loop).add(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        self._flush_is_scheduled = False
        calls, transport = self._calls, self.transport
        if transport is None or calls.broker.is_closed:
            return
        pieces = calls.broker.data_to_send()
        if not pieces:
            return
        limit = self._calls.endpoint.limits.queued_output
        if transport.get_write_buffer_size() > limit:
            self.give_up(LimitExceeded("queued_output", transport.get_write_buffer_size(), limit))
        elif not transport.is_closing():
            for piece in pieces:
                transport.write(piece)
            if calls.unread is not None:
                calls.unread.wrote(sum(map(len, pieces)))
                self._calls.endpoint.account.unread.note(self, transport.get_write_buffer_size())
            else:
                calls.broker.outbox.answer_bytes = 0
        if calls.backlog is not None:
            calls.backlog.called()

    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    # --- the end

    def close(self) -> asyncio.Transport:
        """End in order: what is queued is sent. The transport, which has ended when the peer has read that."""
        assert self.transport is not None
        self.flush()
        self.reason = self.reason or ConnectionClosed(CLOSED_HERE)
        self.transport.close()
        return self.transport

    def abort(self, reason: BaseException | None) -> None:
        """End at once; what is queued is lost."""
        if self.transport is not None and not self._calls.broker.is_closed:
            self.reason = self.reason or reason or ConnectionClosed(ABORTED_HERE)
            self._calls.is_ended = True
            self.transport.abort()

    def drop(self, error: ProtocolError) -> None:
        """The peer broke the protocol: what was answered before still goes out, if it is read."""
        self._warn("connections dropped", "%s: dropped: %s", error)
        calls = self._calls
        self.reason = self.reason or error
        calls.is_ended = True
        self._is_pumping = False
        self.flush()
        if self.transport is not None:
            (self.transport.abort if calls.unread is not None else self.transport.close)()
        calls.broker.connection_lost(error)

    def give_up(self, error: ProtocolError) -> None:
        """The peer does not read: nothing is sent any more."""
        self._warn("connections dropped", "%s: dropped: %s", error)
        self.abort(error)

    def make_way(self, reason: LimitExceeded) -> None:
        """Another one takes the place of this connection, which has yet to agree on a dialect."""
        self._count_out()
        self._warn("connections that made way", "%s: made way: %s", reason)
        self.abort(reason)

    def look(self, now: float) -> None:
        """Called now and then: drop a peer that has been silent for too long, or that takes too long for a message."""
        calls = self._calls
        broker = calls.broker
        if broker.is_closed and self.transport is not None:  # dropped, and what was answered before is still unread
            self.transport.abort()
            return
        is_waiting = broker.held_bytes > 0 and not self._reading_is_paused
        late = self.verdict(now, self._calls.endpoint.limits, broker.messages, is_waiting, calls.running > 0)
        if late is not None:
            self.drop(late)

    def _too_late(self) -> None:
        self.drop(RemoteProtocolError(f"no dialect agreed within {self._calls.endpoint.limits.handshake_seconds:g} s"))

    def _count_out(self) -> None:
        calls = self._calls
        endpoint = calls.endpoint
        endpoint.lines.discard(self)
        if calls.address is not None and not self._is_counted_out:
            self._is_counted_out = True
            endpoint.account.leave(self, calls.address)
            endpoint.account.orphaned(calls.address, calls.running)
            endpoint.account.greeted_by(self)

    def _warn(self, kind: str, text: str, what: object) -> None:
        self._calls.endpoint.log.warning(self._calls.loop.call_later, kind, text, self._calls.peer, what)


__all__ = ("Line",)
