"""
Makes tasks whose first step runs at once.

From Python 3.12 on asyncio does that itself. On 3.11, whose asyncio changes no more, a new task asks its loop for a first
step by ``call_soon``, the only way there is for any loop: that one request is caught here, and the step run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

IS_BUILT_IN: Final = sys.version_info >= (3, 12)
FACTORIES: Final = (None, getattr(asyncio, "eager_task_factory", None))  # None: the loop's own


def is_eager(loop: asyncio.AbstractEventLoop, with_factory: bool = False) -> bool:
    """
    Whether :func:`eager_task` may make a task of this loop: not where a factory of the application's makes them, unless
    ``with_factory`` says that this one is no business of the application's.
    """
    return (with_factory or loop.get_task_factory() in FACTORIES) and (IS_BUILT_IN or hasattr(loop, "__dict__"))


def eager_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """
    A task that has run up to where it first waits, or to its end.

    Raises:
        KeyboardInterrupt, SystemExit: the first step did.
    """
    if IS_BUILT_IN:
        return asyncio.Task(coroutine, loop=loop, name=name, eager_start=True)  # type: ignore[call-arg]  # new in 3.12
    first = FirstStep(loop, coroutine)
    task = first.task_named(name)
    outer = asyncio.current_task(loop)
    if outer is not None:
        asyncio._leave_task(loop, outer)
    try:
        first.run()
    except BaseException:
        task.exception()  # it is raised here: nobody need be told that nobody asked
        raise
    finally:
        if outer is not None:
            asyncio._enter_task(loop, outer)
    return task


class FirstStep:
    """The first step of a task that is being made; stands in for ``loop.call_soon`` meanwhile."""

    __slots__ = ("_call_soon", "_coroutine", "_loop", "_step")

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._call_soon = loop.call_soon
        self._step: tuple[Callable[[], object], Context] | None = None

    def task_named(self, name: str) -> asyncio.Task[Any]:
        """Make the task."""
        attributes = vars(self._loop)
        before = attributes.get("call_soon")  # what somebody else has put there
        attributes["call_soon"] = self
        try:
            return asyncio.Task(self._coroutine, loop=self._loop, name=name)
        finally:
            if before is None:
                del attributes["call_soon"]
            else:
                attributes["call_soon"] = before

    def __call__(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        """What is not this task's first step is passed on: a finalizer may run at any moment, and schedule something."""
        task = getattr(callback, "__self__", None)
        if context is not None and isinstance(task, asyncio.Task) and task.get_coro() is self._coroutine:
            self._step = callback, context
            return None
        return self._call_soon(callback, *args, context=context)

    def run(self) -> None:
        """Take the step, as the loop would."""
        assert self._step is not None
        step, context = self._step
        context.run(step)


__all__ = ("eager_task", "is_eager")
