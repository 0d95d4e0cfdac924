"""
One session of the Perspective Broker protocol, without I/O: bytes in, events and bytes out.

A driver feeds :meth:`Broker.receive_data`, takes events from :meth:`Broker.next_event` until there are none, and
writes :meth:`Broker.data_to_send` once for each turn of its loop. Frames are decoded one by one, when the driver asks:
a call sees the tables as the messages before it left them, and a driver that stops asking stops the peer.

Two questions are apart: whether the session may send (:attr:`Outbox.may_send`: a dialect was agreed on, and it has not
ended) and whether a line is there (:attr:`Broker.link`). What is said while no line is there waits for the next one.

After an error the core takes no more input and can tell why (:attr:`Broker.reason`). Every call settles: by an answer,
an error, an answer that can't be decoded, or the end of the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..bounded import CLIP, clip, text_of
from ..errors import LocalProtocolError, NotSendable, RemoteProtocolError, TooManyCalls
from ..jelly import atoms
from ..jelly.context import Flavours, Luid
from ..jelly.decoder import Decoder
from ..jelly.encoder import Encoder
from ..jelly.registry import Registry
from ..limits import Limits
from ..trace import Tracer, recorder
from ..wire.sink import LARGE_PIECE
from ..wire.tokens import DIALECTS, LIKEWISE_1, Dialect
from ..wire.writer import Pieces, int_token
from . import messages, ours
from .answers import send_error
from .callbacks import run_callbacks
from .events import CallReceived, Driver, Event, Opened
from .fanout import Subscription
from .incoming import IncomingMessages
from .link import Link
from .messages import ANSWER_HEAD, CACHEMESSAGE_HEAD, MESSAGE_HEAD, luid_token, name_token
from .outbox import Outbox
from .states import Side, State, closed_error, not_open
from .tables import Tables

OPEN = State.OPEN  # looked up once: to find a member of an enum costs as much as to read a token


class Broker:
    """
    One end of one session: what both ends have told each other, over whatever line carries it.

    ``root`` is what the peer may call first (a server's), ``registry`` what may come in, ``dialects`` what this end
    speaks, the best first. The driver sets itself in with ``driver``; ``owner`` is what users know as the connection.
    A driver with forms of its own passes subclasses of ``encoder`` and ``decoder``.
    """

    __slots__ = (
        "_accepted",
        "_callbacks",
        "_open_calls",
        "_unless_asked",
        "driver",
        "has_more",
        "incoming",
        "is_closed",
        "limits",
        "link",
        "messages",
        "outbox",
        "owner",
        "reason",
        "side",
        "speaks_early",
        "tables",
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
        self.speaks_early = False  # whether a server may call before the client has chosen a dialect, as Twisted's may
        self.side = side
        self.driver = driver
        self.limits = limits
        self.owner = owner
        self.is_closed = False
        self.reason: BaseException | None = None
        self.tables = Tables(self, limits, flavours, driver)
        if root is not None:
            self.tables.name(b"root", root)
        self.outbox = Outbox(driver, self.tables, encoder)
        self.incoming = IncomingMessages(
            self.tables, self.outbox, registry, decoder, recorder(trace, peer) if trace else None
        )
        self._accepted = limits
        self._unless_asked: tuple[Registry, Limits] | None = None  # what a stranger is held to once it is asked
        self.link: Link | None = Link(side, dialects, limits)
        self._open_calls = limits.open_calls
        self.has_more = False
        self.messages = 0  # how many have come
        self._callbacks: list[Callable[[], object]] | None = None

    # --- the line

    def start(self) -> None:
        """The line is made: a server speaks first."""
        if self.link is not None and self.link.start():
            self.driver.output_ready()

    def attach(self, link: Link) -> None:
        """
        Go on over another line, which has yet to be greeted on. What waits to be sent goes out once it is.

        Raises:
            LocalProtocolError: the session has a line, or has ended.
        """
        if self.is_closed or self.link is not None:
            raise LocalProtocolError("the session has ended" if self.is_closed else "the session has a line")
        link.accept(self._accepted, self.dialect)
        self.link = link
        self.start()

    def detach(self) -> None:
        """The line is lost, and the session goes on: calls wait, and what is said waits for :meth:`attach`."""
        self.link = None
        self.has_more = False

    # --- what users' objects call

    @property
    def registry(self) -> Registry:
        """What may come in, and how foreign types go out."""
        return self.incoming.registry

    @property
    def dialect(self) -> Dialect:
        """What both ends speak, once they have agreed."""
        return self.outbox.ceilings.dialect

    @property
    def unanswered(self) -> int:
        """How many of our calls wait for an answer."""
        return len(self.tables.results)

    @property
    def held_bytes(self) -> int:
        """Bytes of the peer that are kept until the rest of their message arrives."""
        return self.link.held_bytes if self.link is not None else 0

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
        is_early = not self.outbox.may_send
        if is_early and not self._may_speak_early():
            raise not_open(self.is_closed, self.reason)
        tables = self.tables
        if want_answer and self._unless_asked is not None:
            self.hold_to(*self._unless_asked)
        if want_answer and len(tables.results) >= self._open_calls:
            raise TooManyCalls(f"{self.limits.open_calls} calls are unanswered (limits.open_calls)")
        request = tables.next_request
        pieces: Pieces = [
            CACHEMESSAGE_HEAD if to_cache else MESSAGE_HEAD,
            int_token(request),
            luid_token(luid),
            name_token(method, self.outbox.ceilings.name_limit),
            b"\x01\x81" if want_answer else b"\x00\x81",
        ]
        has_large = self.outbox.write(pieces, args, kwargs, perspective)
        if tables.next_request != request:  # a hook has made a call of its own meanwhile
            request = tables.next_request
            pieces[1] = int_token(request)
        tables.next_request = request + 1
        result = None
        if want_answer:  # before the bytes: a driver may write at once, and the answer be back before that returns
            result = self.driver.new_result(request)
            tables.add_result(request, result)
            if to_cache:  # a publisher need not ask what became of a change
                self.driver.unheard(result)
                tables.change_sent(request, luid)
        if is_early:
            self.outbox.queue_spelled(pieces)
        else:
            self.outbox.queue(pieces, has_large)
        return result

    def cancel(self, request: int) -> None:
        """The caller has given up on a call. In ``likewise-1`` the peer is told; an answer to it comes all the same."""
        if request in self.tables.results and self.outbox.may_send and self.outbox.ceilings.dialect is LIKEWISE_1:
            self.outbox.queue([messages.cancel(request)])

    def spend_request(self) -> int:
        """Use up the number of a call without making one."""
        self.tables.next_request += 1
        return self.tables.next_request - 1

    def subscribe(self, luid: int, perspective: Any) -> Subscription:
        """Make the Subscription by which changes are published to a mirror that the peer has."""
        return Subscription(self, self.outbox, luid, perspective)

    def end_mirror(self, luid: int, reason: str) -> None:
        """End a mirror that the peer has; where a message is being written, which may hold it, behind that message."""
        self.outbox.check_thread(None, "observer.end()")
        if not self.is_closed:
            self.outbox.behind(partial(ours.end_mirror, self.tables, self.outbox, luid, reason))

    def refused(self, error: Exception) -> Any:
        """A result that has failed already, for where nothing may be raised."""
        result = self.driver.new_result(0)
        self.driver.reject(result, error)
        return result

    def notify_on_disconnect(self, callback: Callable[[], object]) -> None:
        """Have ``callback()`` run once when the connection ends; at once if it has."""
        self.outbox.check_thread()
        if self.is_closed:
            run_callbacks(self.driver, "running a disconnect callback", [callback])
        else:
            if self._callbacks is None:
                self._callbacks = []
            self._callbacks.append(callback)

    def dont_notify_on_disconnect(self, callback: Callable[[], object]) -> None:
        """Take a callback back; nothing happens if it is not there."""
        if self._callbacks is not None and callback in self._callbacks:
            self._callbacks.remove(callback)

    def hold_to(self, registry: Registry, limits: Limits) -> None:
        """From the next message on let in what this registry has, within these ceilings of the wire. All others stay."""
        self._unless_asked = None
        self.incoming.registry = registry
        self._accepted = limits
        if self.link is not None:
            self.link.accept(limits, self.dialect)

    def restrain(self, registry: Registry, limits: Limits) -> None:
        """
        As :meth:`hold_to`, for a peer that has yet to log in, until that is called or this end calls the peer: an answer to
        our own call may have any length, as where a realm calls the mind of a user before it decides on the login.
        """
        before = self._unless_asked or (self.incoming.registry, self._accepted)
        self.hold_to(registry, limits)
        self._unless_asked = before

    # --- what the driver does with calls of the peer

    def answer(self, call: CallReceived, value: Any) -> NotSendable | None:
        """
        Answer a call. A value that can't cross becomes an error for the caller, which is also returned, for the log.
        """
        if not call.want_answer or not self.outbox.may_send:
            return None
        if call.is_raw:  # and so is the answer
            self.outbox.send([atoms.ANSWER, call.request, value])
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
        if not call.want_answer or not self.outbox.may_send:
            return None
        return send_error(self.outbox, self.tables.flavours, call.request, error)

    # --- bytes

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the peer; then ask for :meth:`next_event` until there is none."""
        if self.link is not None:
            self.link.feed(data)

    def next_event(self, patience: int = 0) -> Event | None:
        """
        What the peer's messages ask for, one at a time; ``None`` when more bytes are needed.

        Or when ``patience`` messages, where that is not 0, have asked for nothing: then :attr:`has_more` is true.

        Raises:
            RemoteProtocolError: the peer broke the protocol: close the connection, then call :meth:`connection_lost`.
        """
        handled = 0
        while (link := self.link) is not None:
            try:
                frame = link.next_frame()
                if frame is None:
                    self.has_more = False
                    return None
                self.messages += 1
                if link.state is OPEN:
                    event = self.incoming.handle(frame)
                else:
                    event = self._greeted(link.greet(frame, self.incoming.registry, self.limits))
            except RemoteProtocolError as error:
                self._record("fault", error=text_of(error, CLIP))
                raise
            if event is not None:
                return event
            handled += 1
            if handled == patience:
                self.has_more = True
                return None
        self.has_more = False
        return None

    def data_to_send(self) -> Pieces:
        """The pieces to write now, in order; empty when there is nothing, or no line to write to."""
        link = self.link
        if link is None:
            return []
        greeting = link.take_greeting()
        if link.state is not OPEN and not self.speaks_early:
            return [greeting] if greeting else []
        if self.tables.dropped and self.outbox.may_send:
            self._release_dropped()
        pieces = self.outbox.take()
        if greeting:
            pieces.insert(0, greeting)
        return pieces

    def connection_lost(self, reason: BaseException | None = None) -> None:
        """
        The connection has ended: every waiting call fails, every observer stops, and the callbacks run.

        ``reason`` is why, ``None`` for an orderly end; the calls' ConnectionClosed chains it.
        """
        if self.is_closed:
            return
        self.is_closed = True
        self.outbox.clear()
        if reason is not None:  # its frames hold what was being read, for as long as anybody remembers why it ended
            BaseException.with_traceback(reason, None)
        self.reason = reason
        self.link = None  # an unfinished message must not wait for the garbage collector
        for result in self.tables.take_results():
            self.driver.reject(result, closed_error(reason))
        stops = [partial(entry.stop, self.driver) for entry in self.tables.clear(text_of(closed_error(reason)))]
        callbacks, self._callbacks = self._callbacks or (), None
        try:
            run_callbacks(self.driver, "running a disconnect callback", [*stops, *callbacks])
        finally:
            self._record("closed", reason=text_of(reason, CLIP) if reason else "")

    # --- odds and ends

    def _release_dropped(self) -> None:
        """Give back what the application has let go of since the last flush."""
        for is_cache, luid, count in self.tables.take_releases():
            piece = messages.release(atoms.DECACHE if is_cache else atoms.DECREF, luid) * count
            self.outbox.queue([piece], len(piece) >= LARGE_PIECE)

    def _greeted(self, dialect: Dialect) -> Event | None:
        """A line is open. The first one opens the session."""
        if self.outbox.may_send:
            if dialect is not self.dialect:
                raise RemoteProtocolError(f"this session speaks {clip(self.dialect.name)}, another dialect was agreed on")
            self.driver.output_ready()
            return None
        self.outbox.open(dialect)
        self.outbox.queue([messages.version()])
        ours.tell_limits(self.outbox, self.limits)
        self._record("opened", dialect=dialect.name.decode())
        return Opened(dialect)

    def _may_speak_early(self) -> bool:
        link = self.link
        return self.speaks_early and self.side is Side.SERVER and link is not None and link.state is State.CHOOSING

    def _record(self, name: str, **detail: object) -> None:
        if self.incoming.record is not None:
            self.incoming.record(name, **detail)
