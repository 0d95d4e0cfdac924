"""
The exceptions of Twisted's PB.

Each is part of likewise's own tree of errors too, and is named after its place in Twisted: under that name it crosses
the wire, ``Failure.type`` prints it and ``Failure.check`` compares it.
"""

from __future__ import annotations

from typing import Any, Final

from .. import errors
from ..bounded import args_of, clip, text_of


class InsecureJelly(errors.InsecureJelly):
    """A value was refused because nothing allows it to cross."""

    __module__ = "twisted.spread.jelly"


class BananaError(errors.LikewiseError):
    """Something that banana can't carry, or bytes that are no banana."""

    __module__ = "twisted.spread.banana"


class MalformedBanana(BananaError, NotImplementedError, KeyError):
    """Bytes that start no token, or no word of the vocabulary; Twisted raises one of the other two bases for them."""

    __module__ = "twisted.spread.banana"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class NoSuchMethod(errors.NoSuchMethod):
    """The object is there, the method is not."""

    __module__ = "twisted.spread.flavors"


class ProtocolError(errors.ProtocolError):
    """A statement that the protocol does not allow."""

    __module__ = "twisted.spread.pb"


class DeadReferenceError(ProtocolError, errors.ConnectionClosed):
    """A method was called on a reference whose connection has ended."""

    __module__ = "twisted.spread.pb"


class Error(errors.Error):
    """
    Raise this, or a subclass, in a remote method to tell the caller of an expected failure.

    It reaches the caller as type and text, or as itself where it is Jellyable or allowed, and is not logged here.
    """

    __module__ = "twisted.spread.pb"


class PBConnectionLost(errors.ConnectionClosed):
    """The connection ended before the answer came; ``args[0]`` is the Failure that says why."""

    __module__ = "twisted.spread.pb"


class RemoteError(errors.RemoteError):
    """
    An exception of the peer where only a real one will do: ``await``, a generator, ``raiseException``.

    ``remoteType`` is the full name of its class there (bytes), ``remoteTraceback`` its traceback as text; the text of
    the exception is ``str()`` of this one. Raised on, by a server between two others, it stays what it was.
    """

    __module__ = "twisted.spread.pb"

    def __init__(self, remoteType: Any, value: Any, remoteTraceback: Any) -> None:
        super().__init__(_text(remoteType), _text(value), traceback=remoteTraceback)
        self.args = (value,)
        self.remoteType = remoteType
        self.remoteTraceback = remoteTraceback


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else clip(value)


NOT_OF_TWISTED: Final = {
    cls.__name__: cls
    for cls in (
        InsecureJelly,
        BananaError,
        MalformedBanana,
        NoSuchMethod,
        ProtocolError,
        DeadReferenceError,
        Error,
        PBConnectionLost,
        RemoteError,
    )
}
"""The classes above by their names: to pickle they are not where their ``__module__`` says."""


def _again(name: str, args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    return errors.made_again(NOT_OF_TWISTED[name], args, attributes)


def _reduced(self: errors.LikewiseError) -> Any:
    name = type(self).__name__
    if NOT_OF_TWISTED.get(name) is not type(self):
        return errors.LikewiseError.__reduce__(self)
    return _again, (name, args_of(self), dict(self.__dict__))


for _cls in NOT_OF_TWISTED.values():
    _cls.__reduce__ = _reduced  # type: ignore[method-assign]


def _all_names(cls: type) -> set[str]:
    names = {f"{cls.__module__}.{cls.__name__}"}
    subclasses: list[type] = cls.__subclasses__()
    for each in subclasses:
        names |= _all_names(each)
    return names


OUR_NAMES: Final = {
    name for name in _all_names(errors.LikewiseError) if name.startswith(errors.__name__)
}
"""The names of our own tree: a Twisted peer is not told of them."""

TOO_LARGE: Final = {
    "an int": "int is too large to send",
    "a str": "byte string is too long to send",
    "a byte string": "byte string is too long to send",
}


def translated(error: BaseException) -> BaseException:
    """An exception of the core as one of those above; any other is returned as it is."""
    known: BaseException | None = None
    if isinstance(error, errors.NotSendable):
        known = refused(error)
    elif type(error) is errors.InsecureJelly:
        known = InsecureJelly(text_of(error))
    elif type(error) is errors.NoSuchMethod:
        known = NoSuchMethod(text_of(error))
    elif type(error) in (errors.Error, errors.TooManyCalls, errors.NotExecuted):
        known = Error(text_of(error))
    elif type(error) is errors.ConnectionClosed:
        known = DeadReferenceError(text_of(error))
    elif isinstance(error, errors.ProtocolError) and not isinstance(error, ProtocolError):
        known = ProtocolError(text_of(error))
    if known is None:
        return error
    known.__cause__ = error.__cause__
    return known.with_traceback(error.__traceback__)


def refused(error: errors.NotSendable) -> BananaError | InsecureJelly:
    """What Twisted raises for a value that can't be sent: banana for its size, jelly for its kind."""
    if error.too_large is None:
        return InsecureJelly(text_of(error))
    what, size = error.too_large
    if what == "an int" and size.bit_length() > 4_096:  # Python refuses to spell numbers that are much larger
        return BananaError(f"{TOO_LARGE[what]} ({size.bit_length()} bits)")
    return BananaError(f"{TOO_LARGE.get(what, 'list/tuple is too long to send')} ({size})")
