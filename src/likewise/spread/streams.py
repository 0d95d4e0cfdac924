"""
Iterators that a peer reads, under Twisted's reactor. Only async ones: a plain generator is, as with Twisted, no value.

A peer that speaks ``pb`` gets an ordinary reference, on which it calls ``next(count)`` and ``close()``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import GeneratorType
from typing import Any

from twisted.internet import defer

from ..serving.streams import Done, Streams
from .clock import CLOCK
from .reports import WithReports

LATER = 0.01  # seconds until it is looked again whether the peer reads


class WithSpreadStreams(WithReports):
    """The part of a connection's calls that lets the peer read iterators, and reads those of the peer."""

    __slots__ = ("streams",)
    cancelled = defer.CancelledError
    streams: Streams | None

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        """What crosses in the place of an async iterator."""
        if type(iterator) is GeneratorType or not callable(getattr(iterator, "__anext__", None)):
            return None
        if self.streams is None:
            self.streams = Streams(self.broker, self)  # type: ignore[arg-type]  # the class that derives from this is a driver
        return self.streams.source_of(iterator, perspective)

    def run_stream(self, coroutine: Coroutine[Any, Any, None], name: str, done: Done) -> defer.Deferred[Any] | None:
        running = defer.ensureDeferred(coroutine)
        ended: list[bool] = []

        def over(value: Any) -> None:
            ended.append(True)
            done(None, getattr(value, "value", None))

        running.addBoth(over)
        return None if ended else running

    def soon(self, function: Callable[[], None]) -> None:
        CLOCK.call_soon(function)

    def when_writable(self, function: Callable[[], None]) -> None:
        CLOCK.call_later(LATER, function)

    def now(self) -> float:
        return CLOCK.now()

    def settled(self, result: defer.Deferred[Any]) -> defer.Deferred[None] | None:
        """Something to await until a call is answered; to cancel it leaves the call as it is."""
        if result.called:
            return None
        waiter: defer.Deferred[None] = defer.Deferred()

        def pass_on(value: Any) -> Any:
            if not waiter.called:
                waiter.callback(None)
            return value

        result.addBoth(pass_on)
        return waiter


__all__ = ("WithSpreadStreams",)
