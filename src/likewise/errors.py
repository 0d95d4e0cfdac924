"""
Every error that likewise raises, in one tree.

The base class answers the question a caller asks first: is the connection still good?

::

    LikewiseError
    ├─ CannotConnect             nobody answered at that address, or not as a PB server does
    ├─ ConnectionClosed          the connection is gone; every waiting call gets it
    ├─ ProtocolError             ends the connection
    │  ├─ LocalProtocolError       we tried something that the protocol forbids
    │  └─ RemoteProtocolError      the peer did
    │     └─ LimitExceeded           ... by sending more than a ceiling in ``limits.py`` allows
    └─ CallError                 ends one call; the connection and the other calls go on
       ├─ Error                    what a remote method raises to say "expected trouble" (PB's ``pb.Error``)
       ├─ NoSuchMethod             the object is there, the method is not
       ├─ InsecureJelly            a value that may not cross
       │  └─ NotSendable             ... refused before anything was sent; names the path to it
       ├─ TooManyCalls             our own ceiling of unanswered calls
       ├─ LoginFailed              nobody was logged in: not this way, not now
       │  └─ LoginRefused            ... or not these credentials; which part of them is wrong is not said
       └─ RemoteError              any other exception of the peer, as type and text

This module imports nothing of the package, so no layer needs a late import to raise.
"""

from __future__ import annotations

import traceback
from typing import Any, Final

CLIP: Final = 200  # characters of peer data in one error text: enough to recognise it, too few to flood a log
CHAIN: Final = 8  # causes of causes that one report shows
SMALL: Final = 2_000  # parts and characters up to which a value is printed by its own means

ENDS_THE_PROGRAM: Final = (KeyboardInterrupt, SystemExit)
"""What is handed on wherever an application's code raises it. Whatever else it raises has failed one call, or one hook."""


def clip(value: object, size: int = CLIP) -> str:
    """The ``repr`` of something a peer sent, cut to ``size`` characters; never walks a large value."""
    if isinstance(value, (str, bytes)):
        text = repr(value[:size])
        return text if len(value) <= size else f"{text}... ({len(value)} in all)"
    if isinstance(value, (int, float, bool, type(None))):
        return repr(value) if not isinstance(value, int) or value.bit_length() < 4 * size else "a very large int"
    return f"<{type(value).__name__}>"


def one_line(text: str) -> str:
    """
    A text as one line of a log or a terminal: line ends, control characters and what Unicode has to hide or to turn
    around text are escaped.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def is_small(*values: object, size: int = SMALL) -> bool:
    """
    Whether printing these values is cheap, however their parts are shared: what a peer sent may have 2**40 leaves.

    Containers are walked, and the attributes of instances, for dataclasses and exceptions print those.
    """
    stack: list[object] = list(values)
    while stack:
        value = stack.pop()
        size -= 1
        if isinstance(value, (str, bytes, bytearray)):
            size -= len(value)
        elif isinstance(value, int):
            size -= value.bit_length() // 3
        elif isinstance(value, dict):
            size -= 2 * len(value)
            if size >= 0:
                stack += value.keys()
                stack += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            size -= len(value)
            if size >= 0:
                stack += value
        else:
            attributes = getattr(value, "__dict__", None)
            if type(attributes) is dict and attributes:
                stack.append(attributes)
            if isinstance(value, BaseException):
                stack.append(value.args)
        if size < 0:
            return False
    return True


def text_of(error: BaseException, size: int = 10_000) -> str:
    """
    The text of an error, at most ``size`` characters and bounded in work: one that holds what a peer sent may have
    no end. Of an error that is not small the arguments are named, not printed.
    """
    try:
        if is_small(error.args, getattr(error, "__dict__", None), size=size):
            text = str(error)
        else:
            text = ", ".join(clip(each) for each in error.args[:4])
    except Exception as broken:  # an application's own __str__
        text = f"(its text can't be had: {type(broken).__name__})"
    return text if len(text) <= size else text[:size] + "..."


def chain_of(error: BaseException) -> list[BaseException]:
    """An error, what caused it, and so on: the outermost first, at most :data:`CHAIN` of them."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain and len(chain) < CHAIN:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return chain


def outline(error: BaseException, size: int = 8_000) -> str:
    """A traceback of at most ``size`` characters, for an error that may hold what has no end to print."""
    parts = []
    for each in reversed(chain_of(error)):
        parts += traceback.format_tb(each.__traceback__, limit=-12)
        parts.append(f"{type(each).__module__}.{type(each).__qualname__}: {text_of(each, 500)}\n")
    return "".join(parts)[-size:]


class LikewiseError(Exception):
    """Base of all errors that likewise raises."""


class ConnectionClosed(LikewiseError):
    """
    The connection ended before this could be done.

    Whether a call that was on its way has run at the peer is not known. The cause is chained.
    """


class CannotConnect(LikewiseError, ConnectionError):
    """
    The connection could not be made: nobody listens there, or whoever does speaks something else.

    It is an ``OSError`` too; the cause is chained.
    """


class ProtocolError(LikewiseError):
    """The two ends no longer understand each other: the connection is closed."""


class LocalProtocolError(ProtocolError):
    """This side tried what the protocol does not allow now."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow."""


class LimitExceeded(RemoteProtocolError):
    """
    The peer sent more than one of the ceilings in ``limits.py`` allows.

    ``limit`` is the name of the field in :class:`likewise.Limits`, ``value`` what was asked for and
    ``ceiling`` what is allowed, both in the unit of that field.
    """

    def __init__(self, limit: str, value: float, ceiling: float) -> None:
        shown = str(value) if value < 1 << 62 else "far more"
        super().__init__(f"{limit}: {shown} is over the ceiling of {ceiling} (likewise.Limits({limit}=...) sets it)")
        self.limit = limit
        self.value = value
        self.ceiling = ceiling


class CallError(LikewiseError):
    """One call failed; the connection is as good as before."""


class Error(CallError):
    """
    Raise this, or a subclass, in a remote method to tell the caller of an expected failure.

    It reaches the caller as :class:`Error` (a subclass as itself where the caller registered it) and is
    not logged as a fault of the server. PB's ``twisted.spread.pb.Error``.
    """


class NoSuchMethod(CallError, AttributeError):
    """The remote object has no such method. PB's ``twisted.spread.flavors.NoSuchMethod``."""


class InsecureJelly(CallError):
    """
    A value was refused because nothing here, or nothing at the peer, allows it to cross.

    PB's ``twisted.spread.jelly.InsecureJelly``.
    """


class NotSendable(InsecureJelly):
    """
    A value was refused at the sender: nothing of this message was sent.

    ``path`` leads to it from what was passed, as in ``args[0].items[3].lock``; ``reason`` says what to do.
    ``too_large`` is what was over a ceiling of the wire, and how large: ``("a str", 655361)``; ``("an int", n)`` has
    the number itself. ``untold`` are the observers that :class:`likewise.Observers` could not tell of a change.
    """

    untold: tuple[Any, ...] = ()

    def __init__(self, reason: str, too_large: tuple[str, int] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = ""
        self.too_large = too_large

    def within(self, step: str) -> None:
        """Put one more step before the path; the encoder calls it while the error travels outwards."""
        self.path = (step if len(step) <= 60 else step[:57] + "...") + self.path

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class TooManyCalls(CallError):
    """``limits.open_calls`` calls of ours are unanswered; nothing was queued."""


class LoginFailed(CallError):
    """
    Nobody was logged in: this way is not open here, or not now.

    A realm may raise it, with a text for the client. Twisted's ``twisted.cred.error.LoginFailed``.
    """


class LoginRefused(LoginFailed):
    """
    The credentials were refused. An unknown user and a wrong password look the same.

    Twisted's ``twisted.cred.error.UnauthorizedLogin``.
    """


class RemoteError(CallError):
    """
    An exception at the peer whose class is not registered here.

    ``type`` is its full class name there (``"builtins.ValueError"``), ``text`` its text, ``parents`` the
    full names of its base classes, ``traceback`` the remote traceback or ``""`` where the peer keeps it to
    itself, ``id`` the number under which the peer's log has the whole story (0 if it gave none).
    """

    def __init__(
        self, type: str, text: str, *, parents: tuple[str, ...] = (), traceback: str = "", id: int = 0
    ) -> None:
        super().__init__(f"{type}: {text}" if text else type)
        self.type = type
        self.text = text
        self.parents = parents
        self.traceback = traceback
        self.id = id

    def check(self, *names: str | type[BaseException]) -> bool:
        """Whether the remote exception was one of these classes, or derived from one: by class or full name."""
        known = {self.type, *self.parents}
        asked = (n if isinstance(n, str) else WIRE_NAMES.get(n) or f"{n.__module__}.{n.__name__}" for n in names)
        return any(name in known for name in asked)


WIRE_NAMES: Final[dict[type, str]] = {
    Error: "twisted.spread.pb.Error",
    InsecureJelly: "twisted.spread.jelly.InsecureJelly",
    LoginFailed: "twisted.cred.error.LoginFailed",
    LoginRefused: "twisted.cred.error.UnauthorizedLogin",
    NoSuchMethod: "twisted.spread.flavors.NoSuchMethod",
}
"""Those of our classes that travel under the names that PB gave them."""


__all__ = (
    "CallError",
    "CannotConnect",
    "ConnectionClosed",
    "Error",
    "InsecureJelly",
    "LikewiseError",
    "LimitExceeded",
    "LocalProtocolError",
    "LoginFailed",
    "LoginRefused",
    "NoSuchMethod",
    "NotSendable",
    "ProtocolError",
    "RemoteError",
    "RemoteProtocolError",
    "TooManyCalls",
)
