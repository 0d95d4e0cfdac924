"""
The Perspective Broker protocol, without I/O: bytes in, events and bytes out.

A driver feeds :meth:`Broker.receive_data`, takes events from :meth:`Broker.next_event` until there are none, and
writes :meth:`Broker.data_to_send` once for each turn of its loop. Frames are decoded one by one, when the driver asks:
a call sees the tables as the messages before it left them, and a driver that stops asking stops the peer.

After an error the core takes no more input and can tell why (:attr:`Broker.reason`). Every call settles: by an answer,
an error, an answer that can't be decoded, or the end of the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..bounded import CLIP, clip, text_of
from ..errors import (
    ENDS_THE_PROGRAM,
    CallError,
    Error,
    InsecureJelly,
    LimitExceeded,
    LocalProtocolError,
    NotSendable,
    RemoteProtocolError,
    TooManyCalls,
)
from ..jelly import atoms
from ..jelly.atoms import ANSWER, CACHEMESSAGE, ERROR, MESSAGE
from ..jelly.context import Flavours, Luid
from ..jelly.decoder import Decoder
from ..jelly.encoder import Encoder
from ..jelly.registry import Registry
from ..jelly.salvage import Salvage
from ..limits import Limits
from ..trace import Record, Tracer
from ..wire.framer import Frame, Framer
from ..wire.sink import LARGE_PIECE
from ..wire.tokens import DIALECTS, LIKEWISE_1, Dialect
from ..wire.writer import Pieces, int_token
from . import fanout, messages, ours
from .events import CallCancelled, CallReceived, Driver, Event, Opened, call_received
from .messages import ANSWER_HEAD, CACHEMESSAGE_HEAD, ERROR_HEAD, MESSAGE_HEAD, luid_token, name_token, read_luid
from .names import check_keywords, method_name
from .outbox import Outbox
from .states import Move, Side, State, closed_error, following, for_caller, not_open
from .tables import NOTHING, Observed, Tables, takes_expressions
from .telling import tell_all

OPEN, CLOSED = State.OPEN, State.CLOSED  # looked up once: to find a member of an enum costs as much as to read a token
IDLE_KEPT = 4
_idle: list[Decoder] = []  # to be used again, by whatever connection is next


class Broker:
    """
    One end of one connection.

    ``root`` is what the peer may call first (a server's), ``registry`` what may come in, ``dialects`` what this end
    speaks, the best first. The driver sets itself in with ``driver``; ``owner`` is what users know as the connection.
    A driver with forms of its own passes subclasses of ``encoder`` and ``decoder``.
    """

    __slots__ = (
        "_callbacks",
        "_faults",
        "_framer",
        "_given_back",
        "_name_limit",
        "_next_request",
        "_open_calls",
        "_waiting",
        "decoder",
        "dialects",
        "driver",
        "flavours",
        "has_more",
        "limits",
        "messages",
        "outbox",
        "owner",
        "patience",
        "peer",
        "reason",
        "registry",
        "side",
        "speaks_early",
        "state",
        "tables",
        "trace",
    )

    def __init__(
        self,
        side: Side,
        driver: Driver,
        flavours: Flavours,
        registry: Registry,
        limits: Limits,
        *,
        root: Any = None,
        dialects: tuple[Dialect, ...] = DIALECTS,
        owner: Any = None,
        trace: Tracer | None = None,
        peer: str = "",
        encoder: type[Encoder] = Encoder,
        decoder: type[Decoder] = Decoder,
    ) -> None:
        self.decoder = decoder
        self.speaks_early = False  # whether a server may call before the client has chosen a dialect, as Twisted's may
        self.side = side
        self.driver = driver
        self.flavours = flavours
        self.registry = registry
        self.limits = limits
        self.dialects = dialects
        self.owner = owner
        self.trace = trace
        self.peer = peer
        self.state = State.GREETING
        self.reason: BaseException | None = None
        self.tables = Tables(self, limits, flavours, driver)
        if root is not None:
            self.tables.name(b"root", root)
        self.outbox = Outbox(driver, self.tables, encoder)
        self._name_limit = limits.name_bytes
        self._open_calls = limits.open_calls
        self._framer = Framer(limits)
        self._waiting: dict[int, Any] = NOTHING
        self._next_request = 1
        self.patience = 0  # messages to handle in one call of next_event, where they are no events; 0: all there are
        self.has_more = False
        self.messages = 0  # how many have come
        self._callbacks: list[Callable[[], object]] | None = None
        self._faults = 0
        self._given_back = 0  # caches that were released without ever having been held: an uncache comes for each

    def start(self) -> None:
        """The connection is made: a server speaks first."""
        if self.side is Side.SERVER:
            self._move(Side.SERVER, Move.OFFER)
            self.outbox.queue([messages.offer(self.dialects)])

    # --- what users' objects call

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self.state is CLOSED

    @property
    def dialect(self) -> Dialect:
        """What both ends speak, once they have agreed."""
        return self.outbox.dialect

    @property
    def unanswered(self) -> int:
        """How many of our calls wait for an answer."""
        return len(self._waiting)

    @property
    def held_bytes(self) -> int:
        """Bytes of the peer that are kept until the rest of their message arrives."""
        return self._framer.held_bytes

    def remote(self, name: str = "root") -> Any:
        """The one reference to what the peer has under a well-known name: no bytes, and whether it exists is not asked."""
        return self.tables.remote(name)


    def call(
        self,
        luid: Luid,
        method: str | bytes,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        perspective: Any = None,
        want_answer: bool = True,
        to_cache: bool = False,
    ) -> Any:
        """
        Queue a call on an object, or a mirror, that the peer has; then write :meth:`data_to_send`.

        Arguments are written before this returns: changing them later changes nothing on the wire. Returns a result
        of the driver's making that settles once, or ``None`` if no answer is wanted.

        Raises:
            NotSendable: an argument can't cross. Nothing was queued, no id was spent.
            TooManyCalls: ``limits.open_calls`` calls are unanswered. Nothing was queued.
            ConnectionClosed: the connection has ended.
            LocalProtocolError: no dialect is agreed yet.
            WrongThread: this is not the thread of the driver's loop.
        """
        self.outbox.check_thread(method)
        is_early = not self.outbox.is_open
        if is_early and not (self.speaks_early and self.state is State.CHOOSING and self.side is Side.SERVER):
            raise not_open(self.state, self.reason)
        if want_answer and len(self._waiting) >= self._open_calls:
            raise TooManyCalls(f"{self.limits.open_calls} calls are unanswered (limits.open_calls)")
        request = self._next_request
        pieces: Pieces = [
            CACHEMESSAGE_HEAD if to_cache else MESSAGE_HEAD,
            int_token(request),
            luid_token(luid),
            name_token(method, self.outbox.name_limit),
            b"\x01\x81" if want_answer else b"\x00\x81",
        ]
        has_large = self.outbox.write(pieces, args, kwargs, perspective)
        if self._next_request != request:  # a hook has made a call of its own meanwhile
            request = self._next_request
            pieces[1] = int_token(request)
        self._next_request = request + 1
        result = None
        if want_answer:  # before the bytes: a driver may write at once, and the answer be back before that returns
            if self._waiting is NOTHING:
                self._waiting = {}
            result = self._waiting[request] = self.driver.new_result(request)
            if to_cache:  # who publishes a change need not ask what became of it
                self.driver.unheard(result)
                self.tables.change_sent(request, luid)
        if is_early:
            self.outbox.queue_spelled(pieces)
        else:
            self.outbox.queue(pieces, has_large)
        return result

    def cancel(self, request: int) -> None:
        """The caller has given up on a call. In ``likewise-1`` the peer is told; an answer to it comes all the same."""
        if request in self._waiting and self.outbox.is_open and self.dialect is LIKEWISE_1:
            self.outbox.queue([messages.cancel(request)])

    def spend_request(self) -> int:
        """Use up the number of a call without making one."""
        self._next_request += 1
        return self._next_request - 1

    def publish(self, observers: tuple[Any, ...], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """As :func:`likewise.broker.fanout.publish`, which is not about this connection alone."""
        fanout.publish(observers, name, args, kwargs)

    def end_mirror(self, luid: int, reason: str) -> None:
        """As :func:`likewise.broker.ours.end_mirror`; of what is just being written, when that is done."""
        self.outbox.check_thread(None, "observer.end()")
        if self.state is not CLOSED:
            self.outbox.behind(partial(ours.end_mirror, self.tables, self.outbox, luid, reason))

    def refused(self, error: Exception) -> Any:
        """A result that has failed already, for a caller that must not be raised at."""
        result = self.driver.new_result(0)
        self.driver.reject(result, error)
        return result

    def notify_on_disconnect(self, callback: Callable[[], object]) -> None:
        """Have ``callback()`` run once when the connection ends; at once if it has."""
        self.outbox.check_thread()
        if self.is_closed:
            tell_all(self.driver, "running a disconnect callback", [callback])
        else:
            if self._callbacks is None:
                self._callbacks = []
            self._callbacks.append(callback)

    def dont_notify_on_disconnect(self, callback: Callable[[], object]) -> None:
        """Take a callback back; nothing happens if it is not there."""
        if self._callbacks is not None and callback in self._callbacks:
            self._callbacks.remove(callback)

    def hold_to(self, registry: Registry, limits: Limits) -> None:
        """
        From the next message on let in what this registry has, within these ceilings of the wire.

        So a stranger may send little until it is known who it is. Ceilings of other kinds stay.
        """
        self.registry = registry
        self._framer.hold_to(limits)
        if self.state is OPEN:
            self._framer.speak(self.dialect)

    # --- what the driver does with calls of the peer

    def answer(self, call: CallReceived, value: Any) -> NotSendable | None:
        """
        Answer a call. A value that can't cross becomes an error for the caller, which is also returned, for the log.
        """
        if not call.want_answer or not self.outbox.is_open:
            return None
        pieces: Pieces = [ANSWER_HEAD + int_token(call.request)]
        try:
            has_large = self.outbox.write(pieces, value, None, call.perspective)
        except NotSendable as error:
            error.within("answer")
            self.fail(call, error)
            return error
        self.outbox.queue_answer(pieces, has_large)
        return None

    def fail(self, call: CallReceived, error: BaseException) -> Any:
        """Answer a call with an exception; returns what was sent for it (its ``id`` belongs in the log)."""
        if getattr(type(call.target), "is_cache", False):
            self.tables.change_refused(call.target, error if call.want_answer else None)
        if not call.want_answer or not self.outbox.is_open:
            return None
        return self._send_error(call.request, error)

    # --- bytes

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the peer; then ask for :meth:`next_event` until there is none."""
        if self.state is not CLOSED:
            self._framer.feed(data)

    def next_event(self) -> Event | None:
        """
        What the peer's messages ask for, one at a time; ``None`` when more bytes are needed.

        Or, where :attr:`patience` is set, when so many messages have asked for nothing: then :attr:`has_more` is true.

        Raises:
            RemoteProtocolError: the peer broke the protocol: close the connection, then call :meth:`connection_lost`.
        """
        handled = 0
        while self.state is not CLOSED:
            try:
                frame = self._framer.next_frame()
                if frame is None:
                    self.has_more = False
                    return None
                self.messages += 1
                event = self._message(frame) if self.outbox.is_open else self._greeting(frame)
            except RemoteProtocolError as error:
                self._trace("fault", error=text_of(error, CLIP))
                raise
            if event is not None:
                return event
            handled += 1
            if handled == self.patience:
                self.has_more = True
                return None
        self.has_more = False
        return None

    def data_to_send(self) -> Pieces:
        """The pieces to write now, in order; empty when there is nothing."""
        if self.tables.dropped and self.outbox.is_open:
            self._release_dropped()
        return self.outbox.take()

    def connection_lost(self, reason: BaseException | None = None) -> None:
        """
        The connection has ended: every waiting call fails, every observer stops, who asked is told.

        ``reason`` is why, ``None`` for an orderly end; the calls' ConnectionClosed chains it.
        """
        if self.state is CLOSED:
            return
        self.state = CLOSED
        self.outbox.clear()
        if reason is not None:  # its frames hold what was being read, for as long as anybody remembers why it ended
            BaseException.with_traceback(reason, None)
        self.reason = reason
        self._framer = Framer(self.limits)  # an unfinished message must not wait for the garbage collector
        waiting, self._waiting = self._waiting, NOTHING
        for result in waiting.values():
            self.driver.reject(result, closed_error(reason))
        stops = [partial(entry.stop, self.driver) for entry in self.tables.clear(text_of(closed_error(reason)))]
        callbacks, self._callbacks = self._callbacks or (), None
        try:
            tell_all(self.driver, "running a disconnect callback", [*stops, *callbacks])
        finally:
            self._trace("closed", reason=text_of(reason, CLIP) if reason else "")

    # --- odds of writing

    def _send_error(self, request: int, error: BaseException) -> Any:
        pieces: Pieces = [ERROR_HEAD + int_token(request)]
        sent: Any = None
        try:
            sent = self.flavours.error_to_send(error)
            self.outbox.write(pieces, sent, None, None)
        except BaseException as unsendable:  # the state of an exception can't cross, or a hook raises
            if not self.outbox.is_open:
                return sent
            sent = self.flavours.error_in_short(error, unsendable)
            del pieces[1:]
            self.outbox.write(pieces, sent, None, None)
            if isinstance(unsendable, ENDS_THE_PROGRAM):
                self.outbox.queue_answer(pieces)
                raise
        self.outbox.queue_answer(pieces)
        return sent

    def _release_dropped(self) -> None:
        """Give back what the application has let go of since the last flush."""
        for is_cache, luid, count in self.tables.take_releases():
            piece = messages.release(atoms.DECACHE if is_cache else atoms.DECREF, luid) * count
            self.outbox.queue([piece], len(piece) >= LARGE_PIECE)

    # --- reading

    def _greeting(self, frame: Frame) -> Event | None:
        """An offer or a choice of dialects; anything else is a violation."""
        expression = Decoder(frame, self.registry, None, self.limits).read_expression()
        if self.side is Side.CLIENT:
            self._move(Side.SERVER, Move.OFFER)
            dialect = messages.best_offered(expression, self.dialects)
            self.outbox.queue([messages.choice(dialect)])
        else:
            dialect = messages.chosen(expression, self.dialects)
        self._move(Side.CLIENT, Move.CHOICE)
        return self._open(dialect)

    def _open(self, dialect: Dialect) -> Event:
        self.outbox.speak(dialect)
        self._framer.speak(dialect)
        self.outbox.queue([messages.version()])
        ours.tell_limits(self.outbox, self.limits)
        self._trace("opened", dialect=dialect.name.decode())
        return Opened(dialect)

    def _move(self, sender: Side, move: Move) -> None:
        after = following(self.state, sender, move)
        if after is None:
            who = LocalProtocolError if sender is self.side else RemoteProtocolError
            raise who(f"the {sender.value} may not send a {move.value} while {self.state.value}")
        self.state = after
        self.outbox.is_open = after is OPEN

    def _message(self, frame: Frame) -> Event | None:
        """Handle one whole message; a call becomes an event."""
        try:
            decoder: Decoder | None = _idle.pop()
        except IndexError:  # none idle; to look first is no help, for other threads have loops of their own
            decoder = None
        if decoder is None or type(decoder) is not self.decoder:
            decoder = self.decoder(frame, self.registry, self.tables, self.limits)
        else:
            decoder.begin(frame, self.registry, self.tables, self.limits)
        try:
            return self._handle(decoder, frame)
        finally:
            decoder.let_go()
            if len(_idle) < IDLE_KEPT:
                _idle.append(decoder)

    def _handle(self, decoder: Decoder, frame: Frame) -> Event | None:
        count = decoder.read_list()
        if not count:
            raise RemoteProtocolError("an empty message")
        word = decoder.read_word()
        if word in (MESSAGE, CACHEMESSAGE):
            if count != 7:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 7")
            return self._call(decoder, frame, word == CACHEMESSAGE)
        if word in (ANSWER, ERROR):
            if count != 3:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 3")
            self._settle(decoder, frame, word == ERROR)
            return None
        if count != 2:
            if self.outbox.dialect is LIKEWISE_1:
                if word == ours.LIMITS:
                    told = ours.read_limits(decoder, count)
                    if not self.outbox.take_told(told):
                        self._fault("limits, which were told already")
                    return None
                if word == atoms.UNCACHE and count == 3:
                    self._released(word, read_luid(decoder), ours.read_reason(decoder))
                    return None
            if word in messages.RELEASE_HEADS or word == atoms.VERSION:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 2")
        elif word in messages.RELEASE_HEADS:
            self._released(word, read_luid(decoder), ours.ENDED)
            return None
        elif word == atoms.VERSION:
            version = decoder.read_expression()
            if version != atoms.PB_VERSION:
                raise RemoteProtocolError(f"Version Incompatibility: {atoms.PB_VERSION} {clip(version)}")
            return None
        elif word == atoms.CANCEL and self.dialect is LIKEWISE_1:
            return CallCancelled(decoder.read_int())
        if word == atoms.DID_NOT_UNDERSTAND:
            self._trace("not-understood", word=clip(decoder.read_expression() if count > 1 else b""))
        else:
            self._fault(f"unknown message {clip(word)}")
            if len(word) <= self.limits.name_bytes:
                self.outbox.queue([messages.did_not_understand(word)])
        return None

    def _call(self, decoder: Decoder, frame: Frame, to_cache: bool) -> Event | None:
        request = decoder.read_int()
        luid = read_luid(decoder)
        raw_name = decoder.read_word()
        want_answer = bool(decoder.read_leaf())
        start = decoder.pos
        try:
            if to_cache:
                target = self.tables.told(luid)
                is_raw = takes_expressions(target)
            else:
                exported = self.tables.exported.get(luid)
                if exported is None:
                    raise Error("Invalid Object ID")
                target = exported.target
                is_raw = exported.is_raw
            perspective = None if to_cache else getattr(target, "perspective", None)
            if is_raw:
                args: Any = decoder.read_expression()
                kwargs: Any = decoder.read_expression()
            else:
                decoder.perspective = perspective
                args = decoder.decode_arguments()
                kwargs = decoder.decode_keywords()
                if type(args) is not tuple or type(kwargs) is not dict:
                    raise InsecureJelly("a call takes a tuple and a dictionary")
                if kwargs:
                    kwargs = check_keywords(kwargs, self._name_limit)
            name = method_name(raw_name, self._name_limit)
        except BaseException as error:  # what a hook of the application raises, too
            self._salvage(decoder, frame, start)
            if to_cache:
                self.tables.change_refused(self.tables.mirror_called(luid), None)
            self._trace("call.refused", method=clip(raw_name), error=text_of(error, CLIP))
            if not isinstance(error, CallError):
                self.driver.report("reading the arguments of a call", error)
            if want_answer:
                self._send_error(request, error)
            else:
                self.driver.one_way_failed(clip(raw_name), error)
            if isinstance(error, ENDS_THE_PROGRAM):
                raise
            return None
        return call_received(request, target, name, args, kwargs, perspective, want_answer, is_raw, decoder.weight)

    def _settle(self, decoder: Decoder, frame: Frame, is_error: bool) -> None:
        """An answer or an error; the call it settles does so even if it can't be read."""
        request = decoder.read_int()
        start = decoder.pos
        result = self._waiting.pop(request, None)
        if result is None:
            self._salvage(decoder, frame, start)
            self._fault(f"an answer to {clip(request)}, which was not asked")
            return
        if self.tables.changes:
            self.tables.change_answered(request, is_error)
        try:
            value = decoder.decode()
            if is_error:
                value = self.flavours.error_to_raise(value, self.registry)
        except BaseException as error:
            self._salvage(decoder, frame, start)
            is_error, value = True, for_caller(error)
        if self.tables.fading and not self._waiting:
            self.tables.fading = None
        if is_error:
            self.driver.reject(result, value)
        else:
            self.driver.settle(result, value)

    def _released(self, word: bytes, luid: Luid, because: str) -> None:
        """The peer gives something back, or has stopped keeping a mirror here up to date."""
        if word == atoms.DECREF:
            known: object = self.tables.release(luid)
        elif word == atoms.UNCACHE:
            mirror = known = self.tables.uncache(luid, because)
            if mirror is not None:
                mirror.stop(self.driver)
            elif self._given_back:
                self._given_back -= 1
                known = True
        else:
            known = self.tables.release_cache(luid)
            if isinstance(known, Observed):
                known.stop(self.driver)
                self.outbox.queue([messages.release(atoms.UNCACHE, luid)])
        if self.tables.fading and not self._waiting:
            self.tables.fading = None
        if not known:
            self._fault(f"{word.decode()} of {clip(luid)}, which is not held")

    def _salvage(self, decoder: Decoder, frame: Frame, start: int) -> None:
        """Give back what a message that is not used had counted for us."""
        held = Salvage(frame, start, decoder.failed_at or decoder.pos).walk()
        pieces = [messages.release(atoms.DECREF, luid) for luid in held.references]
        for luid in held.caches:
            if not self.tables.has_mirror(luid):
                self._given_back += 1
            pieces.append(messages.release(atoms.DECACHE, luid))
        if pieces:
            self.outbox.queue([b"".join(pieces)], True)

    # --- odds and ends

    def _fault(self, what: str) -> None:
        """Something no honest peer sends, yet harmless: noted, and after ``limits.faults`` of them the end."""
        self._faults += 1
        self._trace("fault", error=what)
        if self._faults > self.limits.faults:
            raise LimitExceeded("faults", self._faults, self.limits.faults)

    def _trace(self, name: str, **detail: object) -> None:
        if self.trace is not None:
            self.trace(Record(name, self.peer, detail))
