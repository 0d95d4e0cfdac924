"""
By cache: a :class:`Cacheable` is copied once and then kept up to date; its :class:`RemoteCache` is the mirror.

The sender's *observer*, one for each mirror, carries changes to it: what is called on it runs the mirror's ``observe_``
method of that name. There is a mirror for each connection, and for each perspective there that was sent the object.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from ..bounded import opaque_types
from ..errors import ConnectionClosed
from ..jelly.atoms import CACHED_CODE, LCACHE_CODE
from ..jelly.context import Caller, Sendable, Subscribed, Writing
from ..jelly.plans import state_of, wire_name
from ..wire.tokens import VOCABULARY
from .by_copy import Copyable, RemoteCopy
from .by_reference import find_method
from .typed import WithTyped


class RemoteCacheObserver(WithTyped):
    """
    The sender's end of one mirror: call :meth:`callRemote` on it whenever the original changes.

    It is one and the same object from ``getStateToCacheAndObserveFor`` to ``stoppedObserving``, equal only to itself.
    ``failures`` counts the changes that the mirror has answered with an error; those sent one way have no answers.
    """

    __slots__ = ("__weakref__", "_caller", "cached", "failures", "luid", "perspective", "subscription")

    def __init__(self, caller: Caller, luid: int, cached: Cacheable, perspective: Any) -> None:
        self._caller: Caller | None = caller
        self.subscription: Subscribed | None = caller.subscribe(luid, perspective)
        self.luid = luid
        self.cached = cached
        self.perspective = perspective
        self.failures = 0

    @property
    def is_observing(self) -> bool:
        """Whether the mirror is still there, as far as is known here."""
        return self._caller is not None and not self._caller.is_closed

    @property
    def connection_core(self) -> Caller | None:
        """What calls go through; for :class:`likewise.Observers`."""
        return self._caller

    @property
    def connection(self) -> Any:
        """The connection that the mirror is on, or ``None`` once it stopped observing."""
        return self._caller.owner if self._caller is not None else None

    def callRemote(self, _name: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """
        Run ``observe_<name>(*args, **kwargs)`` on the mirror; an awaitable of what it returns.

        A publisher need not wait for a change to arrive, nor care whether the observer is leaving: to one that has gone
        this gives a result that has failed with :class:`likewise.ConnectionClosed`, and raises nothing.

        Raises:
            NotSendable: an argument can't cross.
        """
        caller = self._caller
        if caller is None or caller.is_closed:
            return self._gone(caller)
        result: Awaitable[Any] = caller.call(self.luid, _name, args, kwargs, self.perspective, True, True)
        return result

    def callRemoteOnly(self, _name: str, /, *args: Any, **kwargs: Any) -> None:
        """As :meth:`callRemote`, one way: no answer comes, and errors stay at the mirror."""
        caller = self._caller
        if caller is not None and not caller.is_closed:
            caller.call(self.luid, _name, args, kwargs, self.perspective, False, True)

    @property
    def queued_bytes(self) -> int:
        """How many bytes for its peer have not left this process: how far its connection lags. 0 once it has stopped."""
        return self.subscription.queued_bytes if self.subscription is not None else 0

    def end(self, reason: str = "") -> None:
        """
        Have the mirror followed no longer: it stays as it is, and says so (:attr:`RemoteCache.ended_because`).

        ``stoppedObserving`` is called as for one that leaves. What was told before still arrives. When the object is
        sent to that peer again, a new mirror begins. ``reason`` reaches a peer that speaks ``likewise-1``, up to 500
        characters of it; toward any other, call a method of the mirror's before.
        """
        if self._caller is not None:
            self._caller.end_mirror(self.luid, reason)

    def _gone(self, caller: Caller | None) -> Awaitable[Any]:
        error = ConnectionClosed("the peer stopped observing")
        result: Awaitable[Any] = caller.refused(error) if caller is not None else _Refused(error)
        return result

    def stop(self) -> None:
        """Called once by the owner of the tables, after ``stoppedObserving``."""
        self._caller = self.subscription = None

    def __copy__(self) -> RemoteCacheObserver:
        return self  # equal only to itself, so there is no other

    def __deepcopy__(self, memo: object) -> RemoteCacheObserver:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a RemoteCacheObserver can't be pickled: it is one end of a mirror on one connection")

    def __repr__(self) -> str:
        state = "observing" if self.is_observing else "stopped"
        return f"<RemoteCacheObserver of {type(self.cached).__name__}, {state}>"


class _Refused:
    """What calling a stopped observer gives: awaiting it raises, ignoring it is silent."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __await__(self) -> Any:
        raise self._error
        yield  # makes this a generator


class Cacheable(Copyable):
    """
    Derive from this to be mirrored: copied to a peer the first time, kept up to date from then on.

    Write :meth:`getStateToCacheAndObserveFor` and :meth:`stoppedObserving`, and call the observers at each change.
    """

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: RemoteCacheObserver) -> Any:
        """
        The state that fills a new mirror; keep ``observer`` to tell that mirror of changes.

        What the observer is told from here on arrives after the state and in order.
        """
        return self.getStateToCopyFor(perspective)

    def stoppedObserving(self, perspective: Any, observer: RemoteCacheObserver) -> None:
        """The mirror is gone, dropped or its connection lost: forget ``observer``, the very object handed out before."""

    def jelly_into(self, encoder: Writing) -> None:
        tables = encoder.tables
        if tables is None:
            super().jelly_into(encoder)
            return
        perspective = encoder.perspective
        luid, observer = tables.observe(self, perspective)
        if observer is None:
            encoder.write_id(VOCABULARY[CACHED_CODE], luid)
        else:
            tag = self.getTypeToCopyFor(perspective)
            encoder.write_cache(self, tag, luid, self.getStateToCacheAndObserveFor(perspective, observer))


class RemoteCache(RemoteCopy, Sendable):
    """
    Derive from this to mirror a Cacheable of a peer; register it with :func:`likewise.setUnjellyableForClass`.

    It is made without arguments, gets the state by :meth:`setCopyableState`, and then the changes by its ``observe_``
    methods. While it lives, the same original arrives as this same object. When the last reference to it goes, the
    peer is told. Sent back to where it came from, it is the original. It is followed until it ends: its owner may end
    it, and so does the connection.
    """

    __slots__ = ("_mirror",)  # the connection's entry, out of reach of the state
    is_cache = True
    takes_expressions = False
    _mirror: Any

    @property
    def ended_because(self) -> str | None:
        """Why this is not kept up to date any more; ``None`` as long as it is."""
        mirror = getattr(self, "_mirror", None)
        return "it is no mirror, but a copy of one" if mirror is None else mirror.because

    @property
    def failed_changes(self) -> int:
        """How many changes could not be taken here: from the first one on this may be another than its original."""
        mirror = getattr(self, "_mirror", None)
        return 0 if mirror is None else mirror.failures

    def mirror_ended(self, because: str) -> None:
        """Called once when this is not kept up to date any more; not when its last reference here goes. For subclasses."""

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        """The method that the original's observers call ``name``: ``observe_<name>``. Raises NoSuchMethod."""
        return find_method(self, "observe_", name)

    def jelly_into(self, encoder: Writing) -> None:
        if encoder.tables is None:
            encoder.write_copy(self, wire_name(type(self)), state_of(self))
        else:
            encoder.write_id(VOCABULARY[LCACHE_CODE], encoder.tables.home_cache(self))

    def __getstate__(self) -> Any:
        # For copy and pickle, which make a thing of the moment: it has the state, and no tie to the original.
        state = object.__getstate__(self)
        if isinstance(state, tuple):  # with what lies in slots, of which one is ours
            slots = {name: value for name, value in state[1].items() if name != "_mirror"}
            return (state[0], slots) if slots else state[0] or {}
        return state or {}

    def __del__(self) -> None:
        # The peer may have sent "the cache you have" before it hears that we dropped it: keep the state until it has.
        mirror = getattr(self, "_mirror", None)
        if mirror is not None:
            mirror.keep(state_of(self))


opaque_types.update((Cacheable, RemoteCacheObserver))

__all__ = ("Cacheable", "RemoteCache", "RemoteCacheObserver")
