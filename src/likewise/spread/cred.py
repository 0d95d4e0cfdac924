"""
Logging in: Twisted's MD5 challenge and response, and the avatars of ``twisted.cred`` portals.

MD5 is what PB clients speak; whoever listens on the wire can test passwords against what passes. Use it over TLS.
A challenge is drawn from the system's random source, and may be answered once. A connection may try a few times in vain,
and who guesses at one user over many connections has to wait longer and longer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous, ICredentials, IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet import defer
from twisted.internet.task import deferLater
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from ..broker import login
from ..broker.login import Backoff
from ..errors import LimitExceeded
from ..jelly.context import Writing
from ..limits import Limits
from ..objects import by_reference
from .clock import the_reactor
from .faults import Error
from .flavors import IPBRoot, Referenceable, arguments, called
from .forms import is_stock, stock
from .interfaces import IJellyable
from .places import place_of_transport


def challenge() -> bytes:
    """16 random bytes."""
    return login.md5_challenge()


def respond(challenge: bytes, password: bytes | str) -> bytes:
    """The response to a challenge: ``md5(md5(password) + challenge)``; of a str its UTF-8."""
    return login.md5_response(login.md5_record(password), challenge)


class IPerspective(Interface):
    """What a logged-in user may do: the avatar of a portal, as PB wants it."""

    __module__ = "likewise.spread.pb"

    def perspectiveMessageReceived(broker, message, args, kwargs):  # type: ignore[no-untyped-def]
        """
        A call of the user has come; ``args`` and ``kwargs`` are s-expressions for ``broker.unserialize``, and what is
        returned is one that ``broker.serialize`` has made.
        """


class IUsernameMD5Password(ICredentials):
    """A user name, and what shows that its owner knows the password or its MD5 digest."""

    __module__ = "likewise.spread.pb"

    def checkPassword(password):  # type: ignore[no-untyped-def]
        """Whether this is the password: bool, or a Deferred of one."""

    def checkMD5Password(password):  # type: ignore[no-untyped-def]
        """Whether this is the MD5 digest of the password: bool, or a Deferred of one."""


@implementer(IPerspective)
class Avatar(by_reference.Avatar):
    """
    What a logged-in user may do: the peer may call ``perspective_`` methods.

    It is itself the perspective: objects that its methods return are asked for their state *for this avatar*.
    """

    __module__ = "likewise.spread.pb"

    @stock
    def perspectiveMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        """A call has come; ``args`` and ``kw`` are s-expressions, and so is what is returned."""
        args, kw = arguments(broker, args, kw, self)
        method = self.find_remote_method(message if isinstance(message, str) else message.decode())
        return broker.serialize(called(broker, method, args, kw), self, method, args, kw)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self, "perspective_" + name)
        return found

    def jelly_into(self, encoder: Writing) -> None:
        AsReferenceable(self, "perspective").jelly_into(encoder)


class AsReferenceable(Referenceable, by_reference.AsReferenceable):
    """
    A reference to an object that need not be one: its ``<messageType>MessageReceived`` method gets the calls.

    ``messageType`` is ``"remote"`` or ``"perspective"``; with the latter the object is the perspective.
    """

    __module__ = "likewise.spread.pb"

    def __init__(self, object: Any, messageType: str = "remote") -> None:
        by_reference.AsReferenceable.__init__(self, object, messageType)
        method = messageType + "MessageReceived"
        self.remoteMessageReceived = getattr(object, method)
        self._method = method

    @property
    def takes_expressions(self) -> bool:  # type: ignore[override]
        return not is_stock(self.object, self._method)

    def processUniqueID(self) -> object:
        return id(self)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = self.object.find_remote_method(name)
        return found


@implementer(IPBRoot)
class _PortalRoot:
    """Makes the root object of each connection to a portal, and knows whose passwords are being guessed."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.backoff: Backoff | None = None

    def rootObject(self, broker: Any) -> _PortalWrapper:
        if self.backoff is None:
            self.backoff = Backoff(broker.core.limits)
        _restrain(broker)
        return _PortalWrapper(self.portal, broker, self.backoff)


registerAdapter(_PortalRoot, Portal, IPBRoot)


@functools.lru_cache(16)  # one for all connections of a factory
def _before_login(limits: Limits) -> Limits:
    return limits.before_login()


def _restrain(broker: Any) -> None:
    """A stranger sends little, until it is let in or a realm asks something of its mind."""
    if not broker.logins and not broker.disconnected:
        broker.core.restrain(broker.core.incoming.registry, _before_login(broker.incoming))


def _turned_away(failed: Failure, broker: Any) -> Failure:
    _restrain(broker)
    return failed


def _login(portal: Any, credentials: Any, mind: Any, broker: Any) -> defer.Deferred[Any]:
    """Have the portal decide; a Deferred of what the client gets."""
    ceiling = broker.core.limits.logins
    if broker.logins >= ceiling:
        return defer.fail(Error(f"{ceiling} users are logged in over this connection (limits.logins)"))
    answer: defer.Deferred[Any] = defer.maybeDeferred(portal.login, credentials, mind, IPerspective)
    return answer.addCallback(lambda result: _logged_in(broker, result)).addErrback(_turned_away, broker)


def _logged_in(broker: Any, result: Any) -> Any:
    """What the client gets for an avatar; its logout runs once, when the client lets go of it or is gone."""
    _, avatar, logout = result
    if not IJellyable.providedBy(avatar):
        avatar = AsReferenceable(avatar, "perspective")
    broker.core.hold_to(broker.core.incoming.registry, broker.incoming)
    key = avatar.processUniqueID()
    pending = [logout]
    broker.logins += 1

    def log_out() -> None:
        broker._localCleanup.pop(key, None)
        broker.dontNotifyOnDisconnect(log_out)
        if pending:
            broker.logins -= 1
            pending.pop()()

    if broker.disconnected:  # while the portal was thinking
        log_out()
    else:
        broker._localCleanup[key] = log_out
        broker.notifyOnDisconnect(log_out)
    return avatar


class _PortalWrapper(Referenceable):
    """The root object of a connection to a portal: all that can be done is to log in, a few times in vain."""

    def __init__(self, portal: Portal, broker: Any, backoff: Backoff) -> None:
        self.portal = portal
        self.broker = broker
        self.backoff = backoff
        self.attempts = 0  # since the last that succeeded

    def remote_login(self, username: Any) -> Any:
        """Begin to log in: a challenge, and what takes the response to it."""
        self._begin()
        if not isinstance(username, (bytes, str)) or len(username) > self.broker.core.limits.login_bytes:
            raise UnauthorizedLogin("a user name is a short string")
        number = challenge()
        return number, _PortalAuthChallenger(self, username, number)

    def remote_loginAnonymous(self, mind: Any) -> defer.Deferred[Any]:
        """Log in without a name: a Deferred of the avatar."""
        self._begin()
        return _login(self.portal, Anonymous(), mind, self.broker).addCallback(self.succeeded)

    def _begin(self) -> None:
        """Count an attempt; with one too many in vain the connection ends."""
        self.attempts += 1
        ceiling = self.broker.core.limits.login_attempts
        if self.attempts > ceiling:
            error = LimitExceeded("login_attempts", self.attempts, ceiling)
            self.broker.line.drop(error)
            raise Error(str(error))

    def succeeded(self, avatar: Any) -> Any:
        """Somebody has logged in, and may fail again."""
        self.attempts = 0
        return avatar


@implementer(IUsernameHashedPassword, IUsernameMD5Password)
class _PortalAuthChallenger(Referenceable):
    """Takes one response to one challenge; where a user's password was wrong too often, when its time has come."""

    def __init__(self, root: _PortalWrapper, username: Any, challenge: bytes) -> None:
        self.root = root
        self.username = username
        self.challenge = challenge
        self.response: Any = None
        self.is_spent = False
        self._name = username if isinstance(username, str) else username.decode("utf-8", "replace")
        self._address = place_of_transport(root.broker.transport)

    def remote_respond(self, response: Any, mind: Any) -> defer.Deferred[Any]:
        """The avatar, in a Deferred, if the response is right; a second one never is."""
        if self.is_spent:
            return defer.fail(UnauthorizedLogin("This challenge has been answered already"))
        self.is_spent = True
        self.response = response
        return self._judge(None, mind, the_reactor().seconds())

    def _judge(self, _: None, mind: Any, begun: float) -> defer.Deferred[Any]:
        root, reactor = self.root, the_reactor()
        if root.broker.disconnected:
            return defer.fail(UnauthorizedLogin("The connection has ended"))
        now = reactor.seconds()
        pause = root.backoff.pause(self._name, self._address, now, now - begun)
        if pause > 0.0:
            return deferLater(reactor, pause, lambda: None).addCallback(self._judge, mind, begun)
        ended: defer.Deferred[None] = defer.Deferred()
        if not root.backoff.begin(self._name, self._address, lambda: ended.callback(None)):
            return ended.addCallback(self._judge, mind, begun)
        checked = _login(root.portal, self, mind, root.broker).addCallbacks(self._succeeded, self._failed)
        return checked.addBoth(self._ended)

    def _succeeded(self, avatar: Any) -> Any:
        self.root.backoff.succeeded(self._name, self._address)
        return self.root.succeeded(avatar)

    def _failed(self, failed: Failure) -> Failure:
        if failed.check(UnauthorizedLogin):
            self.root.backoff.failed(self._name, self._address, the_reactor().seconds())
        return failed

    def _ended(self, result: Any) -> Any:
        self.root.backoff.ended(self._name, self._address)
        return result

    def checkPassword(self, password: bytes | str) -> bool:
        """Whether the response was made with this password."""
        return self.checkMD5Password(bytes.fromhex(login.md5_record(password)))

    def checkMD5Password(self, md5Password: bytes) -> bool:
        """Whether the response was made with the password that has this digest."""
        return login.md5_is_right(md5Password.hex(), self.challenge, self.response)
