"""
:class:`Broker`: a Twisted protocol that pumps one of likewise's own brokers.

A call is on the wire when ``callRemote`` returns, and an answer when the method returns: what the core has to say is
written at once. What a finalizer has to say is, too, unless it strikes inside the core; then it goes out right after.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from .. import errors
from ..bounded import clip, one_line, shown, text_of
from ..broker import core as cores
from ..broker.events import CallReceived, Later, can_be_awaited
from ..broker.states import Side
from ..errors import ENDS_THE_PROGRAM, ConnectionClosed, LimitExceeded, NotSendable, RemoteProtocolError
from ..jelly.context import Luid
from ..jelly.expressions import to_frame
from ..limits import Limits
from ..serving.flow import ArgumentBytes
from ..serving.turns import LIGHT, SLICE
from ..wire.reader import Reader
from . import banana
from .awaited import as_deferred
from .ceilings import default_limits, narrowed
from .clock import CLOCK, the_reactor
from .core_flavours import SpreadFlavours
from .factory_account import AdmittedBroker, admit
from .failures import Answer, CopyableFailure
from .faults import BananaError, DeadReferenceError, Error, PBConnectionLost, ProtocolError, refused, translated
from .flavors import is_unhandled, name_of, quiet
from .flow import DeferredCalls, UnreadOutput, unsent
from .forms import DETACHED_LIMITS, SpreadDecoder, SpreadEncoder, TastingDecoder
from .jelly import globalSecurity, unjelly
from .paging import WithPages
from .registry import registry
from .reports import FailureOfPeer, WithReports
from .security import is_narrow
from .sockets import set_up
from .streams import WithSpreadStreams
from .tables import WithTables

OPTIONS = frozenset(("pbcallback", "pberrback", "pbanswer"))
MESSAGES_BEFORE_A_LOOK = 64  # messages that the core handles on its own before it comes back, to see whether the peer reads

_logger = Logger(namespace="likewise.spread")


class Broker(WithPages, WithSpreadStreams, WithReports, WithTables, banana.Banana):
    """
    One connection of Perspective Broker.

    ``factory`` made it, ``security`` is its taster, ``limits`` what the peer may make this process hold (``None``: see
    :func:`default_limits`), ``core`` the broker underneath.
    """

    __module__ = "likewise.spread.pb"

    version = 6
    username: Any = None
    factory: Any = None
    limits: Limits | None = None
    logins = 0  # users that are logged in over this connection
    incoming: Limits  # for the messages that come in, once the peer may send any

    def __init__(self, isClient: Any = 1, security: Any = globalSecurity) -> None:
        banana.Banana.__init__(self, isClient)
        self.security = security
        self.disconnected = 0
        self.disconnects: list[Callable[[], object]] | None = []
        self.failures: list[Callable[[], object]] | None = []
        self.connects: list[Callable[[], object]] | None = []
        self.pageProducers: list[Any] = []
        self.maxBrokerRefsViolations = 0
        self.serializingPerspective: Any = None
        self.unserializingPerspective: Any = None
        self._localCleanup: dict[Any, Callable[[], object]] = {}
        self._reason: Any = None
        self._thread = threading.get_ident()
        self._busy = 0  # how deep we are in the core, where a finalizer must not write
        self._is_pumping = self._is_flushing = self._has_more = False
        self.is_waiting_for_turn = False
        self._backlog: deque[bytes] = deque()
        self._dropped: Exception | None = None  # why this end has ended the connection, if it has
        self._admitted: AdmittedBroker | None = None
        self._held = 0  # bytes of an unfinished message
        self._last_call: Any = None
        limits = self.limits or default_limits()
        self.core = cores.Broker(
            Side.CLIENT if isClient else Side.SERVER,
            self,
            SpreadFlavours(self),
            registry,
            limits,
            owner=self,
            encoder=SpreadEncoder,
            decoder=SpreadDecoder,
        )
        self.incoming = limits if self.limits is not None or isClient else narrowed(limits)
        self.core.hold_to(registry, self.incoming)
        self.core.speaks_early = True
        self.unread = UnreadOutput(self, limits)
        self.calls = DeferredCalls(self, limits, ArgumentBytes(limits))
        tables = self.core.tables
        if self.limits is None:  # as many as Twisted's servers give out; of what comes in it counts nothing
            tables.incoming = Limits(references=limits.references * 64, caches=limits.caches * 64)
        tables.released = self._let_go

    # --- the protocol

    def connectionMade(self) -> None:
        self._thread = threading.get_ident()
        self.currentDialect = None
        self.setPrefixLimit(banana._PREFIX_LIMIT)
        self.core.link.dialects = tuple(banana.dialect_called(name) for name in self.knownDialects)
        try:
            self._admitted = admit(self)
        except LimitExceeded as error:
            self.broken(error)
            return
        set_up(self.transport, self.core.limits)
        self.core.start()

    def dataReceived(self, chunk: bytes) -> None:
        """Take bytes, run what they ask for."""
        if self._is_pumping:  # a transport in memory has delivered while a method is running here
            self._backlog.append(chunk)
            return
        self.core.incoming.decoder = TastingDecoder if is_narrow(self.security) else SpreadDecoder
        self.core.receive_data(chunk)
        if self._admitted is None or self._held + len(chunk) <= LIGHT:  # in memory, whoever delivers is waiting
            self.pump()
        elif not self.is_waiting_for_turn:
            if not CLOCK.turns.may_begin(CLOCK.now()):
                self._wait_for_turn()
            else:
                self.pump()
                CLOCK.turns.ended(CLOCK.now())
        if self._admitted is not None:
            self._held = self.core.held_bytes
            self._admitted.heard()

    def _wait_for_turn(self) -> None:
        """Read on when those had their turn that ask for as much."""
        self.is_waiting_for_turn = True
        self.transport.pauseProducing()
        CLOCK.turns.take_turns(self._go_on_reading)

    def _go_on_reading(self) -> None:
        self.is_waiting_for_turn = False
        self.pump()
        if not self.is_waiting_for_turn and not self.disconnected and not self.core.is_closed:
            self.transport.resumeProducing()

    def pump(self) -> None:
        """Handle the messages that are here, as long as it is this connection's turn."""
        if self._is_pumping:
            return
        core, calls = self.core, self.calls
        self._is_pumping = True
        handled = 0
        ends = 0.0
        try:
            while not self.is_waiting_for_turn and self._dropped is None:
                self._busy += 1
                try:
                    event = core.next_event(MESSAGES_BEFORE_A_LOOK)
                except ENDS_THE_PROGRAM:  # by a hook; nothing that a peer asks for ends a program of Twisted
                    self.log_failure(Failure(), "while reading a message")
                    continue
                finally:
                    self._busy -= 1
                if self._has_more:
                    self._flush()
                if type(event) is CallReceived:
                    calls.take(event)
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
                if not handled & 3 and self._admitted is not None:
                    ends = ends or CLOCK.now() + SLICE
                    if CLOCK.now() > ends:
                        self._wait_for_turn()
        except RemoteProtocolError as error:
            self.broken(error)
        finally:
            self._is_pumping = False

    def _opened(self) -> None:
        if self._admitted is not None:
            self._admitted.greeted()
        self.currentDialect = self.core.dialect.name
        self.connectionReady()

    def connectionReady(self) -> None:
        """Both ends agreed on a dialect: calls can be made."""
        connects, self.connects = self.connects or [], None
        for notifier in connects:
            self._guarded(notifier)
        if self.factory is not None:
            self.factory.clientConnectionMade(self)

    def broken(self, error: RemoteProtocolError) -> None:
        """The peer broke the protocol, or is too slow. What was answered before still goes out, if it is read."""
        if self.core.is_closed:
            return
        self._drop(error)
        self.core.connection_lost(error)
        if self.transport is not None:
            self.transport.loseConnection()
            if self._admitted is not None:
                seconds = self.core.limits.stalled_seconds
                self._last_call = the_reactor().callLater(seconds, self._abort)

    def give_up(self, error: RemoteProtocolError) -> None:
        """The peer does not read: end the connection now, with what waits for it."""
        if self._dropped is None and not self.disconnected:
            self._drop(error)
            self._abort()

    def _drop(self, error: RemoteProtocolError) -> None:
        self._dropped = error
        text = text_of(error)
        cause = BananaError(f"Security precaution: {text}") if isinstance(error, LimitExceeded) else ProtocolError(text)
        self._reason = Failure(cause)
        if self.may_log("connections dropped"):
            log.msg(f"PB connection dropped: {one_line(text_of(cause))}")

    def _abort(self) -> None:
        self._last_call = None
        abort = getattr(self.transport, "abortConnection", None) or self.transport.loseConnection
        abort()

    def note_unread(self, held: int) -> None:
        """So many bytes wait for the peer to read them."""
        if self._admitted is not None:
            self._admitted.unread(held)

    def connectionFailed(self) -> None:
        """Tell who asked that no connection came about."""
        failures, self.failures = self.failures or [], None
        for notifier in failures:
            self._guarded(notifier)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        """The connection has ended: waiting calls fail, observers stop, who asked is told."""
        self.disconnected = 1
        self._reason = self._reason or reason
        self.unread.connection_lost()
        self.calls.connection_lost()
        try:
            self.core.connection_lost(self._dropped or getattr(reason, "value", None))
        except BaseException:  # a hook that wants the program to end: Twisted logs it, and tells the others
            log.err()
        self.stopProducing()
        if self._last_call is not None:
            self._last_call.cancel()
        if self._admitted is not None:
            self._admitted.ended(self.calls.running)
        disconnects, self.disconnects = self.disconnects or [], None
        for notifier in disconnects:
            self._guarded(notifier)

    # --- what the core asks of its driver

    def new_result(self, request: int) -> Answer:
        return Answer()

    def settle(self, result: defer.Deferred[Any], value: Any) -> None:
        if not result.called:
            busy, self._busy = self._busy, 0  # what follows is the application's
            try:
                result.callback(value)
            finally:
                self._busy = busy

    def reject(self, result: Answer, error: Any) -> None:
        if result.called:
            return
        is_lost = isinstance(error, ConnectionClosed)
        if is_lost:
            error = PBConnectionLost(self._reason)
        busy, self._busy = self._busy, 0
        try:
            result.errback(error if isinstance(error, Failure) else FailureOfPeer(translated(error)))
        finally:
            self._busy = busy
        if is_unhandled(result) and ((is_lost and result.is_unheard) or not self.may_log("errors that nobody handles")):
            quiet(result)

    def unheard(self, result: Answer) -> None:
        result.is_unheard = True

    def output_may_wait(self) -> None:
        self.output_ready()

    def output_ready(self) -> None:
        if self._is_flushing:
            self._has_more = True
        else:
            self._flush()

    def release_ready(self) -> None:
        """A reference or a mirror was dropped, on whatever thread."""
        if threading.get_ident() != self._thread:
            the_reactor().callFromThread(self.output_ready)
        elif self._busy:
            self._has_more = True
        else:
            self._flush()

    def unsent_bytes(self) -> int:
        unread = self.unread.size if self.unread.is_producer else 0  # of the rest there is no reason to believe it unread
        return unsent(self.transport, unread) if self.transport is not None else 0

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process, as far as the transport can be asked."""
        return int(self.core.outbox.queued_bytes)

    def _flush(self) -> None:
        if self._is_flushing or self.transport is None:
            return
        self._is_flushing = True
        self._busy += 1
        try:
            while True:
                self._has_more = False
                pieces = self.core.data_to_send()
                if pieces:
                    self._write(pieces)
                if not self._has_more:
                    return
        finally:
            self._is_flushing = False
            self._busy -= 1

    def _write(self, pieces: list[bytes]) -> None:
        """Write these pieces, each as bytes, for a transport of Twisted's may insist: that of an array is a memoryview."""
        unread = self.unread
        unread.note_written(sum(map(len, pieces)))
        if unread.size <= unread.noticed:
            for piece in pieces:
                self.transport.write(bytes(piece))
            return
        unread.about_to_write()
        for piece in pieces:
            self.transport.write(bytes(piece))
        unread.written()

    def _leave(self) -> None:
        """Out of the core: what a finalizer had to say meanwhile goes out."""
        self._busy -= 1
        if self._has_more and not self._busy:
            self._flush()

    def too_many(self, what: str) -> Exception:
        """The peer holds as many objects as it may; at the fourth attempt to give it more it is let go."""
        kind = "reference" if what == "references" else "cache"
        self.maxBrokerRefsViolations += 1
        if self.maxBrokerRefsViolations > 3:
            if self.transport is not None:
                self.transport.loseConnection()
            return Error(f"Maximum PB {kind} count exceeded.  Goodbye.")
        return Error(f"Maximum PB {kind} count exceeded.")

    def _let_go(self, key: object) -> None:
        """The peer holds this object of ours no longer."""
        cleanup = self._localCleanup.pop(key, None)
        if cleanup is not None:
            cleanup()

    def unpersistable_sent(self, path: str, kind: type, why: str) -> None:
        """Something that may not cross has gone out as a mark, as Twisted has it: say so, and where it was."""
        _logger.warn(
            "{path} is an instance of {kind}, which may not cross: the peer gets (unpersistable ...) in its place. "
            "It is {why}",
            path=path or "what was sent",
            kind=qual(kind),
            why=why,
        )

    # --- calls

    def send_call(
        self, luid: Luid, name: Any, args: tuple[Any, ...], kw: dict[str, Any], perspective: Any, to_cache: bool = False
    ) -> Any:
        """Make a call; see :meth:`RemoteReference.callRemote`."""
        want_answer = True
        callbacks: tuple[Any, Any] | None = None
        if kw and not OPTIONS.isdisjoint(kw):
            if "pbcallback" in kw or "pberrback" in kw:
                log.msg('warning! using deprecated "pbcallback"')
                callbacks = kw.pop("pbcallback", None), kw.pop("pberrback", None)
            if "pbanswer" in kw:
                assert callbacks is None, "You can't specify a no-answer requirement."
                want_answer = bool(kw.pop("pbanswer"))
        if self.disconnected or self.core.is_closed:
            raise DeadReferenceError("Calling Stale Broker")
        self._busy += 1
        try:
            result = self.core.call(luid, name, args, kw, perspective, want_answer, to_cache)
        except NotSendable as error:
            known = refused(error)
            if isinstance(known, BananaError):
                self.core.spend_request()
                raise known from None
            return defer.fail(Failure(known))
        except Exception as error:
            return defer.fail(Failure(translated(error)))
        finally:
            self._leave()
        self.calls.called()
        if callbacks is not None:
            result.addCallbacks(*(each or (lambda x: x) for each in callbacks))
        return result

    def _sendMessage(self, prefix: bytes, perspective: Any, objectID: Any, message: Any, args: Any, kw: Any) -> Any:
        return self.send_call(objectID, message, tuple(args), kw, perspective, prefix == b"cache")

    def run_call(self, call: CallReceived) -> None:
        """Run a method that the peer calls, and answer with what it returns, now or later."""
        try:
            if call.is_raw:
                value = call.target.remoteMessageReceived(self, call.name, call.args, call.kwargs)
            else:
                method = call.target.find_remote_method(call.name)
                try:
                    value = method(*call.args, **call.kwargs)
                except TypeError:
                    if self.may_log("calls not accepted"):
                        log.msg(f"{name_of(method)} didn't accept {shown(call.args)} and {shown(call.kwargs)}")
                    raise
        except BaseException as error:
            self._fail(call, CopyableFailure(translated(error)))
            return
        call.args = call.kwargs = None  # else what came is held for as long as the answer takes
        if isinstance(value, Later):
            value.called(self.runner(), call)
        elif can_be_awaited(value):
            answer = as_deferred(value)
            self.calls.begin_with(call, answer)
            which = (call, answer)
            answer.addCallbacks(self._answer_later, self._fail_later, callbackArgs=which, errbackArgs=which)
        else:
            self._answer(call, value)

    def _answer(self, call: CallReceived, value: Any) -> None:
        if not call.want_answer:
            return
        self._busy += 1
        try:
            if call.is_raw:
                self.core.outbox.send([b"answer", call.request, value])
            else:
                self.core.answer(call, value)
        except BaseException as error:  # a hook of the value, or an expression that banana does not carry
            self._fail(call, CopyableFailure(translated(error)))
        finally:
            self._leave()

    def _answer_later(self, value: Any, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._answer(call, value)
        self._call_ended(call, answer)

    def _fail_later(self, failed: Failure, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._fail(call, failed)
        self._call_ended(call, answer)

    def _call_ended(self, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        if self.disconnected and self._admitted is not None:
            self._admitted.orphan_ended()
        self.calls.end_with(call, answer)

    def refuse_call(self, call: CallReceived, error: errors.NotExecuted) -> None:
        """Fail a call that was not run."""
        if self.may_log("calls not run"):
            log.msg(f"{clip(call.name)} was not run: {text_of(error)}")
        if call.want_answer:
            self._busy += 1
            try:
                self.core.fail(call, CopyableFailure(translated(error)))
            finally:
                self._leave()

    def _fail(self, call: CallReceived, failed: Failure) -> None:
        if not call.want_answer:
            self.core.fail(call, failed)  # sends nothing; a mirror counts it
        if self.disconnected and failed.check(ConnectionClosed):  # it waited for the peer that has gone: no fault
            return
        is_expected = failed.check(Error, errors.Error) is not None
        is_quiet = is_expected or not self.may_log("failures of methods")
        if not is_quiet and call.want_answer:
            log.msg("Peer will receive following PB traceback:", isError=True)
        if call.want_answer:
            self._busy += 1
            try:
                self.core.fail(call, failed)
            finally:
                self._leave()
        elif is_expected:
            self.one_way_failed(clip(call.name), failed.value or Error())
        else:
            self.one_way_failures += 1
        if not is_quiet:
            self.log_failure(failed)

    def sendCall(self, *exp: Any) -> None:
        """Send a message as an s-expression."""
        self.sendEncoded(list(exp))

    def sendEncoded(self, obj: Any) -> None:
        """The same. Raises BananaError for what banana does not carry."""
        self._busy += 1
        try:
            self.core.outbox.send(obj)
        except NotSendable:
            banana.encoded(obj, self.core.dialect)  # which says it in Twisted's words
            raise
        finally:
            self._leave()

    # --- s-expressions

    def serialize(self, object: Any, perspective: Any = None, method: Any = None, args: Any = None, kw: Any = None) -> Any:
        """
        An object as an s-expression for this peer; a Deferred of one for a Deferred.

        What it refers to is counted from now on: send it, and once.
        """
        if isinstance(object, defer.Deferred):
            return object.addCallback(self.serialize, perspective, method, args, kw)
        try:
            pieces = self.core.outbox.jelly(object, perspective)
        except NotSendable as error:
            raise refused(error) from None
        return Reader(to_frame(b"".join(pieces), DETACHED_LIMITS)).read_expression()

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """The object that an s-expression from this peer stands for."""
        outer, self.unserializingPerspective = self.unserializingPerspective, perspective
        try:
            return unjelly(sexp, self.security, None, self)
        finally:
            self.unserializingPerspective = outer

    # --- who asks to be told

    def notifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """Have ``notifier()`` run when the connection ends; at once if it has."""
        assert callable(notifier)
        if self.disconnects is None:
            self._guarded(notifier)
        else:
            self.disconnects.append(notifier)

    def dontNotifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """Take that back; nothing happens if it was not asked for."""
        if notifier in (self.disconnects or ()):
            self.disconnects.remove(notifier)  # type: ignore[union-attr]

    def _guarded(self, notifier: Callable[[], object]) -> None:
        """Run what asked to be told; whatever it raises is logged, and the others are told."""
        try:
            notifier()
        except BaseException as error:
            self.report("telling of the beginning or the end of a connection", error)

    def notifyOnFail(self, notifier: Callable[[], object]) -> None:
        """Have ``notifier()`` run if no connection comes about."""
        assert callable(notifier)
        if self.failures is not None:
            self.failures.append(notifier)

    def notifyOnConnect(self, notifier: Callable[[], object]) -> None:
        """Have ``notifier()`` run when calls can be made; at once if they can."""
        assert callable(notifier)
        if self.connects is None:
            self._guarded(notifier)
        else:
            self.connects.append(notifier)
