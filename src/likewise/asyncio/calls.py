"""
Runs the peer's calls: in the order of arrival, plain methods at once, all others in real tasks.

A plain method makes no task. Whatever waits runs in one :class:`asyncio.Task` from its first line to its last, so that
what relies on :func:`asyncio.current_task` works as anywhere. Its first step runs at once. Where a factory of the
application makes the loop's tasks, it may run in the next turn of the loop, and the connection handles nothing in
between: calls start in the order in which they came.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

from ..broker.core import Broker
from ..errors import ENDS_THE_PROGRAM, WrongThread
from ..objects.streams import Stream, stream_of_call
from .eager import eager_task, is_eager

Done = Callable[[Any, BaseException | None], None]


def start(
    loop: asyncio.AbstractEventLoop, awaitable: Awaitable[Any], name: str, done: Done, *, is_ours: bool = False
) -> asyncio.Task[Any] | None:
    """
    Run an awaitable in a task. ``done(value, error)`` is called once, when it ends; at once if its first step ends it.

    Returns the task, or ``None`` if it has ended. If the loop :func:`is_eager` its first step has run. A factory of the
    application's is not asked for a task that ``is_ours`` and no method's.

    Raises:
        KeyboardInterrupt, SystemExit: its first step did; ``done`` was called.
    """
    coroutine = awaitable if isinstance(awaitable, Coroutine) else _wait_for(awaitable)
    try:
        if is_eager(loop, is_ours):
            task = eager_task(loop, coroutine, name)
        else:
            task = loop.create_task(coroutine, name=name)
    except BaseException as error:  # a first step raised the two that no task keeps; or a factory would not make one
        coroutine.close()
        done(None, error)
        if isinstance(error, ENDS_THE_PROGRAM):
            raise
        return None
    if task.done():  # not by a callback, which would have it wait for another turn
        _ended(done, task)
        return None
    task.add_done_callback(functools.partial(_ended, done))
    return task


async def _wait_for(value: Awaitable[Any]) -> Any:
    return await value


def _ended(done: Done, task: asyncio.Task[Any]) -> None:
    error: BaseException | None = None
    if task.cancelled():
        try:
            task.result()
        except asyncio.CancelledError as cancelled:  # with what it was cancelled with, if anything
            error = cancelled
    else:
        error = task.exception()
    done(task.result() if error is None else None, error)


class CallResult(asyncio.Future[Any]):
    """
    What a call returns: await it, or read it, if it is answered with a stream: ``async for item in reference.callRemote()``.

    In ``likewise-1``, to cancel it cancels the call at the peer.
    """

    __slots__ = ("core", "request")
    core: Broker
    request: int

    def cancel(self, msg: Any = None) -> bool:
        """Give up on the call. It is cancelled at the peer, which need not heed that; what it answers is dropped."""
        if not super().cancel(msg):
            return False
        self.core.cancel(self.request)
        return True

    def __aiter__(self) -> Stream:
        """The items of the stream that the call is answered with."""
        return stream_of_call(self.core, self)


def end_loop(loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
    """
    Have the loop end by this KeyboardInterrupt or SystemExit in its next turn, as asyncio ends for a task that raises it.

    Raised out of a protocol's method it would end the loop of asyncio, but with uvloop the connection alone.
    """
    loop.call_soon(_raise, error)


def _raise(error: BaseException) -> NoReturn:
    raise error


def check_thread(loop: asyncio.AbstractEventLoop, what: str) -> None:
    """
    Refuse to be used outside of a loop that runs: nothing would happen until something else wakes it, and no table of a
    connection is safe there. A loop that stands still may be used by whoever will run it.

    Raises:
        WrongThread: the loop runs, on another thread.
    """
    if loop.is_running() and asyncio._get_running_loop() is not loop:
        raise WrongThread(what)


__all__ = ("check_thread", "end_loop", "is_eager", "start")
