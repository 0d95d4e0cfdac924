"""
Iterators that a peer reads, under Twisted's reactor. Only async ones: a plain generator is, as with Twisted, no value.

A peer that speaks ``pb`` gets an ordinary reference, on which it calls ``next(count)`` and ``close()``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import GeneratorType
from typing import Any

from twisted.internet import defer

from ..broker.events import CallReceived
from ..serving.streams import Done, Streams
from .clock import CLOCK
from .failures import CopyableFailure
from .faults import translated

LATER = 0.01  # seconds until it is looked again whether the peer reads


class StreamTasks:
    """One connection as its streams see it: the names of a broker's own attributes are Twisted's."""

    cancelled = defer.CancelledError

    def __init__(self, broker: Any) -> None:
        self._broker = broker
        self.new_result = broker.new_result
        self.settle = broker.settle
        self.reject = broker.reject
        self.report = broker.report
        self.unsent_bytes = broker.unsent_bytes
        self.streams = Streams(broker.core, self)  # type: ignore[arg-type]  # what it asks of a driver is here

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

    def answer(self, call: CallReceived, value: Any) -> None:
        self._broker._answer(call, value)

    def fail(self, call: CallReceived, error: BaseException) -> None:
        self._broker._fail(call, CopyableFailure(translated(error)))


class WithSpreadStreams:
    """The part of a Broker that lets its peer read iterators, and reads those of its peer."""

    streams: StreamTasks | None = None

    def runner(self) -> StreamTasks:
        """What runs the iterators, made when there is the first."""
        if self.streams is None:
            self.streams = StreamTasks(self)
        return self.streams

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        """What crosses in the place of an async iterator."""
        if type(iterator) is GeneratorType or not callable(getattr(iterator, "__anext__", None)):
            return None
        return self.runner().streams.source_of(iterator, perspective)

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


__all__ = ("StreamTasks", "WithSpreadStreams")
