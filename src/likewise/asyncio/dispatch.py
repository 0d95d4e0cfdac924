"""
Runs the methods that peers call: in the order of arrival, plain or ``async``.

A plain method runs at once and makes no task. A coroutine's first step runs at once too, and a task is made only if it
suspends. During that first step :func:`asyncio.current_task` is a :class:`FirstStep`, which passes on to the task what
the step asked of it: ``asyncio.timeout()`` and ``TaskGroup`` work as anywhere.
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any


class FirstStep:
    """Stands for the task of a coroutine while it has none, and leads to it once it has."""

    __slots__ = ("_cancelled_with", "_requests", "_task", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._task: asyncio.Task[Any] | None = None
        self._requests = 0
        self._cancelled_with: Any = None

    def become(self, task: asyncio.Task[Any]) -> None:
        """The coroutine has suspended: this is its task now."""
        self._task = task
        for _ in range(self._requests):
            task.cancel(self._cancelled_with)

    def cancel(self, msg: Any = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        self._requests += 1
        self._cancelled_with = msg
        return True

    def uncancel(self) -> int:
        if self._task is not None:
            return self._task.uncancel()
        self._requests = max(0, self._requests - 1)
        return self._requests

    def cancelling(self) -> int:
        return self._task.cancelling() if self._task is not None else self._requests

    def cancelled(self) -> bool:
        return self._task.cancelled() if self._task is not None else False

    def done(self) -> bool:
        return self._task.done() if self._task is not None else False

    def get_name(self) -> str:
        return self._task.get_name() if self._task is not None else self.name

    def __getattr__(self, name: str) -> Any:  # the rarer methods of a task, once there is one
        if self._task is None:
            raise AttributeError(f"{name} is not there before the first await")
        return getattr(self._task, name)


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """The rest of a coroutine that has yielded ``waits_for`` already, for a task to run."""
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:  # a cancellation, most likely: it belongs to the coroutine
            thrown: BaseException | None = error
        else:
            thrown = None
        try:
            waits_for = coroutine.send(sent) if thrown is None else coroutine.throw(thrown)
        except StopIteration as stop:
            return stop.value


async def _rest(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    return await _go_on(coroutine, waits_for)


async def _wait_for(value: Awaitable[Any]) -> Any:
    return await value


def start(
    loop: asyncio.AbstractEventLoop,
    awaitable: Awaitable[Any],
    name: str,
    done: Callable[[Any, BaseException | None], None],
) -> asyncio.Task[Any] | None:
    """
    Run the first step now. ``done(value, error)`` is called when the awaitable ends, at once or later.

    Returns the task, if one was needed.
    """
    coroutine = awaitable if asyncio.iscoroutine(awaitable) else _wait_for(awaitable)
    context = contextvars.copy_context()
    step = FirstStep(name)
    asyncio._enter_task(loop, step)  # type: ignore[arg-type]  # documented for implementers of tasks: FirstStep is one
    try:
        waits_for = context.run(coroutine.send, None)
    except StopIteration as stop:
        error: BaseException | None = None
        value = stop.value
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:
        error, value = raised, None
    else:
        task = loop.create_task(_rest(coroutine, waits_for), name=name, context=context)
        step.become(task)
        task.add_done_callback(lambda task: _ended(task, done))
        return task
    finally:
        asyncio._leave_task(loop, step)  # type: ignore[arg-type]  # as above
    done(value, error)
    return None


def _ended(task: asyncio.Task[Any], done: Callable[[Any, BaseException | None], None]) -> None:
    if task.cancelled():
        done(None, asyncio.CancelledError("the call was cancelled at the server"))
    elif (error := task.exception()) is not None:
        done(None, error)
    else:
        done(task.result(), None)
