"""Peers that are awaited on an asyncio loop, or on uvloop's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from . import settings
from .child import Meter, emit, made_at, now, on_stdin, stamp, with_percentiles
from .peer import CoroutinePeer, expected


class AsyncPeer(CoroutinePeer):
    """Derive from this; ``uv = True`` runs both sides on uvloop."""

    work = ""  # the workload
    listen: Callable[..., Any]
    publish: Callable[[int], Any]
    add: Callable[..., Any]
    put: Callable[..., Any]
    order: Callable[[], Any]

    def _run(self, main: Coroutine[Any, Any, None]) -> None:
        if not self.uv:
            return asyncio.run(main)
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)

    # -- the server

    def serve(self, work: str) -> None:
        self.work = work
        self._run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        address = await self.listen()
        on_stdin(lambda words: asyncio.run_coroutine_threadsafe(self.told(words), loop))
        emit("READY", address=address)
        await loop.create_future()

    async def told(self, words: list[str]) -> None:
        """``publish COUNT`` or ``stamps COUNT``."""
        await (self._stamps if words[0] == "stamps" else self._updates)(int(words[1]))

    async def _stamps(self, updates: int) -> None:
        """So many updates, at times fixed beforehand, each of them the time that it was made."""
        start = now()
        for number in range(updates):
            due = start + number / settings.CHANGES_A_SECOND
            if (early := due - now()) > 0:
                await asyncio.sleep(early)
            else:
                await asyncio.sleep(0)
            self.publish(stamp(made_at(due)))
        self.publish(-1)
        emit("PUBLISHED", secs=now() - start, updates=updates)

    async def _updates(self, updates: int) -> None:
        """So many updates, one in each turn of the loop; fewer if that takes too long."""
        start = now()
        for number in range(1, updates + 1):
            is_last = number == updates or now() - start > settings.PUBLISHING_S
            waiting = self.publish(-number if is_last else number)
            if inspect.isawaitable(waiting):
                await waiting
            else:
                await asyncio.sleep(0)
            if is_last:
                return emit("PUBLISHED", t0=start, updates=number)

    # -- the client

    def client(self, work: str, count: int, address: Any, server: int) -> None:
        self.work = work
        self._run(self.run_client(work, count, address, Meter(server)))

    def new_result(self) -> tuple[Awaitable[Any], Callable[[Any], object]]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return asyncio.wait_for(future, 60), future.set_result

    async def together(self, jobs: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        return await asyncio.gather(*jobs)

    async def in_thread(self, function: Callable[[], None]) -> None:
        await asyncio.to_thread(function)

    async def calls(self, conn: Any, work: str, meter: Meter) -> dict[str, Any]:
        return await (self._one_by_one(conn, meter) if work == "W1" else self._in_flight(conn, work, meter))

    async def _one_by_one(self, conn: Any, meter: Meter) -> dict[str, Any]:
        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            latencies: list[float] = []
            answer, end = 5, now() + seconds
            meter.start()
            while (start := now()) < end and len(latencies) < settings.MOST_CALLS:
                answer = await self.add(conn, 2, 3)
                latencies.append(now() - start)
            assert answer == 5
            result = meter.stop(len(latencies))
        return with_percentiles(result, latencies)

    async def _in_flight(self, conn: Any, work: str, meter: Meter) -> dict[str, Any]:
        right, order = expected(work), self.order() if work == "W3" else None

        async def worker(end: float) -> int:
            done = 0
            while now() < end:
                if order is None:
                    assert await self.add(conn, 2, 3) == right
                else:
                    assert await self.put(conn, order) == right
                done += 1
            return done

        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            meter.start()
            end = now() + seconds
            result = meter.stop(sum(await asyncio.gather(*[worker(end) for _ in range(settings.IN_FLIGHT[work])])))
        return result
