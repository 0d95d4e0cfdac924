"""The observers of one object: a collection that tells all of them of a change at once."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any

from ..errors import CallError
from ..jelly.context import Publish
from .by_cache import RemoteCacheObserver


class Observers:
    """
    What a Cacheable keeps its observers in, instead of a list.

    ``add`` one in ``getStateToCacheAndObserveFor``, ``discard`` it in ``stoppedObserving``, and tell all of them with
    :meth:`callRemote`. They may be on any connections; one that is leaving costs the others nothing.
    """

    __slots__ = ("_members", "_publish")

    def __init__(self) -> None:
        self._publish: Publish | None = None  # one and the same for all; it comes with the first observer
        self._members: dict[RemoteCacheObserver, None] = {}

    def add(self, observer: RemoteCacheObserver) -> None:
        """
        Take an observer in; twice is once.

        Raises:
            TypeError: it is none. A RemoteReference that is to be told of changes is called by itself.
        """
        if not isinstance(observer, RemoteCacheObserver):
            text = "an Observers holds what getStateToCacheAndObserveFor is given: call"
            raise TypeError(f"{text} a {type(observer).__name__} by itself")
        if self._publish is None and observer.subscription is not None:
            self._publish = observer.subscription.publisher
        self._members[observer] = None

    def discard(self, observer: RemoteCacheObserver) -> None:
        """Let an observer go; nothing happens if it is not there. Its mirror stays: see ``observer.end()``."""
        self._members.pop(observer, None)

    def remove(self, observer: RemoteCacheObserver) -> None:
        """Let an observer go; KeyError if it is not there."""
        del self._members[observer]

    def callRemote(self, _name: str, /, *args: Any, **kwargs: Any) -> None:
        """
        Run ``observe_<name>(*args, **kwargs)`` on every mirror, one way.

        The change is written once for all observers; once for each perspective where a hook of what is sent is told the
        perspective. Each mirror gets all changes in the order they were published, before any answer that is sent after
        them. Under a steady stream of changes several share a write, for which none waits longer than 2 ms, or than a
        quarter of what writing to all takes, up to 20 ms (:mod:`likewise.asyncio.pace`).

        Raises:
            NotSendable: an argument can't cross, or is larger than a peer takes. Who could be told was told; ``untold``
                are the observers that were not, and the text says how many: their mirrors lack this change.
        """
        if self._publish is not None:
            self._publish(tuple(self._members), _name, args, kwargs)

    def callRemoteForAnswers(self, _name: str, /, *args: Any, **kwargs: Any) -> dict[RemoteCacheObserver, Awaitable[Any]]:
        """
        As :meth:`callRemote`, and observer -> an awaitable of what its mirror answers; written for each alone.

        For an observer that can't be told, or has gone, it is one that fails. ``observer.failures`` counts those that
        have come back as errors.

        Raises:
            NotSendable: none could be told.
        """
        answers: dict[RemoteCacheObserver, Awaitable[Any]] = {}
        failed: CallError | None = None
        told = 0
        for observer in tuple(self._members):
            caller = observer.connection_core
            try:
                answers[observer] = observer.callRemote(_name, *args, **kwargs)
                told += 1
            except CallError as error:
                failed = error
                if caller is not None:
                    answers[observer] = caller.refused(error)
        if failed is not None and not told:
            raise failed
        return answers

    def __iter__(self) -> Iterator[RemoteCacheObserver]:
        return iter(list(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, observer: object) -> bool:
        return isinstance(observer, RemoteCacheObserver) and observer in self._members

    def __repr__(self) -> str:
        return f"<Observers: {len(self)}>"


__all__ = ("Observers",)
