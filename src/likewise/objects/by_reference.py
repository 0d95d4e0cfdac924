"""By reference: a :class:`Referenceable` stays home; the peer holds a :class:`RemoteReference` and calls its methods."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from ..bounded import brief_types, clip, opaque_types
from ..errors import NoSuchMethod, WrongThread
from ..jelly.atoms import LOCAL_CODE, REMOTE_CODE
from ..jelly.checks import ARRIVES
from ..jelly.context import Caller, Luid, Receivable, Sendable, Writing
from ..wire.tokens import VOCABULARY
from .typed import WithTyped

if TYPE_CHECKING:
    from asyncio import Future


    class CallResult(Future[Any]):
        """What a call gives, as type checkers see it: the drivers have their own."""

        def __aiter__(self) -> AsyncIterator[Any]: ...

FULL_NAMES_KEPT: Final = 4_096
NEVER_ARRIVE: Final = frozenset((FunctionType, MethodType, BuiltinFunctionType, partial))  # what a peer can't have put there
_full_names: dict[tuple[str, str], str] = {}  # (prefix, name) -> both, interned; a peer can't make it grow further


def find_method(target: Any, prefix: str, name: str) -> Callable[..., Any]:
    """
    The method that a peer may call under ``name``: only what was given the prefix on purpose is reachable.

    Raises:
        NoSuchMethod: there is none.
    """
    full_name = _full_names.get((prefix, name))
    if full_name is None:
        if not name.isidentifier():
            raise NoSuchMethod(f"No such method: {prefix}{clip(name)}")
        full_name = sys.intern(prefix + name)
        if len(_full_names) < FULL_NAMES_KEPT:
            _full_names[prefix, name] = full_name
    method: Any = getattr(target, full_name, None)
    if type(method) is not MethodType and not may_be_called(target, full_name, method):
        raise NoSuchMethod(f"No such method: {full_name[:200]}")
    return method  # type: ignore[no-any-return]


def may_be_called(target: Any, name: str, method: Any) -> bool:
    """Whether what an object has under a name is a method for a peer: not what a peer has put into its state itself."""
    if not isinstance(target, Receivable) or type(method) in NEVER_ARRIVE:
        return callable(method)
    return callable(method) and hasattr(type(target), name)


class Referenceable(Sendable):
    """
    Derive from this to stay home: the peer gets a reference and may call your ``remote_`` methods, nothing else.

    The methods may be plain or ``async``. The object is kept alive while a peer holds it.
    """

    perspective: Any = None  # the one for which what these methods return is written
    takes_expressions = False  # a driver with forms of its own may have objects that read their arguments themselves

    def jelly_into(self, encoder: Writing) -> None:
        if encoder.tables is None:
            encoder.unsendable(self, type(self))
        else:
            encoder.write_id(VOCABULARY[REMOTE_CODE], encoder.tables.export(self))

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        """The method that the peer calls ``name``: ``remote_<name>``. Raises NoSuchMethod."""
        return find_method(self, "remote_", name)


class Root(Referenceable):
    """The object that a peer starts from: pass one to ``serve()``."""

    def rootObject(self, broker: Any) -> Referenceable:
        """The root for one new connection: by default this object itself. Override to give each its own."""
        return self


class Viewable(Sendable):
    """
    A reference whose methods are told who calls: the peer may call ``view_`` methods.

    They get the perspective of the connection through which this was handed out as their first argument.
    """

    def jelly_into(self, encoder: Writing) -> None:
        ViewPoint(encoder.perspective, self).jelly_into(encoder)


class ViewPoint(Referenceable):
    """One object as one perspective sees it: calls reach ``object.view_<name>(perspective, ...)``."""

    def __init__(self, perspective: Any, object: Any) -> None:
        self.perspective = perspective
        self.object = object

    def processUniqueID(self) -> object:
        return (id(self.perspective), id(self.object))

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        method = find_method(self.object, "view_", name)
        perspective = self.perspective
        return lambda *args, **kwargs: method(perspective, *args, **kwargs)


class Avatar(Referenceable):
    """
    What a logged-in user may do: the peer may call ``perspective_`` methods.

    It is itself the perspective: objects that its methods return are asked for their state *for this avatar*.
    """

    def logout(self, mind: Any) -> Any:
        """
        Called once for each login by ``serve(..., login=)``, when its client lets go of this avatar or is gone.

        ``mind`` is what the client passed when it logged in. Override it, plain or ``async``.
        """

    def jelly_into(self, encoder: Writing) -> None:
        AsReferenceable(self, "perspective").jelly_into(encoder)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        return find_method(self, "perspective_", name)


class AsReferenceable(Referenceable):
    """A reference to an object under another prefix: ``AsReferenceable(avatar, "perspective")``."""

    PERSPECTIVES: ClassVar = ("perspective", "view")

    def __init__(self, object: Any, messageType: str = "remote") -> None:
        self.object = object
        self.prefix = f"{messageType}_"
        self.perspective = object if messageType in self.PERSPECTIVES else getattr(object, "perspective", None)

    def processUniqueID(self) -> object:
        return (id(self.object), self.prefix)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        return find_method(self.object, self.prefix, name)


class RemoteReference(WithTyped, Sendable):
    """
    An object that lives at the peer. It answers nothing by itself: ask it with :meth:`callRemote`.

    While it lives, the same object arrives as this same reference. Sent back home, it is the object. When the last
    reference to it goes, the peer is told.
    """

    __slots__ = ("__weakref__", "_callbacks", "_caller", "luid", "perspective")

    def __init__(self, caller: Caller, luid: Luid, perspective: Any = None) -> None:
        self._caller = caller
        self.luid = luid
        self.perspective = perspective
        self._callbacks: list[Callable[[RemoteReference], object]] | None = None

    @property
    def connection(self) -> Any:
        """The connection that the object is reached through."""
        return self._caller.owner

    def callRemote(self, _name: str, /, *args: Any, **kwargs: Any) -> CallResult:
        """
        Call ``remote_<name>(*args, **kwargs)`` there; a future of what it returns.

        Where that is a stream, ``async for`` reads it, over the call itself or over what it gives when it is awaited.

        The arguments are written before this returns: changing them later changes nothing on the way. The call is
        sent at the end of this turn of the event loop, whether it is awaited or not.

        Raises:
            NotSendable: an argument can't cross; nothing was sent.
            TooManyCalls: ``limits.open_calls`` calls are unanswered; nothing was sent.
            ConnectionClosed: at once, or when awaited, if the connection ends first.
            WrongThread: the connection's event loop runs on another thread; nothing was sent.
        """
        result: CallResult = self._caller.call(self.luid, _name, args, kwargs, self.perspective)
        return result

    def callRemoteOnly(self, _name: str, /, *args: Any, **kwargs: Any) -> None:
        """As :meth:`callRemote`, one way: no answer comes, and an error is the peer's alone to know."""
        self._caller.call(self.luid, _name, args, kwargs, self.perspective, False)

    def remoteMethod(self, key: str) -> RemoteMethod:
        """The remote method ``key`` as a callable."""
        return RemoteMethod(self, key)

    def notifyOnDisconnect(self, callback: Callable[[RemoteReference], object]) -> None:
        """
        Have ``callback(this reference)`` run once when the connection ends, or now if it has; ``.connection`` knows why.

        While a callback waits, the reference is held.
        """
        if self._callbacks is not None:
            self._callbacks.append(callback)
        else:
            self._callbacks = [callback]
            try:
                self._caller.notify_on_disconnect(self._disconnected)
            except WrongThread:
                self._callbacks = None
                raise

    def dontNotifyOnDisconnect(self, callback: Callable[[RemoteReference], object]) -> None:
        """Take a callback back; ValueError if it was not given."""
        if self._callbacks is None:
            raise ValueError("no such callback")
        self._callbacks.remove(callback)
        if not self._callbacks:
            self._callbacks = None
            self._caller.dont_notify_on_disconnect(self._disconnected)

    def _disconnected(self) -> None:
        callbacks, self._callbacks = self._callbacks or [], None
        errors = []
        for callback in callbacks:
            try:
                callback(self)
            except Exception as error:  # the others are told all the same
                errors.append(error)
        if errors:
            raise ExceptionGroup("callbacks of notifyOnDisconnect failed", errors)

    def jelly_into(self, encoder: Writing) -> None:
        if encoder.tables is None:
            encoder.unsendable(self, type(self))
        else:
            encoder.write_id(VOCABULARY[LOCAL_CODE], encoder.tables.home_luid(self))

    def __copy__(self) -> RemoteReference:
        return self  # it stands for one object, as a weak reference does

    def __deepcopy__(self, memo: object) -> RemoteReference:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a RemoteReference can't be pickled: it stands for an object of the peer, on this connection alone; "
            "have the peer send what you want to keep"
        )

    def __repr__(self) -> str:
        return f"<RemoteReference {self.luid!r}>"


ARRIVES.add(RemoteReference)
opaque_types.update((Referenceable, RemoteReference, Viewable))
brief_types.add(RemoteReference)


class RemoteMethod:
    """One method of a remote object; calling it is ``reference.callRemote(name, ...)``."""

    __slots__ = ("name", "obj")

    def __init__(self, obj: Any, name: str) -> None:
        self.obj = obj  # a reference; with Twisted's API an observer, too
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> CallResult:
        result: CallResult = self.obj.callRemote(self.name, *args, **kwargs)
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteMethod) and (self.obj, self.name) == (other.obj, other.name)

    def __hash__(self) -> int:
        return hash((self.obj, self.name))


__all__ = ("AsReferenceable", "Avatar", "Referenceable", "RemoteMethod", "RemoteReference", "Root", "ViewPoint", "Viewable")
