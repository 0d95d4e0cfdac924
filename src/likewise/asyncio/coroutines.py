"""
Awaitables in real tasks. Whatever waits runs in one :class:`asyncio.Task` from its first line to its last, so that what
relies on :func:`asyncio.current_task` works as anywhere.

The first step runs at once. Where a factory of the application makes the loop's tasks, it may run in the next turn of
the loop.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Coroutine
from typing import Any

from ..errors import ENDS_THE_PROGRAM
from ..serving.streams import Done
from .eager import eager_task, is_eager


def start_coroutine(
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


__all__ = ("is_eager", "start_coroutine")
