"""
:class:`Broker`: a Twisted protocol that pumps one of likewise's own brokers.

A call is on the wire when ``callRemote`` returns, and an answer when the method returns: what the core has to say is
written at once. What a finalizer has to say is, too, unless it strikes inside the core; then it goes out right after.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from .. import errors
from ..broker import core as cores
from ..broker.events import CallReceived
from ..broker.states import Side
from ..errors import ConnectionClosed, LimitExceeded, NotSendable, RemoteProtocolError, clip, is_small, one_line
from ..jelly.context import Caller, Luid
from ..jelly.expressions import to_frame
from ..limits import MIB, Limits
from ..wire.reader import Reader
from . import banana
from .clock import the_reactor
from .failures import Answer, CopyableFailure, failure2Copyable, log_failure
from .faults import BananaError, DeadReferenceError, Error, PBConnectionLost, ProtocolError, refused, translated
from .flavors import Jellyable, is_unhandled, quiet
from .flow import Flow, send_at_once
from .forms import LIMITS, SpreadDecoder, SpreadEncoder, TastingDecoder
from .guard import Visit, visit
from .jelly import globalSecurity, unjelly
from .paging import WithPages
from .references import RemoteReference
from .registry import registry
from .security import is_narrow
from .tables import WithTables

OPTIONS = frozenset(("pbcallback", "pberrback", "pbanswer"))
PATIENCE = 64  # messages that the core handles on its own before it comes back, to see whether the peer reads

# Old programs answer when they can, and read when they can: what they rely on goes far, though not on and on.
RUNNING_CALLS = 10_000
UNREAD_ANSWERS = 8 * MIB

_logger = Logger(namespace="likewise.spread")


class Flavours:
    """What the core makes of references and errors on one connection."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def make_reference(self, caller: Caller, luid: Luid, perspective: Any) -> Any:
        return RemoteReference(perspective, self.broker, luid, 1)

    def error_to_send(self, error: BaseException) -> Any:
        """An exception that may cross as itself, or a CopyableFailure. What the core refused by itself is logged here."""
        broker = self.broker
        if not isinstance(error, Failure):
            error = CopyableFailure(translated(error))
            if not isinstance(error.value, Error) and broker.may_log("calls refused"):
                log.msg("Peer will receive following PB traceback:", isError=True)
                log_failure(Failure(error.value))
        value = error.value
        if isinstance(value, Jellyable) or broker.security.isClassAllowed(value.__class__):
            return value
        unsafe = getattr(broker.factory, "unsafeTracebacks", 0)
        copyable = error if isinstance(error, CopyableFailure) else failure2Copyable(error, unsafe)
        copyable.unsafeTracebacks = unsafe
        return copyable

    def error_to_raise(self, received: Any, registry: Any) -> Any:
        if isinstance(received, BaseException):  # a CopiedFailure is one, too
            return received
        return Error(f"the peer sent an error that is none: {str(received)[:200]}")


class Broker(WithPages, WithTables, banana.Banana):
    """
    One connection of Perspective Broker.

    ``factory`` made it, ``security`` is its taster, ``limits`` what the peer may make this process hold (``None``: see
    :func:`default_limits`), ``core`` the broker underneath.
    """

    version = 6
    username: Any = None
    factory: Any = None
    limits: Limits | None = None
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
        self._backlog: deque[bytes] = deque()
        self._dropped: Exception | None = None  # why this end has ended the connection, if it has
        self._visit: Visit | None = None
        self._last_call: Any = None
        limits = self.limits or default_limits()
        self.core = cores.Broker(
            Side.CLIENT if isClient else Side.SERVER,
            self,
            Flavours(self),
            registry,
            limits,
            owner=self,
            encoder=SpreadEncoder,
            decoder=SpreadDecoder,
        )
        self.incoming = limits if self.limits is not None or isClient else narrowed(limits)
        self.core.hold_to(registry, self.incoming)
        self.core.speaks_early = True
        self.core.patience = PATIENCE
        self.flow = Flow(self, limits)
        tables = self.core.tables
        if self.limits is None:  # as many as Twisted's servers give out; of what comes in it counts nothing
            tables.incoming = Limits(references=limits.references * 64, caches=limits.caches * 64)
        tables.refuse = self._too_many
        tables.released = self._let_go

    # --- the protocol

    def connectionMade(self) -> None:
        self._thread = threading.get_ident()
        self.currentDialect = None
        self.setPrefixLimit(banana._PREFIX_LIMIT)
        self.core.dialects = tuple(banana.dialect_called(name) for name in self.knownDialects)
        try:
            self._visit = visit(self)
        except LimitExceeded as error:
            self.broken(error)
            return
        send_at_once(self.transport)
        self.core.start()

    def dataReceived(self, chunk: bytes) -> None:
        """Take bytes, run what they ask for."""
        if self._is_pumping:  # a transport in memory has delivered while a method is running here
            self._backlog.append(chunk)
            return
        self.core.decoder = TastingDecoder if is_narrow(self.security) else SpreadDecoder
        self.core.receive_data(chunk)
        self.pump()
        if self._visit is not None:
            self._visit.heard()

    def pump(self) -> None:
        """Handle the messages that are here, as long as answers are read and not too many calls are running."""
        if self._is_pumping:
            return
        core, flow = self.core, self.flow
        self._is_pumping = True
        try:
            while not flow.is_held:
                self._busy += 1
                try:
                    event = core.next_event()
                finally:
                    self._busy -= 1
                if self._has_more:
                    self._flush()
                if type(event) is CallReceived:
                    self._run(event)
                elif event is not None:
                    self._opened()
                elif core.has_more:
                    continue
                elif self._backlog:
                    core.receive_data(self._backlog.popleft())
                else:
                    break
                del event  # and with it the arguments
        except RemoteProtocolError as error:
            self.broken(error)
        finally:
            self._is_pumping = False

    def _opened(self) -> None:
        if self._visit is not None:
            self._visit.greeted()
        self.currentDialect = self.core.dialect.name
        self.connectionReady()

    def connectionReady(self) -> None:
        """Both ends agreed on a dialect: calls can be made."""
        connects, self.connects = self.connects or [], None
        for notifier in connects:
            _guarded(notifier)
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
            if self._visit is not None:
                seconds = self.core.limits.stalled_seconds
                self._last_call = the_reactor().callLater(seconds, self._abort)

    def give_up(self, error: RemoteProtocolError) -> None:
        """The peer does not read: end the connection now, with what waits for it."""
        if self._dropped is None and not self.disconnected:
            self._drop(error)
            self._abort()

    def _drop(self, error: RemoteProtocolError) -> None:
        self._dropped = error
        text = str(error)
        cause = BananaError(f"Security precaution: {text}") if isinstance(error, LimitExceeded) else ProtocolError(text)
        self._reason = Failure(cause)
        if self.may_log("connections dropped"):
            log.msg(f"PB connection dropped: {one_line(str(cause))}")

    def _abort(self) -> None:
        self._last_call = None
        abort = getattr(self.transport, "abortConnection", None) or self.transport.loseConnection
        abort()

    def note_unread(self, held: int) -> None:
        """So many bytes wait for the peer to read them."""
        if self._visit is not None:
            self._visit.unread(held)

    def may_log(self, kind: str) -> bool:
        """Whether one more line about this peer may be logged; how many were not is told later."""
        return self._visit is None or self._visit.may_log(kind)

    def connectionFailed(self) -> None:
        """Tell who asked that no connection came about."""
        failures, self.failures = self.failures or [], None
        for notifier in failures:
            _guarded(notifier)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        """The connection has ended: waiting calls fail, observers stop, who asked is told."""
        self.disconnected = 1
        self._reason = self._reason or reason
        self.flow.connection_lost()
        self.core.connection_lost(self._dropped or getattr(reason, "value", None))
        self.stopProducing()
        if self._last_call is not None:
            self._last_call.cancel()
        if self._visit is not None:
            self._visit.ended(self.flow.running)
        disconnects, self.disconnects = self.disconnects or [], None
        for notifier in disconnects:
            _guarded(notifier)

    # --- what the core asks of its driver

    def new_result(self) -> Answer:
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
            result.errback(error if isinstance(error, Failure) else Failure(translated(error)))
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

    def report(self, doing: str, error: BaseException) -> None:
        if self.may_log(f"errors while {doing}"):
            log_failure(Failure(error), f"while {doing}")

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
        flow = self.flow
        for piece in pieces:
            flow.unread += len(piece)
        if flow.unread <= flow.noticed:
            for piece in pieces:
                self.transport.write(piece)
            return
        flow.about_to_write()
        for piece in pieces:
            self.transport.write(piece)
        flow.written()

    def _leave(self) -> None:
        """Out of the core: what a finalizer had to say meanwhile goes out."""
        self._busy -= 1
        if self._has_more and not self._busy:
            self._flush()

    def _too_many(self, what: str, ceiling: int) -> Exception:
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

    def unpersistable_sent(self, path: str, kind: type) -> None:
        """Something that may not cross has gone out as a mark, as Twisted has it: say so, and where it was."""
        _logger.warn(
            "{path} is an instance of {kind}, which may not cross: the peer gets (unpersistable ...) in its place. "
            "Derive the class from pb.Copyable, or send something else.",
            path=path or "what was sent",
            kind=qual(kind),
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
        if callbacks is not None:
            result.addCallbacks(*(each or (lambda x: x) for each in callbacks))
        return result

    def _sendMessage(self, prefix: bytes, perspective: Any, objectID: Any, message: Any, args: Any, kw: Any) -> Any:
        return self.send_call(objectID, message, tuple(args), kw, perspective, prefix == b"cache")

    def _run(self, call: CallReceived) -> None:
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
                        log.msg(f"{method} didn't accept {_shown(call.args)} and {_shown(call.kwargs)}")
                    raise
        except BaseException as error:
            self._fail(call, CopyableFailure(translated(error)))
            return
        call.args = call.kwargs = None  # else what came is held for as long as the answer takes
        if hasattr(type(value), "__await__"):
            answer = value if isinstance(value, defer.Deferred) else defer.ensureDeferred(value)
            self.flow.running += 1
            answer.addCallbacks(self._answer_later, self._fail_later, callbackArgs=(call,), errbackArgs=(call,))
            self.flow.consider()
        else:
            self._answer(call, value)

    def _answer(self, call: CallReceived, value: Any) -> None:
        if not call.want_answer:
            return
        self._busy += 1
        try:
            if call.is_raw:
                self.core.send([b"answer", call.request, value])
            else:
                self.core.answer(call, value)
        except Exception as error:  # a hook of the value, or an expression that banana does not carry
            self._fail(call, CopyableFailure(translated(error)))
        finally:
            self._leave()

    def _answer_later(self, value: Any, call: CallReceived) -> None:
        self._answer(call, value)
        self._call_ended()

    def _fail_later(self, failed: Failure, call: CallReceived) -> None:
        self._fail(call, failed)
        self._call_ended()

    def _call_ended(self) -> None:
        if self.disconnected and self._visit is not None:
            self._visit.orphan_ended()
        self.flow.ended()

    def _fail(self, call: CallReceived, failed: Failure) -> None:
        is_quiet = failed.check(Error, errors.Error) is not None or not self.may_log("failures of methods")
        if not is_quiet and call.want_answer:
            log.msg("Peer will receive following PB traceback:", isError=True)
        if call.want_answer:
            self._busy += 1
            try:
                self.core.fail(call, failed)
            finally:
                self._leave()
        if not is_quiet:
            log_failure(failed)

    def sendCall(self, *exp: Any) -> None:
        """Send a message as an s-expression."""
        self.sendEncoded(list(exp))

    def sendEncoded(self, obj: Any) -> None:
        """The same. Raises BananaError for what banana does not carry."""
        self._busy += 1
        try:
            self.core.send(obj)
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
            pieces = self.core.jelly(object, perspective)
        except NotSendable as error:
            raise refused(error) from None
        return Reader(to_frame(b"".join(pieces), LIMITS)).read_expression()

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
            _guarded(notifier)
        else:
            self.disconnects.append(notifier)

    def dontNotifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """Take that back; nothing happens if it was not asked for."""
        if notifier in (self.disconnects or ()):
            self.disconnects.remove(notifier)  # type: ignore[union-attr]

    def notifyOnFail(self, notifier: Callable[[], object]) -> None:
        """Have ``notifier()`` run if no connection comes about."""
        assert callable(notifier)
        if self.failures is not None:
            self.failures.append(notifier)

    def notifyOnConnect(self, notifier: Callable[[], object]) -> None:
        """Have ``notifier()`` run when calls can be made; at once if they can."""
        assert callable(notifier)
        if self.connects is None:
            _guarded(notifier)
        else:
            self.connects.append(notifier)


def default_limits() -> Limits:
    """
    The ceilings of a connection that has no ``limits`` of its own: what Twisted sends, and bounded all the same.

    What the peer may hold of ours is :data:`.pb.MAX_BROKER_REFS` objects by reference, and one more by cache.
    """
    from . import pb

    ceiling = pb.MAX_BROKER_REFS
    return Limits(
        references=ceiling,
        caches=ceiling + 1,
        depth=LIMITS.depth,
        frame_items=4_000_000,
        running_calls=RUNNING_CALLS,
        unread_answers=UNREAD_ANSWERS,
    )


def narrowed(limits: Limits) -> Limits:
    """The same for what comes in at a server, from anybody: a message takes less than 64 MiB of memory."""
    return replace(limits, frame_bytes=24 * MIB, frame_items=1_000_000)


def _shown(value: Any) -> str:
    """What a peer has sent, for the log; what would have no end to print, in short."""
    return one_line(repr(value)) if is_small(value) else clip(value)


def _guarded(notifier: Callable[[], object]) -> None:
    try:
        notifier()
    except BaseException:
        log.err()
