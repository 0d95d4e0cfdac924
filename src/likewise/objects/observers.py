"""The observers of one object: a collection that tells all of them of a change at once."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any

from .by_cache import RemoteCacheObserver


class Observers:
    """
    What a Cacheable keeps its observers in, instead of a list.

    ``add`` one in ``getStateToCacheAndObserveFor``, ``discard`` it in ``stoppedObserving``, and tell all of them with
    :meth:`callRemote`. They may be on any connections; one that is leaving costs the others nothing.
    """

    __slots__ = ("_by_perspective", "_count")

    def __init__(self) -> None:
        self._by_perspective: dict[int, dict[RemoteCacheObserver, None]] = {}  # id of the perspective, which they keep alive
        self._count = 0

    def add(self, observer: RemoteCacheObserver) -> None:
        """Take an observer in; twice is once."""
        group = self._by_perspective.setdefault(id(observer.perspective), {})
        if observer not in group:
            group[observer] = None
            self._count += 1

    def discard(self, observer: RemoteCacheObserver) -> None:
        """Let an observer go; nothing happens if it is not there."""
        key = id(observer.perspective)
        group = self._by_perspective.get(key)
        if group is not None and observer in group:
            del group[observer]
            self._count -= 1
            if not group:
                del self._by_perspective[key]

    def remove(self, observer: RemoteCacheObserver) -> None:
        """Let an observer go; KeyError if it is not there."""
        if observer not in self:
            raise KeyError(observer)
        self.discard(observer)

    def callRemote(self, _name: str, /, *args: Any, **kwargs: Any) -> None:
        """
        Run ``observe_<name>(*args, **kwargs)`` on every mirror, one way.

        The change is written once for all observers of the same perspective. Each mirror gets all changes in the order
        they were published, before any answer that is sent after them. Under a steady stream of changes several share
        a write, for which none waits longer than 2 ms, or than a quarter of what writing to all takes, up to 20 ms
        (:mod:`likewise.asyncio.pace`).

        Raises:
            NotSendable: an argument can't cross. If it can to some, those were told.
        """
        failed: Exception | None = None
        for group in tuple(self._by_perspective.values()):
            members = tuple(group)
            caller = next((each.connection_core for each in members if each.is_observing), None)
            if caller is None:
                continue
            try:
                caller.publish(members, _name, args, kwargs, members[0].perspective)
            except Exception as error:  # the other perspectives may well be told
                failed = error
        if failed is not None:
            raise failed

    def callRemoteForAnswers(self, _name: str, /, *args: Any, **kwargs: Any) -> dict[RemoteCacheObserver, Awaitable[Any]]:
        """As :meth:`callRemote`, and observer -> an awaitable of what its mirror answers; written for each alone."""
        return {observer: observer.callRemote(_name, *args, **kwargs) for observer in self}

    def __iter__(self) -> Iterator[RemoteCacheObserver]:
        return iter([observer for group in self._by_perspective.values() for observer in group])

    def __len__(self) -> int:
        return self._count

    def __contains__(self, observer: object) -> bool:
        if not isinstance(observer, RemoteCacheObserver):
            return False
        return observer in self._by_perspective.get(id(observer.perspective), ())

    def __repr__(self) -> str:
        return f"<Observers: {self._count}>"


__all__ = ("Observers",)
