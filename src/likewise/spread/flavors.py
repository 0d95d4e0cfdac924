"""
The flavours of objects that cross: by reference, by copy, by cache. Each is likewise's own with Twisted's ways of use.

A class that overrides ``jellyFor``, ``unjellyFor`` or ``remoteMessageReceived`` is asked for, or given, s-expressions;
for all others these methods stand here to be called by subclasses, and what does the work is the codec itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.python import log
from twisted.python.reflect import qual
from zope.interface import Interface, implementer

from ..bounded import clip, shown
from ..broker.names import check_keywords
from ..errors import NotSendable
from ..jelly.context import Writing
from ..jelly.plans import refuse_to_wait, slots_of
from ..objects import by_cache, by_copy, by_reference
from .faults import InsecureJelly, NoSuchMethod
from .forms import has_own_form, is_stock, stock, write_form, write_instance
from .jelly import (
    Jellyable,
    Unjellyable,
    getInstanceState,
    setInstanceState,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
    unjellyableRegistry,
)
from .observers import RemoteCacheMethod, RemoteCacheObserver

setCopierForClass = setUnjellyableForClass
setCopierForClassTree = setUnjellyableForClassTree
setFactoryForClass = setUnjellyableFactoryForClass
copyTags = unjellyableRegistry

copy_atom = b"copy"
cache_atom = b"cache"
cached_atom = b"cached"
remote_atom = b"remote"

Broker = Any  # .broker.Broker, which needs this module


class IPBRoot(Interface):
    """What makes the root object of each connection to a server."""

    def rootObject(broker):  # type: ignore[no-untyped-def]
        """The Referenceable that this connection starts from."""


class Serializable(Jellyable):
    """An object that can be passed to, and returned from, a remote method."""

    def processUniqueID(self) -> object:
        """What tells this object from others in this process; equal ids mean one and the same object."""
        return id(self)


# --- calls that arrive


class Receiver:
    """What a peer calls methods of. Those whose class reads the arguments itself get them as s-expressions."""

    takes_expressions: Any = property(lambda self: not is_stock(type(self), "remoteMessageReceived"))


def called(broker: Broker, method: Callable[..., Any], args: Any, kw: Any) -> Any:
    """Call a method for a peer; that it takes other arguments is logged."""
    try:
        return method(*args, **kw)
    except TypeError:
        note_arguments(broker.calls, method, args, kw)
        raise


def note_arguments(calls: Any, method: Any, args: Any, kw: Any) -> None:
    """A method has raised TypeError: it takes other arguments, as a rule."""
    if calls.may_log("calls not accepted"):
        log.msg(f"{name_of(method)} didn't accept {shown(args)} and {shown(kw)}")


def name_of(method: Any) -> str:
    """What to call a method in the log: printed as it is, it prints its object, and all that a peer has put into that."""
    return clip(str(getattr(method, "__qualname__", type(method).__qualname__)))[1:-1]


def arguments(broker: Broker, args: Any, kw: Any, who: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What two s-expressions hold for a method: as of any other call, a tuple, and keywords that are names."""
    args, kw = broker.unserialize(args, who), broker.unserialize(kw, who)
    if not isinstance(args, tuple) or not isinstance(kw, dict):
        raise InsecureJelly("a call takes a tuple and a dictionary")
    return args, check_keywords(kw, broker.core.limits.name_bytes)


def receive(
    finder: Callable[[str], Any], broker: Broker, message: Any, args: Any, kw: Any, who: Any, answers_to: Any
) -> Any:
    """Find a method, call it with what two s-expressions hold, and return its result as an s-expression."""
    args, kw = arguments(broker, args, kw, who)
    method = finder(message if isinstance(message, str) else message.decode())
    return broker.serialize(called(broker, method, args, kw), answers_to, method, args, kw)


# --- by reference


class Referenceable(Receiver, Serializable, by_reference.Referenceable):
    """Derive from this to stay home: the peer gets a reference and may call your ``remote_`` methods."""

    perspective: Any = None

    @stock
    def remoteMessageReceived(self, broker: Broker, message: Any, args: Any, kw: Any) -> Any:
        """A call has come; ``args`` and ``kw`` are s-expressions, and so is what is returned."""
        return receive(self.find_remote_method, broker, message, args, kw, None, self.perspective)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        method = getattr(self, "remote_" + name, None)
        if method is None or not by_reference.may_be_called(self, "remote_" + name, method):
            raise NoSuchMethod(f"No such method: remote_{name}")
        found: Callable[..., Any] = method
        return found

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        return [remote_atom, jellier.invoker.registerReference(self)]

    def jelly_into(self, encoder: Writing) -> None:
        if has_own_form(self):
            write_form(self, encoder)
        elif encoder.tables is None:
            raise NotSendable(f"{qual(type(self))} crosses by reference, which means nothing outside a connection")
        else:
            by_reference.Referenceable.jelly_into(self, encoder)


@implementer(IPBRoot)
class Root(Referenceable, by_reference.Root):
    """The object that clients start from, or, by :meth:`rootObject`, the maker of one for each connection."""


class ViewPoint(Referenceable, by_reference.ViewPoint):
    """One object as one perspective sees it: calls reach ``object.view_<name>(perspective, ...)``."""

    @stock
    def remoteMessageReceived(self, broker: Broker, message: Any, args: Any, kw: Any) -> Any:
        return receive(self.find_remote_method, broker, message, args, kw, self.perspective, self.perspective)

    def processUniqueID(self) -> object:
        return (id(self.perspective), id(self.object))

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        return partial(getattr(self.object, "view_" + name), self.perspective)


class Viewable(Serializable, by_reference.Viewable):
    """A reference whose ``view_`` methods are told who calls: a :class:`ViewPoint` of the perspective it is sent to."""

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        return ViewPoint(jellier.invoker.serializingPerspective, self).jellyFor(jellier)

    def jelly_into(self, encoder: Writing) -> None:
        if has_own_form(self):
            write_form(self, encoder)
        else:
            ViewPoint(encoder.perspective, self).jelly_into(encoder)


# --- by copy


COPYING_HOOKS = ("getStateToCopy", "getStateToCopyFor", "getTypeToCopy", "getTypeToCopyFor")
LOOKED_AT = (*COPYING_HOOKS, "jellyFor", "jelly_into", "__getstate__")


class Copyable(Serializable, by_copy.Copyable):
    """Derive from this to be copied each time you are passed to, or returned from, a remote method."""

    getStateToCopy = stock(by_copy.Copyable.getStateToCopy)
    getStateToCopyFor = stock(by_copy.Copyable.getStateToCopyFor)
    getTypeToCopyFor = stock(by_copy.Copyable.getTypeToCopyFor)

    @stock
    def getTypeToCopy(self) -> bytes:
        """The tag under which the receiver knows this: by default the full class name."""
        return qual(self.__class__).encode()

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        if jellier.invoker is None:
            return getInstanceState(self, jellier)
        perspective = jellier.invoker.serializingPerspective
        tag = self.getTypeToCopyFor(perspective)
        state = self.getStateToCopyFor(perspective)
        refuse_to_wait(self, "getStateToCopy", state)
        return jellier.preserve(self, [tag, jellier.jelly(state)])

    def jelly_into(self, encoder: Writing) -> None:
        if has_own_form(self):
            write_form(self, encoder)
        elif encoder.tables is None and getattr(encoder, "invoker", encoder) is None:
            write_instance(self, encoder)
        else:
            cls = type(self)
            has_no_hooks = all(is_stock(cls, hook) for hook in COPYING_HOOKS)
            if cls.__getstate__ is object.__getstate__ and has_no_hooks and not slots_of(cls):
                encoder.has_no_hooks(cls, LOOKED_AT)
            asks = not (is_stock(self, "getStateToCopyFor") and is_stock(self, "getTypeToCopyFor"))
            perspective = encoder.perspective if asks else None
            encoder.write_copy(self, self.getTypeToCopyFor(perspective), self.getStateToCopyFor(perspective))


class RemoteCopy(Unjellyable, by_copy.RemoteCopy):
    """Derive from this to stand for a Copyable of the peer; register it with :func:`setUnjellyableForClass`."""

    @stock
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        if unjellier.invoker is None:
            return setInstanceState(self, unjellier, jellyList)
        self.setCopyableState(unjellier.unjelly(jellyList[1]))
        return self


# --- by cache


class Cacheable(Copyable, by_cache.Cacheable):
    """Derive from this to be mirrored: copied to a peer the first time, kept up to date from then on."""

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        broker = jellier.invoker
        if broker is None:
            return getInstanceState(self, jellier)
        luid = broker.cachedRemotelyAs(self, 1)
        if luid is not None:
            return [cached_atom, luid]
        luid = broker.cacheRemotely(self)
        perspective = broker.serializingPerspective
        observer = broker.core.tables.observed[luid].observer
        tag = self.getTypeToCopyFor(perspective)
        state = self.getStateToCacheAndObserveFor(perspective, observer)
        refuse_to_wait(self, "getStateToCacheAndObserveFor", state)
        return jellier.preserve(self, [tag, luid, jellier.jelly(state)])

    def jelly_into(self, encoder: Writing) -> None:
        if has_own_form(self) or encoder.tables is None:
            Copyable.jelly_into(self, encoder)
        else:
            by_cache.Cacheable.jelly_into(self, encoder)


class RemoteCache(Receiver, RemoteCopy, by_cache.RemoteCache, Serializable):
    """
    Derive from this to mirror a Cacheable of the peer; register it with :func:`setUnjellyableForClass`.

    While it lives, the same original arrives as this same object. ``broker`` is its connection and ``luid`` its number
    there, both ``None`` when it is no mirror (any more).
    """

    @property
    def broker(self) -> Any:
        """The connection that this mirrors over."""
        entry = getattr(self, "_mirror", None)
        return None if entry is None or entry.tables is None else entry.tables.caller.owner

    @property
    def luid(self) -> Any:
        """The number of the original there."""
        entry = getattr(self, "_mirror", None)
        return None if entry is None else entry.luid

    @stock
    def remoteMessageReceived(self, broker: Broker, message: Any, args: Any, kw: Any) -> Any:
        """A change has come; ``args`` and ``kw`` are s-expressions, and so is what is returned."""
        return receive(self.find_remote_method, broker, message, args, kw, None, None)

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self, "observe_" + name)
        if not by_reference.may_be_called(self, "observe_" + name, found):
            raise NoSuchMethod(f"No such method: observe_{clip(name)[1:-1]}")
        return found

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        if jellier.invoker is None:
            return getInstanceState(self, jellier)
        return [b"lcache", jellier.invoker.core.tables.home_cache(self)]

    @stock
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        broker = unjellier.invoker
        if broker is None:
            return setInstanceState(self, unjellier, jellyList)
        init: Any = self.__init__  # type: ignore[misc]
        init()
        broker.cacheLocally(jellyList[1], self)
        self.setCopyableState(unjellier.unjelly(jellyList[2]))
        return self

    def jelly_into(self, encoder: Writing) -> None:
        if has_own_form(self):
            write_form(self, encoder)
        elif encoder.tables is None:
            write_instance(self, encoder)
        else:
            by_cache.RemoteCache.jelly_into(self, encoder)


def unjellyCached(unjellier: Any, unjellyList: Any) -> Any:
    """The mirror that is here already, for ``(cached luid)``."""
    return unjellier.invoker.core.tables.mirror(unjellyList[1])


def unjellyLCache(unjellier: Any, unjellyList: Any) -> Any:
    """A Cacheable of ours that comes home, for ``(lcache luid)``."""
    return unjellier.invoker.remotelyCachedForLUID(unjellyList[1])


def unjellyLocal(unjellier: Any, unjellyList: Any) -> Any:
    """An object of ours that comes home, for ``(local luid)``."""
    return unjellier.invoker.localObjectForID(unjellyList[1])


setUnjellyableForClass("cached", unjellyCached)
setUnjellyableForClass("lcache", unjellyLCache)
setUnjellyableForClass("local", unjellyLocal)

__all__ = [
    "Cacheable",
    "Copyable",
    "IPBRoot",
    "Jellyable",
    "NoSuchMethod",
    "Referenceable",
    "RemoteCache",
    "RemoteCacheMethod",
    "RemoteCacheObserver",
    "RemoteCopy",
    "Root",
    "Serializable",
    "Unjellyable",
    "ViewPoint",
    "Viewable",
    "cache_atom",
    "cached_atom",
    "copyTags",
    "copy_atom",
    "getInstanceState",
    "remote_atom",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setInstanceState",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "unjellyCached",
    "unjellyLCache",
    "unjellyLocal",
    "unjellyableRegistry",
]
