"""
An :class:`asyncio.Protocol` that pumps one :class:`~likewise.broker.core.Broker`.

One write for each turn of the loop: what methods answer while a chunk is handled goes out behind it, what the
application sends goes out at the end of its turn. A peer that does not read its answers stops being read from.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from ..broker.account import Pool, Watch
from ..broker.core import Broker
from ..broker.events import CallReceived, Opened
from ..broker.states import Side
from ..errors import CallError, ConnectionClosed, LimitExceeded, RemoteProtocolError, text_of
from ..jelly.registry import Registry
from ..limits import Limits
from ..logs import Throttle
from ..objects.by_reference import RemoteReference
from ..objects.flavours import Flavours
from ..trace import Tracer
from ..wire.tokens import DIALECTS, Dialect
from .addresses import ip_address, peer_name
from .dispatch import start
from .guard import HANDED_ON, NOTICED, Guard, keep_alive
from .pace import Pace, pace_of

log = logging.getLogger("likewise")

TLS_RECORD = b"\x16\x03"  # how a client that speaks TLS begins; no PB client's first message does

SLICE = 0.01  # seconds after which a connection waits for its turn among those that ask for as much
LIGHT = 512  # bytes of a chunk up to which its time is not taken: what so few can cost is little more than that
PLAIN = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict))  # can't be awaited: most answers
PIECES = 128  # pieces of answers that gather before they are written, while more calls of the same chunk are handled
PATIENCE = 4  # messages that the core handles on its own before it comes back to be asked for the rest

OnConnection = Callable[["Connection"], object]


@dataclass(slots=True)
class Endpoint:
    """What all connections of one server, or one client, share."""

    registry: Registry
    limits: Limits
    flavours: Flavours
    trace: Tracer | None = None
    dialects: tuple[Dialect, ...] = DIALECTS
    root: Any = None
    at_first: Callable[[Broker], object] | None = None  # called with each core before it starts
    on_open: OnConnection | None = None
    on_close: OnConnection | None = None
    connections: set[Connection] = field(default_factory=set)
    thread: int = 0  # the loop's; connections are made on it
    guard: Guard = field(init=False)
    log: Throttle = field(init=False)
    _pace: Pace | None = None

    def __post_init__(self) -> None:
        self.guard = Guard(self.limits)
        self.log = Throttle(log, self.limits.log_lines)

    def pace(self, loop: asyncio.AbstractEventLoop) -> Pace:
        """When connections are flushed; asked for each change to each observer, so it is kept."""
        if self._pace is None:
            self._pace = pace_of(loop)
        return self._pace


class Connection(asyncio.Protocol):
    """
    One connection, at either end. ``likewise.connect()`` gives one; a server has one for each client.

    ``root`` is the peer's root object, ``peer`` who it is (an address), ``reason`` why the connection ended: ``None``
    while it is open and after an orderly end.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_avatar",
        "_broker",
        "_callbacks",
        "_closed",
        "_endpoint",
        "_flush_is_scheduled",
        "_handshake",
        "_holds",
        "_in_turn",
        "_is_counted_out",
        "_loop",
        "_opened",
        "_reading_is_paused",
        "_reason",
        "_running",
        "_side",
        "_slice_ends",
        "_stall",
        "_tasks",
        "_transport",
        "_watch",
        "_writing_is_paused",
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
        self._tasks: set[asyncio.Task[Any]] | None = None
        self._running = 0
        self._slice_ends = 0.0
        self._watch = Watch(0.0)
        self._holds = False
        self._address: str | None = None  # where it is counted; None while it is not
        self._in_turn = self._flush_is_scheduled = self._is_counted_out = False
        self._reading_is_paused = self._writing_is_paused = False
        self.peer = ""

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
        if self._transport is None or self.broker.is_closed:
            return
        if self._tasks and grace > 0:
            await asyncio.wait(set(self._tasks), timeout=grace)
        for task in tuple(self._tasks or ()):
            task.cancel()
        self._flush()
        self._transport.close()
        try:
            await asyncio.wait_for(self.wait_closed(), max(grace, 0.1))
        except TimeoutError:  # the peer does not read what is left
            self._transport.abort()
            await self.wait_closed()

    def abort(self, reason: BaseException | None = None) -> None:
        """End the connection at once; what is queued is lost."""
        if self._transport is not None and not self.broker.is_closed:
            self._reason = self._reason or reason
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
            await self._opened

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed" if self._broker and self._broker.is_closed else "opening"
        return f"<likewise.Connection with {self.peer or 'nobody yet'}, {state}>"

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        endpoint = self._endpoint
        self._transport = cast(asyncio.Transport, transport)
        self.peer = peer_name(transport)
        root = endpoint.root
        if root is not None:
            try:
                root = root.rootObject(self)
            except Exception as error:
                self.report("running rootObject", error)
                root = None
        self._broker = Broker(
            self._side,
            self,
            endpoint.flavours,
            endpoint.registry,
            endpoint.limits,
            root=root,
            dialects=endpoint.dialects,
            owner=self,
            trace=endpoint.trace,
            peer=self.peer,
        )
        self._broker.patience = PATIENCE
        if endpoint.at_first is not None:
            endpoint.at_first(self._broker)
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
            self._drop(RemoteProtocolError("the client speaks TLS where plain text is served: serve it on tls://"))
            return
        self._watch.heard = True
        if len(data) <= LIGHT:
            self.broker.receive_data(data)
            self._pump()
            return
        began = self._loop.time()
        self.broker.receive_data(data)
        self._pump()
        if self._loop.time() - began > SLICE and not self._reading_is_paused:
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
            self._drop(late)

    def pause_writing(self) -> None:
        self._writing_is_paused = True
        self._consider_reading()

    def resume_writing(self) -> None:
        self._writing_is_paused = False
        self._endpoint.guard.unread.hold(self, 0)
        self.broker.outbox.answer_bytes = 0
        self._go_on_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reason = self._reason or exc
        self._count_out()
        for timer in (self._handshake, self._stall):
            if timer is not None:
                timer.cancel()
        self._handshake = self._stall = None
        try:
            self.broker.connection_lost(self._reason)
        finally:  # a hook may want the program to end: who waits for the end of the connection is told all the same
            self._tell_of_end()

    def _tell_of_end(self) -> None:
        if self._opened is not None and not self._opened.done():
            error = ConnectionClosed(f"{self.peer} closed the connection before a dialect was agreed")
            error.__cause__ = self._reason
            self._opened.set_exception(error)
        callbacks, self._callbacks = self._callbacks or [], None
        if self._endpoint.on_close is not None:
            callbacks.append(self._endpoint.on_close)
        for callback in callbacks:
            self._notify(callback)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

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

    def new_result(self) -> asyncio.Future[Any]:
        return self._loop.create_future()

    def unheard(self, result: asyncio.Future[Any]) -> None:
        result.add_done_callback(_hear)

    def settle(self, result: asyncio.Future[Any], value: Any) -> None:
        if not result.done():
            result.set_result(value)

    def reject(self, result: asyncio.Future[Any], error: BaseException) -> None:
        if not result.done():
            result.set_exception(error)
            if isinstance(error, ConnectionClosed):
                result.exception()  # who did not wait for an answer is told of the end elsewhere, not by a warning for each

    def output_ready(self) -> None:
        if not self._in_turn and not self._flush_is_scheduled:
            self._flush_is_scheduled = True
            self._loop.call_soon(self._flush)

    def output_may_wait(self) -> None:
        if not self._in_turn and not self._flush_is_scheduled:
            self._endpoint.pace(self._loop).add(self._flush)

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

    def report(self, doing: str, error: BaseException) -> None:
        later = self._loop.call_later
        self._endpoint.log.failure(later, f"errors while {doing}", error, "%s: error while %s", self.peer, doing)

    # --- reading

    def _pump(self) -> None:
        """Handle whole messages, as long as answers are read and not too many calls are running."""
        broker = self.broker
        self._in_turn = True
        turns = 0
        self._slice_ends = 0.0
        try:
            while not self._reading_is_paused:
                event = broker.next_event()
                if type(event) is CallReceived:
                    self._run(event)
                elif event is not None:
                    self._open(cast(Opened, event))
                elif not broker.has_more:
                    break
                turns += 1
                if broker.outbox.has_large or not turns & 3:
                    self._breathe()
        except RemoteProtocolError as error:
            self._drop(error)
        finally:
            self._in_turn = False
        self._flush()
        held, unfinished = broker.held_bytes, self._endpoint.guard.unfinished
        if held > unfinished.noticed or self._holds:
            self._holds = held > unfinished.noticed
            self._note(unfinished, held)

    def _breathe(self) -> None:
        """
        A few messages were handled: write what has gathered, and let others have the loop if this took long.

        A chunk of 256 KiB holds thousands of calls; their answers may be large, each may be as costly as a ceiling allows.
        """
        broker = self.broker
        if broker.outbox.has_large or broker.outbox.pieces_waiting > PIECES:
            self._flush()
        now = self._loop.time()
        if not self._slice_ends:
            self._slice_ends = now + SLICE
        elif now > self._slice_ends and not self._reading_is_paused:
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        """Read on when those had their turn that ask for as much."""
        self._pause_reading()
        self._endpoint.pace(self._loop).take_turns(self._go_on_reading)

    def _pause_reading(self) -> None:
        self._reading_is_paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _note(self, pool: Pool, held: int) -> None:
        """What this connection holds, in the endpoint's account of it. Whoever has held much for longest may have to go."""
        victim = pool.hold(self, held)
        if victim is not None:
            victim._drop(pool.excess())

    def _open(self, event: Opened) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
            self._endpoint.guard.greeted_by(self)
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
        if self._endpoint.on_open is not None:
            self._notify(self._endpoint.on_open)

    def _too_late(self) -> None:
        self._drop(RemoteProtocolError(f"no dialect agreed within {self._endpoint.limits.handshake_seconds:g} s"))

    def _drop(self, error: RemoteProtocolError) -> None:
        """The peer broke the protocol: what was answered before still goes out, if it is read."""
        self._endpoint.log.warning(self._loop.call_later, "connections dropped", "%s: dropped: %s", self.peer, error)
        self._reason = self._reason or error
        self._in_turn = False
        self._flush()
        if self._transport is not None:
            (self._transport.abort if self._writing_is_paused else self._transport.close)()
        self.broker.connection_lost(error)

    def _consider_reading(self) -> None:
        """Stop reading from a peer that has too many calls running, or leaves its answers unread."""
        limits = self._endpoint.limits
        unread = self._writing_is_paused and self.broker.outbox.answer_bytes > limits.unread_answers
        if (unread or self._running >= limits.running_calls) and not self._reading_is_paused:
            self._pause_reading()
            if unread and self._stall is None:
                self._stall = self._loop.call_later(limits.stalled_seconds, self._stalled)

    def _go_on_reading(self) -> None:
        if self._stall is not None and not self._writing_is_paused:
            self._stall.cancel()
            self._stall = None
        if self._reading_is_paused and self._running < self._endpoint.limits.running_calls and self._stall is None:
            self._reading_is_paused = False
            self._pump()
            if not self._reading_is_paused and self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def _stalled(self) -> None:
        self._stall = None
        seconds = self._endpoint.limits.stalled_seconds
        self.abort(RemoteProtocolError(f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)"))

    # --- calls of the peer

    def _run(self, call: CallReceived) -> None:
        try:
            value = call.method()(*call.args, **call.kwargs)
        except Exception as error:
            self._fail(call, error)
            return
        kind = type(value)
        if kind in PLAIN or not hasattr(kind, "__await__"):
            self._answer(call, value)
        else:
            self._run_on(call, value)

    def _run_on(self, call: CallReceived, value: Any) -> None:
        """A method that takes its time: a coroutine, or anything that can be awaited."""
        call.args, call.kwargs = (), {}  # the method has them: what it lets go of is given back before it ends
        self._running += 1

        def done(value: Any, error: BaseException | None) -> None:
            self._running -= 1
            if self._address is not None and self.broker.is_closed:
                self._endpoint.guard.orphaned(self._address, -1)
            if error is None:
                self._answer(call, value)
            else:
                self._fail(call, error)
            if self._reading_is_paused:
                self._go_on_reading()

        task = start(self._loop, value, call.name, done)
        if task is not None:
            if self._tasks is None:
                self._tasks = set()
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._consider_reading()

    def _answer(self, call: CallReceived, value: Any) -> None:
        broker = self.broker
        try:
            refused = broker.answer(call, value)
        except Exception as error:  # a hook of the value that was to be sent
            self._fail(call, error)
            return
        if refused is not None:
            text, why = "%s: the answer to %s can't be sent: %s", text_of(refused, 500)
            self._endpoint.log.warning(self._loop.call_later, "answers not sendable", text, self.peer, call.name, why)
        if self._writing_is_paused:
            self._consider_reading()

    def _fail(self, call: CallReceived, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            error = CallError(text_of(error, 500) or "the call was cancelled at the server")
        sent = self.broker.fail(call, error)
        if not isinstance(error, CallError):
            number = getattr(sent, "id", 0)
            id = f"#{number}" if number else ""
            log, later = self._endpoint.log, self._loop.call_later
            log.failure(later, "failures of methods", error, "%s: failure %s in %s", self.peer, id, call.name)
        if self._writing_is_paused:
            self._consider_reading()

    def _notify(self, callback: OnConnection) -> None:
        try:
            callback(self)
        except Exception as error:
            self.report("running a callback of the connection", error)

    # --- writing

    def _flush(self) -> None:
        self._flush_is_scheduled = False
        transport = self._transport
        if transport is None or self.broker.is_closed:
            return
        pieces = self.broker.data_to_send()
        if not pieces:
            return
        limit = self._endpoint.limits.queued_output
        if transport.get_write_buffer_size() > limit:
            self.abort(LimitExceeded("queued_output", transport.get_write_buffer_size(), limit))
        elif not transport.is_closing():
            for piece in pieces:
                transport.write(piece)
            if self._writing_is_paused:
                self._note(self._endpoint.guard.unread, transport.get_write_buffer_size())
            else:
                self.broker.outbox.answer_bytes = 0


def _hear(result: asyncio.Future[Any]) -> None:
    """Look at how it ended, or asyncio warns when it is forgotten: a peer could have that said as often as it likes."""
    if not result.cancelled():
        result.exception()


__all__ = ("Connection",)
