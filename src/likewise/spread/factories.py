"""What makes the connections: a server's and a client's factory."""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import IAnonymous
from twisted.internet import defer, protocol

from .broker import Broker
from .cred import respond
from .flavors import IPBRoot
from .jelly import globalSecurity


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

    def _reset(self) -> None:
        self.rootObjectRequests: list[defer.Deferred[Any]] = []
        self._broker: Any = None
        self._root: Any = None

    def _failAll(self, reason: Any) -> None:
        waiting = self.rootObjectRequests
        self._reset()
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
        self._broker = broker
        self._root = broker.remoteForName("root")
        waiting, self.rootObjectRequests = self.rootObjectRequests, []
        for each in waiting:
            each.callback(self._root)

    def getRootObject(self) -> defer.Deferred[Any]:
        """The server's root object, in a Deferred."""
        if self._broker and not self._broker.disconnected:
            return defer.succeed(self._root)
        waiting: defer.Deferred[Any] = defer.Deferred()
        self.rootObjectRequests.append(waiting)
        return waiting

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
