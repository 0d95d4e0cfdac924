"""
An :class:`asyncio.Protocol` that pumps one :class:`~likewise.broker.core.Broker`.

One write for each turn of the loop: what methods answer while a chunk is handled goes out behind it, what the
application sends goes out at the end of its turn. Reading stops only for the turns of others, never for the peer: calls
that may not start yet are put aside (:mod:`likewise.serving.flow`).
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from ..bounded import is_small, text_of
from ..broker.account import Pool, Watch
from ..broker.core import Broker
from ..broker.events import CallCancelled, CallReceived, Later, Opened, can_be_awaited
from ..broker.states import Side
from ..errors import (
    ENDS_THE_PROGRAM,
    CallError,
    ConnectionClosed,
    LimitExceeded,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)
from ..objects.by_reference import RemoteReference
from ..objects.rebuilt import settleable
from ..serving.turns import LIGHT, SLICE
from .addresses import ip_address, peer_name
from .calls import CallResult, check_thread, end_loop
from .endpoint import Endpoint, OnConnection
from .guard import HANDED_ON, NOTICED, keep_alive
from .tasks import Tasks
from .waiting import WithWaiting

TLS_RECORD = b"\x16\x03"  # how a client that speaks TLS begins; no PB client's first message does

PLAIN = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict))  # can't be awaited: most answers
PIECES = 128  # pieces of answers that gather before they are written, while more calls of the same chunk are handled
PATIENCE = 4  # messages that the core handles on its own before it comes back to be asked for the rest

class Connection(WithWaiting, asyncio.Protocol):
    """
    One connection, at either end. ``likewise.connect()`` gives one; a server has one for each client.

    ``root`` is the peer's root object, ``peer`` who it is (an address), ``reason`` why the connection ended: ``None``
    while it is open and after an orderly end. ``one_way_failures`` counts the calls of the peer that failed here with
    nobody there to be told: one-way ones.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_avatar",
        "_backlog",
        "_broker",
        "_callbacks",
        "_closed",
        "_endpoint",
        "_flush_is_scheduled",
        "_handshake",
        "_held",
        "_in_turn",
        "_is_counted_out",
        "_loop",
        "_opened",
        "_reading_is_paused",
        "_reason",
        "_side",
        "_slice_ends",
        "_transport",
        "_was_opened",
        "_watch",
        "_writing_is_paused",
        "is_ended",
        "peer",
    )

    def __init__(self, endpoint: Endpoint, side: Side, loop: asyncio.AbstractEventLoop) -> None:
        self._endpoint = endpoint
        self._side = side
        self._loop = loop
        endpoint.thread = threading.get_ident()
        self._transport: asyncio.Transport | None = None
        self._broker: Broker | None = None
        self._opened: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._reason: BaseException | None = None
        self._handshake: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._avatar: RemoteReference | None = None  # a login's
        self._callbacks: list[OnConnection] | None = None
        self._was_opened = False
        self._streams = None
        self._backlog: Tasks | None = None  # made with the first call that takes its time
        self._slice_ends = 0.0
        self._watch = Watch(0.0)
        self._held = 0  # bytes of an unfinished message
        self._written = 0  # bytes, since it was noticed that answers are unread
        self._address: str | None = None  # where it is counted; None while it is not
        self._in_turn = self._flush_is_scheduled = self._is_counted_out = False
        self.is_ended = False  # nothing is handled any more, though the transport may still have to say so
        self.awaits_first_step = False  # nothing is handled in between: calls start in the order sent
        self._reading_is_paused = self._writing_is_paused = False
        self.peer = ""
        self.one_way_failures = 0

    # --- for users

    @property
    def root(self) -> RemoteReference:
        """
        The object that the peer serves as its root, or what we are there after a login.

        Asking costs nothing; whether there is one shows at the call.
        """
        return self._avatar if self._avatar is not None else cast(RemoteReference, self.broker.remote("root"))

    @property
    def broker(self) -> Broker:
        """The protocol core of this connection."""
        if self._broker is None:
            raise ConnectionClosed("the connection is not made yet")
        return self._broker

    @property
    def is_open(self) -> bool:
        """Whether calls can be made now."""
        return self._broker is not None and not self._broker.is_closed and self._handshake is None

    @property
    def reason(self) -> BaseException | None:
        """Why the connection ended."""
        return self._reason

    @property
    def dialect(self) -> str:
        """What both ends speak: ``likewise-1``, ``pb`` or ``none``."""
        return self.broker.dialect.name.decode()

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process: its lag. ``limits.queued_output`` is the most."""
        return self._broker.outbox.queued_bytes if self._broker is not None else 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows: ``peercert``, ``ssl_object``, ``socket`` and the like, as asyncio names them."""
        return default if self._transport is None else self._transport.get_extra_info(name, default)

    def notifyOnDisconnect(self, callback: OnConnection) -> None:
        """Have ``callback(this connection)`` run once when it ends; :attr:`peer` and :attr:`reason` tell who and why."""
        check_thread(self._loop, "notifyOnDisconnect()")
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def dontNotifyOnDisconnect(self, callback: OnConnection) -> None:
        """Take a callback back; ValueError if it was not given."""
        if self._callbacks is None:
            raise ValueError("no such callback")
        self._callbacks.remove(callback)

    async def close(self, grace: float = 5.0) -> None:
        """
        End the connection in order: calls that run here may finish within ``grace`` seconds, what is queued is sent.

        Calls of ours that are unanswered fail with ConnectionClosed.
        """
        check_thread(self._loop, "close()")
        if self._transport is None or self.broker.is_closed:
            return
        await self._backlog_made().finish(grace)
        self.flush()
        self._transport.close()
        try:
            await asyncio.wait_for(self.wait_closed(), max(grace, 0.1))
        except TimeoutError:  # the peer does not read what is left
            self._transport.abort()
            await self.wait_closed()

    def abort(self, reason: BaseException | None = None) -> None:
        """End the connection at once; what is queued is lost."""
        check_thread(self._loop, "abort()")
        if self._transport is not None and not self.broker.is_closed:
            self._reason = self._reason or reason
            self.is_ended = True
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Return when the connection has ended, however it does."""
        if self._broker is None or not self._broker.is_closed:
            if self._closed is None:
                self._closed = self._loop.create_future()
            await asyncio.shield(self._closed)

    async def wait_open(self) -> None:
        """
        Return when both ends agree on a dialect.

        Raises:
            ConnectionClosed: they did not; the cause is chained.
        """
        if not self.is_open:
            if self._opened is None:
                self._opened = self._loop.create_future()
            await asyncio.shield(self._opened)

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed" if self._broker and self._broker.is_closed else "opening"
        return f"<likewise.Connection with {self.peer or 'nobody yet'}, {state}>"

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        endpoint = self._endpoint
        self._transport = cast(asyncio.Transport, transport)
        self.peer = peer_name(transport)
        self._broker = Broker(
            self._side,
            self,
            endpoint.flavours,
            endpoint.registry,
            endpoint.limits,
            dialects=endpoint.dialects,
            owner=self,
            trace=endpoint.trace,
            peer=self.peer,
        )
        self._broker.patience = PATIENCE
        self._broker.outbox.keep_to_thread(partial(check_thread, self._loop))
        if endpoint.at_first is not None:
            endpoint.at_first(self._broker)
        if endpoint.is_closing:
            self.abort(LocalProtocolError("the server is being closed"))
            return
        address = ip_address(transport)
        refused = endpoint.guard.let_in(self, address, endpoint.connections)
        if refused is not None:
            endpoint.log.warning(self._loop.call_later, "connections refused", "%s: refused: %s", self.peer, refused)
            self.abort(refused)
            return
        self._address = sys.intern(address)  # one for all its connections
        self._watch = Watch(self._loop.time())
        endpoint.connections.add(self)
        endpoint.guard.watch(self._loop, endpoint.connections)
        if self._side is Side.CLIENT or not HANDED_ON:
            keep_alive(transport.get_extra_info("socket"), endpoint.limits.keepalive_seconds)
        if endpoint.guard.unread.noticed < NOTICED:
            self._transport.set_write_buffer_limits(endpoint.guard.unread.noticed)
        self._handshake = self._loop.call_later(endpoint.limits.handshake_seconds, self._too_late)
        self._broker.start()

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None and self._side is Side.SERVER and data.startswith(TLS_RECORD):
            self.drop(RemoteProtocolError("the client speaks TLS where plain text is served: serve it on tls://"))
            return
        self._watch.heard = True
        self.broker.receive_data(data)
        if self._reading_is_paused:  # it waits for its turn, and what was on its way to it has come
            return
        if self._held + len(data) <= LIGHT:
            self._pump()
            return
        turns = self._endpoint.pace(self._loop).turns
        began = self._loop.time()
        if not turns.may_begin(began):
            self._wait_for_turn()
            return
        self._pump()
        now = self._loop.time()
        turns.ended(now)
        if now - began > SLICE and not self._reading_is_paused:
            self._wait_for_turn()

    def look(self, now: float) -> None:
        """Called now and then: drop a peer that has been silent for too long, or that takes too long for a message."""
        broker = self.broker
        if broker.is_closed and self._transport is not None:  # dropped, and what was answered before is still unread
            self._transport.abort()
            return
        is_waiting = broker.held_bytes > 0 and not self._reading_is_paused
        late = self._watch.verdict(now, self._endpoint.limits, broker.messages, is_waiting, self._running > 0)
        if late is not None:
            self.drop(late)

    def pause_writing(self) -> None:
        self._writing_is_paused = True
        self._consider_holding()

    def resume_writing(self) -> None:
        self._writing_is_paused = False
        self._endpoint.guard.unread.hold(self, 0)
        self.broker.outbox.answer_bytes = 0
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._backlog is not None:
            self._backlog.hold(False)
        if self._streams is not None:
            self.resume_streams()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reason = self._reason or exc
        self._count_out()
        self.is_ended = True
        for timer in (self._handshake, self._stall):
            if timer is not None:
                timer.cancel()
        self._handshake = self._stall = None
        if self._backlog is not None:
            self._backlog.connection_lost()
        self._guarded("ending the connection", partial(self.broker.connection_lost, self._reason))
        if self._opened is not None and not self._opened.done():
            error = ConnectionClosed(f"{self.peer} closed the connection before a dialect was agreed")
            error.__cause__ = self._reason
            self._opened.set_exception(error)
        callbacks, self._callbacks = self._callbacks or [], None
        if self._endpoint.on_close is not None and self._was_opened:
            callbacks.append(self._endpoint.on_close)
        for callback in callbacks:
            self._notify(callback)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    @property
    def _running(self) -> int:
        return self._backlog.running if self._backlog is not None else 0

    def make_way(self, reason: LimitExceeded) -> None:
        """Another one takes the place of this connection, which has yet to agree on a dialect."""
        self._count_out()
        self._endpoint.log.warning(self._loop.call_later, "connections that made way", "%s: made way: %s", self.peer, reason)
        self.abort(reason)

    def _count_out(self) -> None:
        endpoint, address = self._endpoint, self._address
        endpoint.connections.discard(self)
        if address is not None and not self._is_counted_out:
            self._is_counted_out = True
            endpoint.guard.leave(self, address)
            endpoint.guard.orphaned(address, self._running)
            endpoint.guard.greeted_by(self)

    # --- what the core needs of its driver

    def new_result(self, request: int) -> asyncio.Future[Any]:
        if not request:
            return self._loop.create_future()
        result = CallResult(loop=self._loop)
        result.core = self.broker
        result.request = request
        return result

    def unheard(self, result: asyncio.Future[Any]) -> None:
        result.add_done_callback(_hear)

    def settle(self, result: asyncio.Future[Any], value: Any) -> None:
        if not result.done():
            result.set_result(value)

    def reject(self, result: asyncio.Future[Any], error: BaseException) -> None:
        if not result.done():
            error = settleable(error)
            is_lost = isinstance(error, ConnectionClosed)
            result.set_exception(error if is_lost else BaseException.with_traceback(error, self._endpoint.log.mark))
            if is_lost or not is_small(error):
                result.exception()  # no warning of asyncio's, which would print it; of the end one is told elsewhere

    def output_ready(self) -> None:
        if not self._in_turn and not self._flush_is_scheduled:
            self._flush_is_scheduled = True
            self._loop.call_soon(self.flush)

    def output_may_wait(self) -> None:
        if not self._in_turn and not self._flush_is_scheduled:
            self._endpoint.pace(self._loop).add(self.flush)

    def release_ready(self) -> None:
        if self._loop.is_closed():
            return
        if threading.get_ident() == self._endpoint.thread:
            self.output_ready()
        else:
            try:
                self._loop.call_soon_threadsafe(self.output_ready)
            except RuntimeError:  # it closed in between: nobody is left to tell
                pass

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    # --- reading

    def _pump(self) -> None:
        """Handle whole messages, as long as it is this connection's turn."""
        broker = self.broker
        self._in_turn = True
        turns = 0
        self._slice_ends = 0.0
        try:
            while not self._reading_is_paused and not self.is_ended and not self.awaits_first_step:
                event = broker.next_event()
                if type(event) is CallReceived:
                    if self._backlog is None:
                        self.run(event)
                    else:
                        self._backlog.take(event)
                elif type(event) is CallCancelled:
                    if self._backlog is not None:
                        self._backlog.cancel(event.request)
                elif event is not None:
                    self._open(cast(Opened, event))
                elif not broker.has_more:
                    break
                turns += 1
                if broker.outbox.has_large or not turns & 3:
                    self._breathe()
        except RemoteProtocolError as error:
            self.drop(error)
        except ENDS_THE_PROGRAM as error:
            end_loop(self._loop, error)
        finally:
            self._in_turn = False
        self.flush()
        held, unfinished = broker.held_bytes, self._endpoint.guard.unfinished
        if held > unfinished.noticed or self._held > unfinished.noticed:
            self._note(unfinished, held)
        self._held = held

    def _breathe(self) -> None:
        """
        A few messages were handled: write what has gathered, and let others have the loop if this took long.

        A chunk of 256 KiB holds thousands of calls; their answers may be large, each may be as costly as a ceiling allows.
        """
        self.write_answers()
        now = self._loop.time()
        if not self._slice_ends:
            self._slice_ends = now + SLICE
        elif now > self._slice_ends and not self._reading_is_paused:
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        """Read on when those had their turn that ask for as much."""
        self._reading_is_paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._endpoint.pace(self._loop).turns.take_turns(self._go_on_reading)

    def _go_on_reading(self) -> None:
        self._reading_is_paused = False
        self._pump()
        if not self._reading_is_paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _note(self, pool: Pool, held: int) -> None:
        """What this connection holds, in the endpoint's account of it. Whoever has held much for longest may have to go."""
        victim = pool.hold(self, held)
        if victim is not None:
            victim.drop(pool.excess())

    def _open(self, event: Opened) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
            self._endpoint.guard.greeted_by(self)
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
        self._was_opened = True
        if self._endpoint.root is not None:
            self._name_root()
        if self._endpoint.on_open is not None and not self.is_ended:
            self._notify(self._endpoint.on_open)

    def _name_root(self) -> None:
        """Have the application make the root for this peer, which is let in; without one there is no connection."""
        try:
            self.broker.tables.name(b"root", self._endpoint.root.rootObject(self))
        except ENDS_THE_PROGRAM as error:
            end_loop(self._loop, error)
        except BaseException as error:
            self.report("running rootObject", error)
            self.drop(LocalProtocolError("the root object could not be made"))

    def _too_late(self) -> None:
        self.drop(RemoteProtocolError(f"no dialect agreed within {self._endpoint.limits.handshake_seconds:g} s"))

    def drop(self, error: ProtocolError) -> None:
        """The peer broke the protocol: what was answered before still goes out, if it is read."""
        self._dropped(error)
        self._reason = self._reason or error
        self.is_ended = True
        self._in_turn = False
        self.flush()
        if self._transport is not None:
            (self._transport.abort if self._writing_is_paused else self._transport.close)()
        self.broker.connection_lost(error)

    # --- calls of the peer

    def _backlog_made(self) -> Tasks:
        if self._backlog is None:
            self._backlog = Tasks(self, self.broker, self._endpoint, self._loop)
        return self._backlog

    def run(self, call: CallReceived) -> None:
        try:
            value = call.method()(*call.args, **call.kwargs)
        except BaseException as error:
            self.fail(call, error)
            if isinstance(error, ENDS_THE_PROGRAM):
                raise
            return
        if type(value) in PLAIN or not (isinstance(value, Later) or can_be_awaited(value)):
            self.answer(call, value)
        elif isinstance(value, Later):
            value.called(self, call)
        else:
            self._backlog_made().run_on(call, value)

    def answer(self, call: CallReceived, value: Any) -> None:
        broker = self.broker
        try:
            refused = broker.answer(call, value)
        except BaseException as error:  # a hook of the value that was to be sent
            self.fail(call, error)
            if isinstance(error, ENDS_THE_PROGRAM):
                raise
            return
        if refused is not None:
            text, why = "%s: the answer to %s can't be sent: %s", text_of(refused, 500)
            self._endpoint.log.warning(self._loop.call_later, "answers not sendable", text, self.peer, call.name, why)
        if self._writing_is_paused:
            self._consider_holding()

    def fail(self, call: CallReceived, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            error = CallError(text_of(error, 500) or "the call was cancelled at the server")
        sent = self.broker.fail(call, error)
        self._method_failed(call, error, getattr(sent, "id", 0))
        if self._writing_is_paused:
            self._consider_holding()

    def write_answers(self) -> None:
        """Write what has gathered if it is much."""
        if self.broker.outbox.has_large or self.broker.outbox.pieces_waiting > PIECES:
            self.flush()

    def _notify(self, callback: OnConnection) -> None:
        self._guarded("running a callback of the connection", partial(callback, self))

    def _guarded(self, doing: str, run: Callable[[], object]) -> None:
        """Run what must not keep anybody behind it from being told, whatever it raises."""
        try:
            run()
        except ENDS_THE_PROGRAM as error:
            end_loop(self._loop, error)
        except BaseException as error:
            self.report(doing, error)

    # --- writing

    def flush(self) -> None:
        self._flush_is_scheduled = False
        transport = self._transport
        if transport is None or self.broker.is_closed:
            return
        pieces = self.broker.data_to_send()
        if not pieces:
            return
        limit = self._endpoint.limits.queued_output
        if transport.get_write_buffer_size() > limit:
            self._give_up(LimitExceeded("queued_output", transport.get_write_buffer_size(), limit))
        elif not transport.is_closing():
            for piece in pieces:
                transport.write(piece)
            if self._stall is not None:
                self._written += sum(map(len, pieces))
            if self._writing_is_paused:
                self._note(self._endpoint.guard.unread, transport.get_write_buffer_size())
            else:
                self.broker.outbox.answer_bytes = 0
        if self._backlog is not None:
            self._backlog.called()


def _hear(result: asyncio.Future[Any]) -> None:
    """Look at how it ended, or asyncio warns when it is forgotten: a peer could have that said as often as it likes."""
    if not result.cancelled():
        result.exception()


__all__ = ("Connection",)
