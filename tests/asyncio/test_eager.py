"""Tasks that begin at once, on every Python, and on a loop that nobody can tell from one that was left alone."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from likewise.asyncio.coroutines import start_coroutine
from likewise.asyncio.eager import IS_BUILT_IN, eager_task, is_eager

SECONDS = 20.0


def run(main: Callable[[], Awaitable[Any]], loop: Any = None) -> Any:
    with asyncio.Runner(loop_factory=None if loop is None else lambda: loop) as runner:
        return runner.run(asyncio.wait_for(main(), SECONDS))


async def say(lines: list[Any], *what: Any) -> str:
    lines.append(asyncio.current_task())
    for each in what:
        lines.append(each)
        await asyncio.sleep(0)
    lines.append(asyncio.current_task())
    return "said"


def test_the_first_step_has_run_when_there_is_a_task() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        before = dict(vars(loop))
        outer = asyncio.current_task()
        lines: list[Any] = []
        assert is_eager(loop)
        task = eager_task(loop, say(lines, 1, 2), "a name")
        assert lines == [task, 1] and not task.done() and task.get_name() == "a name"
        assert asyncio.current_task() is outer and task in asyncio.all_tasks()
        assert vars(loop).keys() == before.keys()
        assert await task == "said" and lines == [task, 1, 2, task]
        at_once = eager_task(loop, say(lines), "another")
        assert at_once.done() and at_once.result() == "said" and at_once not in asyncio.all_tasks()

    run(main)


def test_one_may_begin_inside_another() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        lines: list[Any] = []

        async def outer() -> asyncio.Task[str]:
            mine = asyncio.current_task()
            task = eager_task(loop, say(lines, 1), "inner")
            assert asyncio.current_task() is mine and lines == [task, 1]
            return task

        assert await (await eager_task(loop, outer(), "outer")) == "said"

    run(main)


class Busy(asyncio.SelectorEventLoop):
    """Schedules something whenever a task is made, as a finalizer may."""

    asked: list[str] = []
    is_watching = False

    def get_debug(self) -> bool:
        if self.is_watching:
            self.is_watching = False
            self.call_soon(self.asked.append, "a callback")
            self.create_task(self.ask())
        return super().get_debug()

    async def ask(self) -> None:
        self.asked.append("a task")


def test_what_is_scheduled_meanwhile_is_not_lost() -> None:
    loop = Busy()

    async def main() -> None:
        lines: list[Any] = []
        loop.is_watching = True
        task = eager_task(loop, say(lines, 1), "a name")
        assert lines == [task, 1] and loop.asked == []
        assert await task == "said"
        assert loop.asked == ["a callback", "a task"]

    run(main, loop)


def test_a_call_soon_that_somebody_has_put_there_stays() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        calls: list[Any] = []
        plain = loop.call_soon

        def noted(callback: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(callback)
            return plain(callback, *args, **kwargs)

        loop.call_soon = noted
        task = eager_task(loop, say([], 1), "a name")
        assert loop.call_soon is noted
        await task
        assert calls
        del loop.call_soon

    run(main)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_program_is_raised_here_once(kind: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    async def end() -> None:
        raise kind("as asked")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        outer = asyncio.current_task()
        ended: list[Any] = []
        with pytest.raises(kind, match="as asked"):
            start_coroutine(loop, end(), "a name", lambda value, error: ended.append(type(error)))
        assert ended == [kind] and asyncio.current_task() is outer
        gc.collect()

    with caplog.at_level(logging.DEBUG, "asyncio"):
        run(main)
    told = [each for each in caplog.records if "never retrieved" in each.message]
    assert not told or IS_BUILT_IN, "Python's own has no task to ask"


def test_a_loop_with_a_factory_makes_its_tasks_itself() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **kwargs: asyncio.Task(coroutine, loop=loop, **kwargs))
        assert not is_eager(loop)
        lines: list[Any] = []
        done: list[Any] = []
        task = start_coroutine(loop, say(lines, 1), "a name", lambda *ended: done.append(ended))
        assert task is not None and lines == []
        await task
        await asyncio.sleep(0)
        assert done == [("said", None)] and lines[0] is task

    run(main)
