"""The part of a connection's calls that runs the iterators which its peer reads, in real tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..serving.calls import CallHandler
from ..serving.streams import Done, Streams
from .coroutines import start_coroutine


class WithStreams(CallHandler):
    """What :mod:`likewise.serving.streams` needs of its driver."""

    __slots__ = ("_stream_tasks", "_until_writable", "streams")
    cancelled = asyncio.CancelledError

    _loop: asyncio.AbstractEventLoop
    _stream_tasks: set[asyncio.Task[Any]]
    streams: Streams | None
    _until_writable: list[Callable[[], None]]

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        streams = self.streams
        if streams is None:
            self._stream_tasks = set()
            self._until_writable = []
            streams = self.streams = Streams(self.broker, self)  # type: ignore[arg-type]  # a Connection is one
        return streams.source_of(iterator, perspective)

    def settled(self, result: asyncio.Future[Any]) -> asyncio.Future[Any] | None:
        if result.done():
            return None
        waiter = self._loop.create_future()

        def settled(_: object) -> None:
            if not waiter.done():
                waiter.set_result(None)

        result.add_done_callback(settled)
        waiter.add_done_callback(lambda _: result.remove_done_callback(settled))
        return waiter

    def run_stream(self, coroutine: Coroutine[Any, Any, None], name: str, done: Done) -> asyncio.Task[Any] | None:
        if self._loop.is_closed():
            coroutine.close()
            return None
        task = start_coroutine(self._loop, coroutine, name, done)
        if task is not None:
            self._stream_tasks.add(task)
            task.add_done_callback(self._stream_tasks.discard)
        return task

    def soon(self, function: Callable[[], None]) -> None:
        self._loop.call_soon(function)

    def when_writable(self, function: Callable[[], None]) -> None:
        if self.unread is not None:
            self._until_writable.append(function)
        else:
            self._loop.call_soon(function)

    def now(self) -> float:
        return self._loop.time()

    def resume_streams(self) -> None:
        """The transport takes more bytes."""
        waiting, self._until_writable = self._until_writable, []
        for function in waiting:
            function()

    async def end_streams(self, seconds: float) -> None:
        """Close the iterators that the peer reads; let what they do at their end take so long."""
        if self.streams is not None:
            self.streams.end_all("the connection was closed by the end that makes the items")
            this = asyncio.current_task()
            if tasks := self._stream_tasks - {this}:
                await asyncio.wait(tasks, timeout=seconds)


__all__ = ("WithStreams",)
