"""What makes the connections: a server's and a client's factory."""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import IAnonymous
from twisted.internet import defer, protocol

from .broker import Broker
from .clock import the_reactor
from .cred import respond
from .flavors import IPBRoot
from .jelly import globalSecurity

RECONNECT_SECONDS = 30.0
"""Seconds that a request for the root object waits for somebody to connect again, once the last connection has ended."""


class PBServerFactory(protocol.ServerFactory):
    """
    Serves one root object: a :class:`~.flavors.Root`, or a ``twisted.cred`` Portal that clients log in to.

    ``unsafeTracebacks`` lets the tracebacks of failing methods cross. ``security`` is the taster of the connections.
    """

    __module__ = "likewise.spread.pb"

    unsafeTracebacks: Any = False
    protocol: Any = Broker

    def __init__(self, root: Any, unsafeTracebacks: Any = False, security: Any = globalSecurity) -> None:
        self.root: Any = IPBRoot(root)
        self.unsafeTracebacks = unsafeTracebacks
        self.security = security

    def buildProtocol(self, addr: Any) -> Any:
        """A Broker whose root object is there."""
        broker = self.protocol(isClient=False, security=self.security)
        broker.factory = self
        broker.setNameForLocal("root", self.root.rootObject(broker))
        return broker

    def clientConnectionMade(self, protocol: Any) -> None:
        """A client is there, and calls can be made on it. For subclasses."""


class PBClientFactory(protocol.ClientFactory):
    """
    Connects to one server. :meth:`getRootObject` and :meth:`login` may be called before the connection is there.

    ``unsafeTracebacks`` and ``security`` are as with the server's.
    """

    __module__ = "likewise.spread.pb"

    unsafeTracebacks: Any = False
    protocol: Any = Broker

    def __init__(self, unsafeTracebacks: Any = False, security: Any = globalSecurity) -> None:
        self.unsafeTracebacks = unsafeTracebacks
        self.security = security
        self._reset()

    def buildProtocol(self, addr: Any) -> Any:
        """A Broker."""
        broker = self.protocol(isClient=True, security=self.security)
        broker.factory = self
        return broker

    _ended: Any = None  # why there is no connection any more

    def _reset(self) -> None:
        self.rootObjectRequests: list[defer.Deferred[Any]] = []
        self._broker: Any = None
        self._root: Any = None

    def _failAll(self, reason: Any) -> None:
        waiting = self.rootObjectRequests
        self._reset()
        self._ended = reason
        for each in waiting:
            each.errback(reason)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """No connection came about: who waits for the root object is told."""
        self._failAll(reason)

    def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 0) -> None:
        """The connection ended; with ``reconnecting`` who waits for the root object goes on waiting."""
        if reconnecting:
            self._broker = None
            self._root = None
        else:
            self._failAll(reason)

    def clientConnectionMade(self, broker: Any) -> None:
        """Calls can be made: who waits for the root object gets it."""
        self._ended = None
        self._broker = broker
        self._root = broker.remoteForName("root")
        waiting, self.rootObjectRequests = self.rootObjectRequests, []
        for each in waiting:
            each.callback(self._root)

    def getRootObject(self) -> defer.Deferred[Any]:
        """
        The server's root object, in a Deferred.

        Asked for before there is a connection, it waits for one. Where the last one has ended, or could not be made, and
        nobody connects again within :data:`RECONNECT_SECONDS`, it fails as that did. A factory that says itself what happens
        then (``clientConnectionFailed`` or ``clientConnectionLost`` are its own, as where it reconnects) waits for ever.
        """
        if self._broker and not self._broker.disconnected:
            return defer.succeed(self._root)
        waiting: defer.Deferred[Any] = defer.Deferred()
        self.rootObjectRequests.append(waiting)
        if self._ended is not None and self._lets_go():
            timer = the_reactor().callLater(RECONNECT_SECONDS, self._nobody_connects, waiting)
            waiting.addBoth(_without, timer)
        return waiting

    def _lets_go(self) -> bool:
        """Whether nothing of this factory's connects again."""
        cls, stock = type(self), PBClientFactory
        own = (cls.clientConnectionFailed, cls.clientConnectionLost)
        return own == (stock.clientConnectionFailed, stock.clientConnectionLost)

    def _nobody_connects(self, waiting: defer.Deferred[Any]) -> None:
        if waiting in self.rootObjectRequests and not self.numPorts:  # else the connection that is being made settles it
            self.rootObjectRequests.remove(waiting)
            waiting.errback(self._ended)

    def disconnect(self) -> None:
        """End the connection, if there is one."""
        if self._broker:
            self._broker.transport.loseConnection()

    def login(self, credentials: Any, client: Any = None) -> defer.Deferred[Any]:
        """
        Log in; a Deferred of a reference to the avatar.

        ``credentials`` have a username and a password, both bytes, or are IAnonymous. ``client`` is the *mind* that
        the server's realm gets, often a Referenceable.
        """
        root = self.getRootObject()
        if IAnonymous.providedBy(credentials):
            return root.addCallback(self._cbLoginAnonymous, client)
        return root.addCallback(self._cbSendUsername, credentials.username, credentials.password, client)

    def _cbLoginAnonymous(self, root: Any, client: Any) -> Any:
        return root.callRemote("loginAnonymous", client)

    def _cbSendUsername(self, root: Any, username: Any, password: Any, client: Any) -> Any:
        return root.callRemote("login", username).addCallback(self._cbResponse, password, client)

    def _cbResponse(self, challenges: Any, password: Any, client: Any) -> Any:
        challenge, challenger = challenges
        return challenger.callRemote("respond", respond(challenge, password), client)


def _without(result: Any, timer: Any) -> Any:
    """A result that came, whatever it is: its timer is needed no longer."""
    if timer.active():
        timer.cancel()
    return result
