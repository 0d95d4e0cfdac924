"""The calls of one connection's peer that are tasks here, and those that wait. Most connections have plain methods only."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from ..broker.core import Broker
from ..broker.events import CallReceived
from ..serving.backlog import Backlog, CallRunner
from .coroutines import is_eager, start_coroutine
from .endpoint import Endpoint
from .streams import StreamRunner

AT_LEAST = 1.0  # seconds that a method has to end once it is cancelled


class TaskRunner(CallRunner, Protocol):
    """What is needed of the connection."""

    def await_first_step(self) -> None: ...

    @property
    def streams(self) -> StreamRunner | None: ...


class Tasks(Backlog):
    """As :class:`Backlog`, for coroutines."""

    __slots__ = ("_by_request", "_loop", "_runner", "_tasks")

    def __init__(
        self, connection: TaskRunner, broker: Broker, endpoint: Endpoint, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(connection, broker, endpoint.limits, endpoint.arguments, endpoint.pace(loop))
        self._loop = loop
        self._runner = connection
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_request: dict[str, asyncio.Task[Any]] = {}  # of calls that may be cancelled; see Flow for the keys

    def run_on(self, call: CallReceived, value: Any) -> None:
        """A method takes its time: it has returned a coroutine, or anything else that can be awaited."""
        call.args, call.kwargs = (), {}  # the method has them: what it lets go of is given back before it ends
        self.begin(call)

        def done(value: Any, error: BaseException | None) -> None:
            if self._by_request:
                self._by_request.pop(str(call.request), None)
            self.end(call, value, error)

        task = start_coroutine(self._loop, value, call.name, done)
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if call.want_answer:
                self._by_request[str(call.request)] = task
            if not is_eager(self._loop):
                self._runner.await_first_step()

    async def finish(self, grace: float) -> None:
        """
        Start no more calls; let those that run end within ``grace`` seconds, then cancel them.

        What they do when they are cancelled has as long again, a second at least. A method that waits for this is none of
        them.
        """
        self.close()
        this = asyncio.current_task()
        if (others := self._tasks - {this}) and grace > 0:
            await asyncio.wait(others, timeout=grace)
        for task in (others := self._tasks - {this}):
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=max(grace, AT_LEAST))
        if self._runner.streams is not None:
            await self._runner.streams.end(max(grace, AT_LEAST))

    def cancel_call(self, request: int) -> None:
        task = self._by_request.get(str(request))
        if task is not None:
            task.cancel()

    def cancel_running(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()


__all__ = ("Tasks",)
