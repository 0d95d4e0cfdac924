"""The sender's ends of mirrors."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer
from twisted.python.failure import Failure

from ..objects import by_cache
from ..objects.by_reference import RemoteMethod as MethodOfAny
from .awaited import quiet
from .faults import DeadReferenceError


class RemoteCacheMethod(MethodOfAny):
    """One ``observe_`` method of a mirror; calling it is ``observer.callRemote(name, ...)``."""

    __module__ = "likewise.spread.flavors"

    def __init__(self, name: Any, observer: RemoteCacheObserver) -> None:
        super().__init__(observer, name)
        self.observer = observer


class RemoteCacheObserver(by_cache.RemoteCacheObserver):
    """
    The sender's end of one mirror: call :meth:`callRemote` on it whenever the original changes.

    It is one and the same object from ``getStateToCacheAndObserveFor`` to ``stoppedObserving``, so it may be kept in a
    list and removed from there. To a peer that has gone it says nothing, and raises nothing.
    """

    __module__ = "likewise.spread.flavors"
    __slots__ = ("broker",)

    def __init__(self, broker: Any, cached: Any, perspective: Any, luid: int = 0) -> None:
        super().__init__(broker.core, luid, cached, perspective)
        self.broker = broker

    def callRemote(self, _name: Any, /, *args: Any, **kw: Any) -> Any:
        """Run ``observe_<name>`` on the mirror; a Deferred of what it returns, ``None`` with ``pbanswer=False``."""
        if not self.is_observing:
            return quiet(defer.fail(Failure(DeadReferenceError("The peer has stopped observing"))))
        return self.broker.calls.send(self.luid, _name, args, kw, self.perspective, True)

    def callRemoteOnly(self, _name: Any, /, *args: Any, **kw: Any) -> None:
        self.callRemote(_name, *args, pbanswer=False, **kw)

    def end(self, reason: str = "") -> None:
        with self.broker.line:
            super().end(reason)

    def remoteMethod(self, key: Any) -> RemoteCacheMethod:
        """One method of the mirror, to be called later."""
        return RemoteCacheMethod(key, self)


__all__ = ("RemoteCacheMethod", "RemoteCacheObserver")
