"""Runs the iterators that the peer of one connection reads, in real tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..broker.core import Broker
from ..broker.events import CallReceived
from ..serving.streams import Done, Streams
from ..serving.unread import Unread
from .coroutines import start_coroutine


class Streaming(Protocol):
    """The calls of that connection."""

    @property
    def broker(self) -> Broker: ...
    @property
    def unread(self) -> Unread | None: ...
    def new_result(self, request: int) -> Any: ...
    def settle(self, result: Any, value: Any) -> None: ...
    def reject(self, result: Any, error: BaseException) -> None: ...
    def report(self, doing: str, error: BaseException) -> None: ...
    def unsent_bytes(self) -> int: ...
    def answer(self, call: CallReceived, value: Any) -> None: ...
    def fail(self, call: CallReceived, error: BaseException) -> None: ...


class StreamRunner:
    """What :mod:`likewise.serving.streams` needs of its driver; made for the first iterator that is sent."""

    cancelled = asyncio.CancelledError

    def __init__(self, calls: Streaming, loop: asyncio.AbstractEventLoop) -> None:
        self._calls = calls
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._until_writable: list[Callable[[], None]] = []
        self.new_result = calls.new_result
        self.settle = calls.settle
        self.reject = calls.reject
        self.report = calls.report
        self.unsent_bytes = calls.unsent_bytes
        self.streams = Streams(calls.broker, self)  # type: ignore[arg-type]  # what it asks of a driver is here

    def run_stream(self, coroutine: Coroutine[Any, Any, None], name: str, done: Done) -> asyncio.Task[Any] | None:
        if self._loop.is_closed():
            coroutine.close()
            return None
        task = start_coroutine(self._loop, coroutine, name, done)
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task

    def soon(self, function: Callable[[], None]) -> None:
        self._loop.call_soon(function)

    def when_writable(self, function: Callable[[], None]) -> None:
        if self._calls.unread is not None:
            self._until_writable.append(function)
        else:
            self._loop.call_soon(function)

    def now(self) -> float:
        return self._loop.time()

    def resume(self) -> None:
        """The transport takes more bytes."""
        waiting, self._until_writable = self._until_writable, []
        for function in waiting:
            function()

    async def end(self, seconds: float) -> None:
        """Close the iterators; let what they do at their end take so long."""
        self.streams.end_all("the connection was closed by the end that makes the items")
        this = asyncio.current_task()
        if tasks := self._tasks - {this}:
            await asyncio.wait(tasks, timeout=seconds)


__all__ = ("StreamRunner",)
