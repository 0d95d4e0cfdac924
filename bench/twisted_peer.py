"""Peers on Twisted's reactor: their methods return Deferreds, and load is kept up by callbacks, as is usual there."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from . import settings
from .child import Meter, emit, made_at, now, on_stdin, stamp, with_percentiles
from .peer import CoroutinePeer, expected


class DeferredPeer(CoroutinePeer):
    """Derive from this and import the library in ``define()``; ``uv = True`` puts the reactor on uvloop."""

    needs: tuple[str, ...] = ("twisted",)
    listen: Callable[..., Any]
    publish: Callable[[int], Any]
    add: Callable[..., Any]
    put: Callable[..., Any]
    order: Callable[[], Any]

    def setup(self) -> None:
        if self.uv:
            import uvloop
            from twisted.internet import asyncioreactor

            asyncioreactor.install(uvloop.new_event_loop())
        from twisted.internet import defer, reactor

        self.reactor: Any = reactor
        self.defer = defer
        self.define()

    def define(self) -> None:
        """Import the library, make the classes."""

    def _die(self, failure: Any) -> None:
        failure.printTraceback(file=sys.stderr)
        os._exit(4)

    # -- the server

    def serve(self, work: str) -> None:
        def ready(address: Any) -> None:
            on_stdin(lambda words: self.reactor.callFromThread(self.told, words))
            emit("READY", address=address)

        self.reactor.callWhenRunning(lambda: self.defer.maybeDeferred(self.listen).addCallbacks(ready, self._die))
        self.reactor.run()

    def told(self, words: list[str]) -> None:
        """As AsyncPeer.told()."""
        (self._stamps if words[0] == "stamps" else self._updates)(int(words[1]))

    def _stamps(self, updates: int) -> None:
        start = now()

        def step(number: int) -> None:
            due = start + number / settings.CHANGES_A_SECOND
            self.publish(stamp(made_at(due)) if number < updates else -1)
            if number == updates:
                emit("PUBLISHED", secs=now() - start, updates=updates)
            else:
                self.reactor.callLater(max(0.0, due + 1 / settings.CHANGES_A_SECOND - now()), step, number + 1)

        step(0)

    def _updates(self, updates: int) -> None:
        start = now()

        def step(number: int) -> None:
            is_last = number == updates or now() - start > settings.PUBLISHING_S
            self.publish(-number if is_last else number)
            if is_last:
                emit("PUBLISHED", t0=start, updates=number)
            else:
                self.reactor.callLater(0, step, number + 1)

        step(1)

    # -- the client

    def client(self, work: str, count: int, address: Any, server: int) -> None:
        def done(_: object) -> None:
            sys.stdout.flush()
            os._exit(0)

        def start() -> None:
            running = self.defer.ensureDeferred(self.run_client(work, count, address, Meter(server)))
            running.addCallbacks(done, self._die)

        self.reactor.callWhenRunning(start)
        self.reactor.run()

    def new_result(self) -> tuple[Awaitable[Any], Callable[[Any], object]]:
        waiting: Any = self.defer.Deferred()
        return waiting, waiting.callback

    async def together(self, jobs: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        return await self.defer.gatherResults([self.defer.ensureDeferred(job) for job in jobs])

    async def in_thread(self, function: Callable[[], None]) -> None:
        from twisted.internet.threads import deferToThread

        await deferToThread(function)

    async def calls(self, conn: Any, work: str, meter: Meter) -> dict[str, Any]:
        order = self.order() if work == "W3" else None
        width = settings.IN_FLIGHT.get(work, 1)

        def call() -> Any:
            return self.add(conn, 2, 3) if order is None else self.put(conn, order)

        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            latencies: list[float] | None = [] if work == "W1" else None
            meter.start()
            result = meter.stop(await self._keep_in_flight(call, expected(work), width, seconds, latencies))
        return with_percentiles(result, latencies) if latencies else result

    def _keep_in_flight(
        self, call: Callable[[], Any], right: int, width: int, seconds: float, latencies: list[float] | None
    ) -> Any:
        """Have ``width`` calls under way for so long; a Deferred of how many were answered."""
        finished, end = self.defer.Deferred(), now() + seconds
        answered, flying, start = 0, width, 0.0

        def issue() -> None:
            nonlocal start
            start = now()
            call().addCallbacks(got, self._die)

        def got(answer: int) -> None:
            nonlocal answered, flying
            at = now()
            if latencies is not None:
                latencies.append(at - start)
            answered += 1
            if answer != right:
                os._exit(5)
            if at < end and answered < settings.MOST_CALLS:
                issue()
                return
            flying -= 1
            if not flying:
                finished.callback(answered)

        for _ in range(width):
            issue()
        return finished
