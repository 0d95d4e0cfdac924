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
    ├─ WrongThread               used outside of its event loop; nothing was done
    └─ CallError                 ends one call; the connection and the other calls go on
       ├─ Error                    what a remote method raises to say "expected trouble" (PB's ``pb.Error``)
       ├─ NoSuchMethod             the object is there, the method is not
       ├─ InsecureJelly            a value that may not cross
       │  └─ NotSendable             ... refused before anything was sent; names the path to it
       ├─ TooManyCalls             our own ceiling of unanswered calls
       ├─ NotExecuted              the peer did not run the call: it may be made again
       ├─ LoginFailed              nobody was logged in: not this way, not now
       │  └─ LoginRefused            ... or not these credentials; which part of them is wrong is not said
       └─ RemoteError              any other exception of the peer, as type and text

This module imports nothing of the package, so no layer needs a late import to raise.
"""

from __future__ import annotations

from typing import Any, Final

ENDS_THE_PROGRAM: Final = (KeyboardInterrupt, SystemExit)
"""What is handed on wherever an application's code raises it. Whatever else it raises has failed one call, or one hook."""


IS_HEAP_TYPE: Final = 1 << 9  # in the __flags__ of a class that was made at run time: not by the interpreter itself


def made_again(cls: type[Any], args: tuple[Any, ...], attributes: dict[str, Any] | None = None) -> Any:
    """
    An exception of this class with these ``args`` and attributes. As for any object that is read from a wire or a file,
    no ``__init__``, ``__new__`` or ``__setattr__`` of the class is run: they may want other arguments than they got.
    """
    base = cls
    while base.__flags__ & IS_HEAP_TYPE and base.__base__ is not None:
        base = base.__base__
    error = base.__new__(cls, *args)
    base.__init__(error, *args)
    if attributes:
        error.__dict__.update(attributes)
    return error


class LikewiseError(Exception):
    """Base of all errors that likewise raises. They can be pickled and copied, whatever their ``__init__`` takes."""

    def __reduce__(self) -> Any:
        return made_again, (type(self), BaseException.__dict__["args"].__get__(self), dict(self.__dict__))


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


class WrongThread(LikewiseError, RuntimeError):
    """
    A connection, or something that leads through one, was used on another thread than its event loop's.

    Nothing was done. ``asyncio.run_coroutine_threadsafe(coroutine, loop)`` gets there from another thread.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: this is another thread than that of the connection's event loop; go through "
            f"asyncio.run_coroutine_threadsafe(coroutine, loop), or loop.call_soon_threadsafe(function)"
        )


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


LONGEST_WAY: Final = 400  # characters of the way to a value


def way_in_short(path: str) -> str:
    """A path, without its middle where it is long: where it begins and where it ends is what helps."""
    if len(path) <= LONGEST_WAY:
        return path
    half = LONGEST_WAY // 2
    return f"{path[: half - 3]} ... {path[2 - half :]}"


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
        self.path = way_in_short((step if len(step) <= 60 else step[:57] + "...") + self.path)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class TooManyCalls(CallError):
    """``limits.open_calls`` calls of ours are unanswered; nothing was queued."""


class NotExecuted(CallError):
    """
    The peer has not run the call, and will not: it may be made again.

    Too many calls wait there already, or for too long, or it is closing; the text says which.
    """


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
    ``remote_args`` is what it was made with there, ``None`` where that is not known or is no plain values;
    ``members`` the errors in it, if it was an exception group. Notes (``__notes__``) are those that it had there.
    """

    def __init__(
        self,
        type: str,
        text: str,
        *,
        parents: tuple[str, ...] = (),
        traceback: str = "",
        id: int = 0,
        remote_args: tuple[Any, ...] | None = None,
        members: tuple[Exception, ...] = (),
    ) -> None:
        super().__init__(f"{type}: {text}" if text else type)
        self.type = type
        self.text = text
        self.parents = parents
        self.traceback = traceback
        self.id = id
        self.remote_args = remote_args
        self.members = members
        self.carried: dict[str, Any] = {}  # what else came of it, as it came: to be passed on

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
    NotExecuted: "likewise.errors.NotExecuted",
}
"""Those of our classes that a peer of ours raises as themselves, and their names on the wire: PB's where it has one."""


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
    "NotExecuted",
    "NotSendable",
    "ProtocolError",
    "RemoteError",
    "RemoteProtocolError",
    "TooManyCalls",
    "WrongThread",
)
