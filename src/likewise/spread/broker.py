"""
:class:`Broker`: one connection, as a Twisted protocol with the names that Twisted's has.

What it does is done below: :mod:`.line` reads and writes, :mod:`.calls` runs the calls of both ends, and ``core`` is a
broker of likewise's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.reflect import qual

from ..broker import core as cores
from ..broker.states import Side
from ..errors import NotSendable
from ..limits import Limits
from . import banana
from .calls import DeferredCalls
from .ceilings import default_ceilings
from .core_flavours import SpreadFlavours
from .faults import Error, refused
from .forms import SpreadEncoder
from .jelly import globalSecurity, unjelly
from .lazy import Lazy
from .line import SpreadLine
from .opaque import expression_of
from .paging import WithPages
from .reading import SpreadDecoder
from .registry import registry
from .tables import WithTables

_logger = Logger(namespace="likewise.spread")


class Broker(WithPages, WithTables, banana.Banana):
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
    incoming: Limits  # for the messages that come in, once the peer may send any
    logins = 0  # users that are logged in over this connection
    disconnected = 0
    maxBrokerRefsViolations = 0
    serializingPerspective: Any = None
    unserializingPerspective: Any = None

    # What is to be called when the connection ends, did not come about, is there: None once that has happened.
    disconnects: Any = Lazy(list)
    failures: Any = Lazy(list)
    connects: Any = Lazy(list)
    _localCleanup: Any = Lazy(dict)  # key of an object that the peer holds -> what is called when it lets go of it

    def __init__(self, isClient: Any = 1, security: Any = globalSecurity) -> None:
        banana.Banana.__init__(self, isClient)
        self.security = security
        going_out, self.incoming, held = default_ceilings(is_client=bool(isClient))
        if self.limits is not None:
            going_out = self.incoming = held = self.limits
        self.calls = calls = DeferredCalls(self)
        self.core = core = cores.Broker(
            Side.CLIENT if isClient else Side.SERVER,
            calls,
            SpreadFlavours(self),
            registry,
            going_out,
            owner=self,
            encoder=SpreadEncoder,
            decoder=SpreadDecoder,
        )
        calls.broker = core
        calls.line = self.line = SpreadLine(self, core, calls)
        core.hold_to(registry, self.incoming)
        core.speaks_early = True
        core.tables.incoming = held
        core.tables.released = self._let_go

    # --- the protocol

    def connectionMade(self) -> None:
        self.currentDialect = None
        self.setPrefixLimit(banana._PREFIX_LIMIT)
        link = self.core.link
        if link is not None:
            link.dialects = banana.dialects_called(self.knownDialects)
        self.line.connection_made()

    def dataReceived(self, chunk: bytes) -> None:
        """Take bytes, run what they ask for."""
        self.line.receive(chunk)

    def connectionReady(self) -> None:
        """Both ends agreed on a dialect: calls can be made."""
        connects, self.connects = self.connects or (), None
        for notifier in connects:
            self._guarded(notifier)
        if self.factory is not None:
            self.factory.clientConnectionMade(self)

    def connectionFailed(self) -> None:
        """Tell who asked that no connection came about."""
        failures, self.failures = self.failures or (), None
        for notifier in failures:
            self._guarded(notifier)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        """The connection has ended: waiting calls fail, observers stop, who asked is told."""
        self.disconnected = 1
        self.line.connection_lost(reason)
        self.stopProducing()
        disconnects, self.disconnects = self.disconnects or (), None
        for notifier in disconnects:
            self._guarded(notifier)

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process, as far as the transport can be asked."""
        return int(self.core.outbox.queued_bytes)

    @property
    def one_way_failures(self) -> int:
        """How many calls of the peer failed here with nobody there to be told: one-way ones."""
        failures: int = self.calls.one_way_failures
        return failures

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

    # --- s-expressions

    def _sendMessage(self, prefix: bytes, perspective: Any, objectID: Any, message: Any, args: Any, kw: Any) -> Any:
        return self.calls.send(objectID, message, tuple(args), kw, perspective, prefix == b"cache")

    def sendCall(self, *exp: Any) -> None:
        """Send a message as an s-expression."""
        self.sendEncoded(list(exp))

    def sendEncoded(self, obj: Any) -> None:
        """The same. Raises BananaError for what banana does not carry."""
        try:
            with self.line:
                self.core.outbox.send(obj)
        except NotSendable:
            banana.encoded(obj, self.core.dialect)  # which says it in Twisted's words
            raise

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
        return expression_of(pieces)

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
            self.disconnects.remove(notifier)

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

    def _guarded(self, notifier: Callable[[], object]) -> None:
        """Run what asked to be told; whatever it raises is logged, and the others are told."""
        try:
            notifier()
        except BaseException as error:
            self.calls.report("telling of the beginning or the end of a connection", error)
