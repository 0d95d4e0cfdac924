"""
:class:`Broker`: a Twisted protocol that pumps one of likewise's own brokers.

A call is on the wire when ``callRemote`` returns, and an answer when the method returns: what the core has to say is
written at once. What a finalizer has to say is, too, unless it strikes inside the core; then it goes out right after.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from zope.interface import implementer

from .. import errors
from ..broker import core as cores
from ..broker.events import CallReceived
from ..broker.states import Side
from ..errors import ConnectionClosed, LimitExceeded, NotSendable, RemoteProtocolError
from ..jelly.context import Caller, Luid
from ..jelly.expressions import to_frame
from ..limits import Limits
from ..objects import by_reference
from ..wire.reader import Reader
from . import banana
from .failures import Answer, CopyableFailure, failure2Copyable
from .faults import BananaError, DeadReferenceError, Error, PBConnectionLost, ProtocolError, refused, translated
from .flavors import Jellyable, RemoteCacheObserver, Serializable, quiet
from .forms import LIMITS, SpreadDecoder, SpreadEncoder, TastingDecoder, stock
from .interfaces import IUnjellyable
from .jelly import globalSecurity, setUnjellyableForClass, unjelly
from .registry import registry
from .security import is_narrow

OPTIONS = frozenset(("pbcallback", "pberrback", "pbanswer"))

_logger = Logger(namespace="likewise.spread")


class RemoteMethod:
    """One method of a remote object; calling it is ``reference.callRemote(name, ...)``."""

    def __init__(self, obj: RemoteReference, name: str) -> None:
        self.obj = obj
        self.name = name

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return self.obj.callRemote(self.name, *args, **kw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteMethod) and (self.obj, self.name) == (other.obj, other.name)

    def __hash__(self) -> int:
        return hash((self.obj, self.name))


@implementer(IUnjellyable)
class RemoteReference(by_reference.RemoteReference, Serializable):
    """
    An object that lives at the peer; ask it with :meth:`callRemote`.

    ``broker`` is the connection that it is reached through. While it lives, the same object arrives as this same
    reference; sent back home, it is the object. Two that lead to the same object are equal.
    """

    def __init__(self, perspective: Any, broker: Broker, luid: Luid, doRefCount: Any) -> None:
        super().__init__(broker.core, luid, perspective)
        self.broker = broker
        self.doRefCount = doRefCount
        self.disconnectCallbacks: list[Callable[[RemoteReference], object]] | None = []

    def callRemote(self, _name: Any, /, *args: Any, **kw: Any) -> Any:
        """
        Call ``remote_<name>(*args, **kw)`` there; a Deferred of what it returns, ``None`` with ``pbanswer=False``.

        The call is on its way when this returns. An argument that can't cross makes the Deferred fail.

        Raises:
            DeadReferenceError: the connection has ended.
            BananaError: a number, string or list is larger than the wire carries.
        """
        return self.broker.send_call(self.luid, _name, args, kw, self.perspective)

    def callRemoteOnly(self, _name: Any, /, *args: Any, **kw: Any) -> None:
        """The same, one way."""
        self.broker.send_call(self.luid, _name, args, {**kw, "pbanswer": False}, self.perspective)

    def remoteMethod(self, key: str) -> RemoteMethod:  # type: ignore[override]
        """One method of the remote object, to be called later."""
        return RemoteMethod(self, key)

    def notifyOnDisconnect(self, callback: Any) -> None:
        """Have ``callback(self)`` run when the connection ends; at once if it has."""
        assert callable(callback)
        if self.disconnectCallbacks is None:
            callback(self)
            return
        self.disconnectCallbacks.append(callback)
        if len(self.disconnectCallbacks) == 1:
            self.broker.notifyOnDisconnect(self._disconnected)

    def dontNotifyOnDisconnect(self, callback: Any) -> None:
        """Take a callback back; ValueError if it was not given."""
        callbacks = self.disconnectCallbacks or []
        callbacks.remove(callback)
        if not callbacks:
            self.broker.dontNotifyOnDisconnect(self._disconnected)

    def _disconnected(self) -> None:
        callbacks, self.disconnectCallbacks = self.disconnectCallbacks or [], None
        for callback in callbacks:
            callback(self)

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        if jellier.invoker is None:
            return [b"unpersistable", b"References cannot be serialized"]
        return [b"local", jellier.invoker.core.tables.home_luid(self)]

    def jelly_into(self, encoder: Any) -> None:
        if encoder.tables is None:
            encoder.begin_form(None, 2)
            encoder.encode(b"unpersistable")
            encoder.encode(b"References cannot be serialized")
        else:
            by_reference.RemoteReference.jelly_into(self, encoder)

    @stock
    def unjellyFor(self, unjellier: Any, unjellyList: Any) -> Any:
        broker = unjellier.invoker
        return broker.core.tables.reference(unjellyList[1], broker.unserializingPerspective)

    __repr__ = object.__repr__  # as programs print it

    def __eq__(self, other: object) -> bool:
        return other is self or (
            isinstance(other, RemoteReference) and other.broker is self.broker and other.luid == self.luid
        )

    def __hash__(self) -> int:
        return hash(self.luid)


setUnjellyableForClass("remote", RemoteReference)


class Local:
    """An entry of a connection's tables: an object of ours and how often the peer holds it."""

    def __init__(self, object: Any, perspective: Any = None, refcount: int = 1) -> None:
        self.object = object
        self.perspective = perspective
        self.refcount = refcount

    def __repr__(self) -> str:
        return f"<pb.Local {self.object!r} ref:{self.refcount}>"


class Table(Mapping[Any, Any]):
    """One of the core's tables, to be looked at."""

    def __init__(self, entries: Mapping[Any, Any], show: Callable[[Any], Any]) -> None:
        self._entries = entries
        self._show = show

    def __getitem__(self, key: Any) -> Any:
        return self._show(self._entries[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


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
            if not isinstance(error.value, Error):
                log.msg("Peer will receive following PB traceback:", isError=True)
                log.err(Failure(error.value))
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


class Broker(banana.Banana):
    """
    One connection of Perspective Broker.

    ``factory`` made it, ``security`` is its taster, ``limits`` what the peer may make this process hold (``None``: see
    :func:`default_limits`), ``core`` the broker underneath.
    """

    version = 6
    username: Any = None
    factory: Any = None
    limits: Limits | None = None

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
        self.core.speaks_early = True
        tables = self.core.tables
        tables.incoming = Limits(references=limits.references * 64, caches=limits.caches * 64)
        tables.refuse = self._too_many
        tables.released = self._let_go

    # --- the protocol

    def connectionMade(self) -> None:
        self._thread = threading.get_ident()
        self.currentDialect = None
        self.setPrefixLimit(banana._PREFIX_LIMIT)
        self.core.dialects = tuple(banana.dialect_called(name) for name in self.knownDialects)
        self.core.start()

    def dataReceived(self, chunk: bytes) -> None:
        """Take bytes, run what they ask for."""
        if self._is_pumping:  # a transport in memory has delivered while a method is running here
            self._backlog.append(chunk)
            return
        core = self.core
        core.decoder = TastingDecoder if is_narrow(self.security) else SpreadDecoder
        self._is_pumping = True
        try:
            core.receive_data(chunk)
            while True:
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
                elif self._backlog:
                    core.receive_data(self._backlog.popleft())
                else:
                    break
                del event  # and with it the arguments
        except RemoteProtocolError as error:
            self._broken(error)
        finally:
            self._is_pumping = False

    def _opened(self) -> None:
        self.currentDialect = self.core.dialect.name
        self.connectionReady()

    def connectionReady(self) -> None:
        """Both ends agreed on a dialect: calls can be made."""
        connects, self.connects = self.connects or [], None
        for notifier in connects:
            _guarded(notifier)
        if self.factory is not None:
            self.factory.clientConnectionMade(self)

    def _broken(self, error: RemoteProtocolError) -> None:
        """The peer broke the protocol. What was answered before still goes out."""
        text = str(error)
        cause = BananaError(f"Security precaution: {text}") if isinstance(error, LimitExceeded) else ProtocolError(text)
        log.msg(f"PB connection dropped: {cause}")
        self._reason = Failure(cause)
        self.core.connection_lost(error)
        if self.transport is not None:
            self.transport.loseConnection()

    def connectionFailed(self) -> None:
        """Tell who asked that no connection came about."""
        failures, self.failures = self.failures or [], None
        for notifier in failures:
            _guarded(notifier)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        """The connection has ended: waiting calls fail, observers stop, who asked is told."""
        self.disconnected = 1
        self._reason = self._reason or reason
        self.core.connection_lost(getattr(reason, "value", None))
        self.stopProducing()
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
        if is_lost and result.is_unheard:
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
            from twisted.internet import reactor

            reactor.callFromThread(self.output_ready)
        elif self._busy:
            self._has_more = True
        else:
            self._flush()

    def report(self, doing: str, error: BaseException) -> None:
        log.err(Failure(error), f"while {doing}")

    def _flush(self) -> None:
        if self._is_flushing or self.transport is None:
            return
        self._is_flushing = True
        self._busy += 1
        try:
            while True:
                self._has_more = False
                for piece in self.core.data_to_send():
                    self.transport.write(piece)
                if not self._has_more:
                    return
        finally:
            self._is_flushing = False
            self._busy -= 1

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
                    log.msg(f"{method} didn't accept {call.args} and {call.kwargs}")
                    raise
        except BaseException as error:
            self._fail(call, CopyableFailure(translated(error)))
            return
        call.args = call.kwargs = None  # else what came is held for as long as the answer takes
        if hasattr(type(value), "__await__"):
            answer = value if isinstance(value, defer.Deferred) else defer.ensureDeferred(value)
            answer.addCallbacks(self._answer_later, self._fail_later, callbackArgs=(call,), errbackArgs=(call,))
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

    def _fail_later(self, failed: Failure, call: CallReceived) -> None:
        self._fail(call, failed)

    def _fail(self, call: CallReceived, failed: Failure) -> None:
        is_expected = failed.check(Error, errors.Error) is not None
        if not is_expected and call.want_answer:
            log.msg("Peer will receive following PB traceback:", isError=True)
        if call.want_answer:
            self._busy += 1
            try:
                self.core.fail(call, failed)
            finally:
                self._leave()
        if not is_expected:
            log.err(failed)

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

    # --- tables

    @property
    def localObjects(self) -> Table:
        """Our objects that the peer may call: luid or name -> :class:`Local`."""
        return Table(self.core.tables.exported, lambda entry: Local(entry.target, None, entry.count))

    @property
    def luids(self) -> Table:
        """processUniqueID -> luid of the objects above."""
        return Table(self.core.tables.exported_ids, lambda luid: luid)

    @property
    def remotelyCachedObjects(self) -> Table:
        """Our Cacheables that the peer mirrors: luid -> :class:`Local`."""
        return Table(self.core.tables.observed, lambda entry: Local(entry.cacheable, entry.perspective, entry.count))

    @property
    def remotelyCachedLUIDs(self) -> Table:
        """processUniqueID -> luid of the objects above."""
        return Table(self.core.tables.observed_ids, lambda luid: luid)

    @property
    def locallyCachedObjects(self) -> Table:
        """The mirrors here: luid -> mirror, ``None`` for one that has ended and the peer does not know yet."""
        return Table(self.core.tables.mirrors, lambda entry: entry.living())

    def localObjectForID(self, luid: Any) -> Any:
        """Our object with this number or name; ``None`` if there is none."""
        entry = self.core.tables.exported.get(luid.encode() if isinstance(luid, str) else luid)
        return None if entry is None else entry.target

    def setNameForLocal(self, name: Any, object: Any) -> None:
        """Let the peer call an object under a name, for as long as the connection lasts."""
        assert object is not None
        self.core.tables.name(name.encode() if isinstance(name, str) else name, object)

    def remoteForName(self, name: Any) -> RemoteReference:
        """A reference to what the peer has under a name; costs no bytes, and whether it exists is not asked."""
        return RemoteReference(None, self, name.encode() if isinstance(name, str) else name, 0)

    def registerReference(self, object: Any) -> int:
        """The number under which an object of ours goes out, counted once more."""
        return self._counted(lambda tables: tables.export(object))

    def cacheRemotely(self, instance: Any) -> int:
        """The same for a Cacheable that the peer does not mirror yet."""
        perspective = self.serializingPerspective

        def observe(tables: Any) -> Any:
            return tables.observe(
                instance, perspective, lambda luid: RemoteCacheObserver(self, instance, perspective, luid)
            )[0]

        return self._counted(observe)

    def _counted(self, count: Callable[[Any], Any]) -> int:
        """Have something counted for the peer, outside of a message or as part of the one that is being written."""
        tables = self.core.tables
        is_outside = tables.journal is None and not self._busy
        luid: int = count(tables)
        if is_outside:
            tables.journal = None
        return luid

    def cachedRemotelyAs(self, instance: Any, incref: Any = 0) -> int | None:
        """The number under which the peer mirrors a Cacheable, ``None`` if it does not."""
        tables = self.core.tables
        luid: int | None = tables.observed_ids.get(instance.processUniqueID())
        if luid is not None and incref:
            self._counted(lambda tables: tables.observe(instance, None, None)[0])
        return luid

    def remotelyCachedForLUID(self, luid: Any) -> Any:
        """The Cacheable that the peer mirrors under this number."""
        return self.core.tables.observed[luid].cacheable

    def cacheLocally(self, cid: Any, instance: Any) -> None:
        """Make a new mirror known, before it has its state."""
        self.core.tables.hold_mirror(cid, instance)

    def cachedLocallyAs(self, cid: Any) -> Any:
        """The mirror with this number."""
        return self.core.tables.mirrors[cid].living()

    # --- pages

    def registerPageProducer(self, pager: Any) -> None:
        """Have a pager send a page whenever the transport can take one."""
        self.pageProducers.append(pager)
        if len(self.pageProducers) == 1:
            self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """The transport can take more: one page of each pager."""
        for pager in self.pageProducers[::-1]:
            try:
                pager.sendNextPage()
                if pager.stillPaging():
                    continue
            except Exception:
                if not self.disconnected:
                    log.err(None, "while sending pages: no more of them are sent")
                _abandon(pager)
            if pager in self.pageProducers:
                self.pageProducers.remove(pager)
        if not self.pageProducers:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Nothing to do: pages are sent when asked for."""

    def stopProducing(self) -> None:
        """The transport has gone: no pages are asked for any more."""
        pagers, self.pageProducers = self.pageProducers, []
        for pager in pagers:
            _abandon(pager)


def _abandon(pager: Any) -> None:
    """Have a pager let go of what it holds; one that is not derived from ours need not know how."""
    abandon = getattr(pager, "abandon", None)
    if abandon is not None:
        _guarded(abandon)


def default_limits() -> Limits:
    """
    The ceilings of a connection that has no ``limits`` of its own: what Twisted sends, and bounded all the same.

    What the peer may hold of ours is :data:`.pb.MAX_BROKER_REFS` objects by reference, and one more by cache.
    """
    from . import pb

    ceiling = pb.MAX_BROKER_REFS
    return Limits(references=ceiling, caches=ceiling + 1, depth=LIMITS.depth, frame_items=4_000_000)


def _guarded(notifier: Callable[[], object]) -> None:
    try:
        notifier()
    except BaseException:
        log.err()
