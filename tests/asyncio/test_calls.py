"""How the peer's calls run: plain methods without a task, all others in one real task each; in the order sent."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import sys
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

import likewise

SECONDS = 20.0
WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")

LOOPS = ["asyncio", "debug", "uvloop", "lazy factory", "eager factory", "own tasks"]


class OwnTask(asyncio.Task):  # type: ignore[type-arg]
    """What an application's task factory makes."""


def lazy(loop: Any, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, **kwargs)


def own(loop: Any, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
    return OwnTask(coroutine, loop=loop, **kwargs)


def run(kind: str, main: Callable[[], Awaitable[Any]]) -> Any:
    """What a coroutine returns on one kind of loop."""
    factory: Any = None
    if kind == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop
    if kind == "eager factory" and sys.version_info < (3, 12):
        pytest.skip("Python has none before 3.12")

    async def with_timeout() -> Any:
        loop = asyncio.get_running_loop()
        if kind.endswith(("factory", "tasks")):
            loop.set_task_factory({"l": lazy, "o": own, "e": getattr(asyncio, "eager_task_factory", None)}[kind[0]])
        async with asyncio.timeout(SECONDS):
            return await main()

    with asyncio.Runner(loop_factory=factory, debug=kind == "debug") as runner:
        return runner.run(with_timeout())


class Service(likewise.Root):
    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.task: Any = None
        self.go_on = asyncio.Event()

    def remote_plain(self, line: Any = None) -> bool:
        self.lines.append(line)
        return asyncio.current_task() is None

    async def remote_tasks(self) -> list[bool]:
        seen = [asyncio.current_task()]
        with WHO_IS("me"):
            async with asyncio.timeout(5):
                seen.append(asyncio.current_task())
                await asyncio.sleep(0)
                seen.append(asyncio.current_task())
                await asyncio.sleep(0.001)
                seen.append(asyncio.current_task())
            assert WHO.get() == "me"
        return [isinstance(seen[0], asyncio.Task), *(each is seen[0] for each in seen)]

    async def remote_all_tasks(self) -> bool:
        return asyncio.current_task() in asyncio.all_tasks()

    async def remote_name(self) -> tuple[str, str]:
        task: Any = asyncio.current_task()
        return task.get_name(), type(task).__name__

    async def remote_quick(self, line: Any) -> None:
        self.lines.append(line)

    async def remote_wait(self, line: Any) -> None:
        self.lines.append(line)
        await self.go_on.wait()
        self.lines.append(f"{line} ends")

    def remote_go_on(self) -> None:
        self.lines.append("go on")
        self.go_on.set()

    async def remote_group(self) -> list[int]:
        async def child(number: int) -> int:
            await asyncio.sleep(0)
            return number

        async with asyncio.TaskGroup() as group:
            children = [group.create_task(child(n)) for n in range(3)]
        return [each.result() for each in children]

    async def remote_group_that_fails(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fail())
            await asyncio.sleep(5)

    async def fail(self) -> None:
        raise ValueError("a child")

    async def remote_too_slow(self) -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(5)
        except TimeoutError:
            return "out of time"
        return "?"

    async def remote_cancel_itself(self) -> str:
        task: Any = asyncio.current_task()
        task.cancel()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            return f"cancelled, {task.cancelling() - task.uncancel()}"
        return "?"

    async def remote_remember(self) -> None:
        self.task = asyncio.current_task()
        await self.go_on.wait()

    def remote_cancel_it(self) -> None:
        self.task.cancel("for a reason")


class WHO_IS:
    def __init__(self, who: str) -> None:
        self.who = who

    def __enter__(self) -> None:
        self.token = WHO.set(self.who)

    def __exit__(self, *args: object) -> None:
        WHO.reset(self.token)


class Both:
    """A server and a client."""

    def __init__(self, root: Any, **options: Any) -> None:
        self.serving = likewise.serve(root, "tcp://127.0.0.1:0", **options)

    async def __aenter__(self) -> likewise.RemoteReference:
        self.server = await self.serving
        self.connection = await likewise.connect(self.server.address)
        return self.connection.root

    async def __aexit__(self, *args: object) -> None:
        await self.connection.close(0)
        await self.server.close(0)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_method_runs_in_one_task_from_its_first_line_to_its_last(kind: str) -> None:
    async def main() -> None:
        async with Both(Service()) as root:
            assert await root.callRemote("tasks") == [True] * 5
            assert await root.callRemote("all_tasks")
            assert await root.callRemote("name") == ("name", "OwnTask" if kind == "own tasks" else "Task")

    run(kind, main)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_plain_method_makes_no_task(kind: str) -> None:
    made: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Both(Service()) as root:
            assert await root.callRemote("plain") is True
            before = loop.get_task_factory()

            def noted(loop: Any, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
                made.append(coroutine)
                return lazy(loop, coroutine, **kwargs)

            loop.set_task_factory(noted)
            assert await root.callRemote("plain") is True
            loop.set_task_factory(before)

    run(kind, main)
    assert made == []


@pytest.mark.parametrize("kind", LOOPS)
def test_calls_start_in_the_order_sent_whatever_their_kind(kind: str) -> None:
    async def main() -> None:
        service = Service()
        async with Both(service) as root:
            calls = []
            for n in range(30):
                calls.append(root.callRemote(("plain", "wait", "quick")[n % 3], n))
            calls.append(root.callRemote("go_on"))
            await asyncio.gather(*calls)
            assert service.lines[:31] == [*range(30), "go on"]
            assert service.lines[31:] == [f"{n} ends" for n in range(1, 30, 3)]

    run(kind, main)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_change_is_in_the_mirror_before_the_answer_behind_it(kind: str) -> None:
    """Though the mirror's method is async, and others of its kind went before it."""

    class Pond(likewise.Cacheable):
        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
            self.observer = observer
            return {}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None: ...

    class Mirror(likewise.RemoteCache):
        ducks = 0

        async def observe_duck(self) -> None:
            self.ducks += 1
            await asyncio.sleep(5)

    class Shore(likewise.Root):
        pond = Pond()

        def remote_pond(self) -> Pond:
            return self.pond

        def remote_add(self, count: int) -> int:
            for _ in range(count):
                self.pond.observer.callRemoteOnly("duck")
            return count

    registry = likewise.Registry()
    registry.setUnjellyableForClass(Pond, Mirror)

    async def main() -> None:
        async with likewise.serve(Shore(), "tcp://127.0.0.1:0") as server:
            connection = await likewise.connect(server.address, accept=registry)
            mirror = await connection.root.callRemote("pond")
            assert await connection.root.callRemote("add", 10) == mirror.ducks == 10
            await connection.close(0)

    run(kind, main)


@pytest.mark.parametrize("kind", LOOPS)
def test_what_asyncio_offers_to_tasks_works_in_a_method(kind: str) -> None:
    async def main() -> None:
        async with Both(Service()) as root:
            assert await root.callRemote("group") == [0, 1, 2]
            assert await root.callRemote("too_slow") == "out of time"
            assert await root.callRemote("cancel_itself") == "cancelled, 1"
            with pytest.raises(likewise.RemoteError, match="ExceptionGroup"):
                await root.callRemote("group_that_fails")

    run(kind, main)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_method_may_be_cancelled_by_its_task(kind: str) -> None:
    async def main() -> None:
        service = Service()
        async with Both(service) as root:
            call = root.callRemote("remember")
            await root.callRemote("cancel_it")
            with pytest.raises(likewise.CallError, match="for a reason"):
                await call
            assert service.task.cancelled()

    run(kind, main)


def test_a_task_factory_that_fails_fails_one_call(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Both(Service()) as root:
            loop.set_task_factory(lambda loop, coroutine, **kwargs: 1 / 0)
            with pytest.raises(likewise.RemoteError, match="division"):
                await root.callRemote("quick", 1)
            loop.set_task_factory(None)
            assert await root.callRemote("plain")

    run("asyncio", main)


# --- odd things to return


class Odd(likewise.Root):
    async def answer(self, value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    @types.coroutine
    def remote_generator(self) -> Generator[Any, Any, int]:
        yield from asyncio.sleep(0).__await__()
        return 1

    def remote_future(self) -> asyncio.Future[int]:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 2)
        return future

    def remote_done_future(self) -> asyncio.Future[int]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(3)
        return future

    def remote_task(self) -> asyncio.Task[int]:
        return asyncio.get_running_loop().create_task(self.answer(4))

    def remote_gathered(self) -> Any:
        return asyncio.gather(self.answer(2), self.answer(3))

    def remote_in_thread(self) -> Any:
        return asyncio.to_thread(sum, [1, 2, 3])

    def remote_object(self) -> Any:
        return Later(self.answer(7))

    def remote_callable(self) -> Any:
        return functools.partial(self.answer, 8)()

    remote_partial = functools.partialmethod(answer, 9)

    @staticmethod
    async def remote_static() -> int:
        return 10

    @classmethod
    async def remote_class(cls) -> str:
        return cls.__name__

    @functools.cached_property
    def remote_cached(self) -> Any:
        async def method() -> int:
            return 12

        return method

    @functools.lru_cache  # noqa: B019
    def remote_remembered(self) -> asyncio.Task[int]:
        return asyncio.get_running_loop().create_task(self.answer(13))

    def decorated(method: Any) -> Any:
        @functools.wraps(method)
        def wrapper(self: Any, *args: Any) -> Any:
            return method(self, *args)

        return wrapper

    @decorated
    async def remote_decorated(self) -> int:
        return await self.answer(14)

    def remote_raises_in_await(self) -> Any:
        return Later(None)

    def remote_awaits_nonsense(self) -> Any:
        return Nonsense()

    def remote_concurrent(self) -> Any:
        return concurrent.futures.Future()

    async def remote_coroutine_in_answer(self) -> Any:
        coroutine = self.answer(1)
        asyncio.get_running_loop().call_later(0.1, coroutine.close)
        return coroutine


class Later:
    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Any:
        return self.coroutine.__await__()


class Nonsense:
    def __await__(self) -> Any:
        yield "nonsense"


ANSWERS = {
    "generator": 1, "future": 2, "done_future": 3, "task": 4, "gathered": [2, 3], "in_thread": 6, "object": 7,
    "callable": 8, "partial": 9, "static": 10, "class": "Odd", "cached": 12, "remembered": 13, "decorated": 14,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "lazy factory"])
@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_can_be_awaited_is(name: str, kind: str) -> None:
    async def main() -> None:
        async with Both(Odd()) as root:
            assert await root.callRemote(name) == ANSWERS[name]
            assert await root.callRemote(name) == ANSWERS[name]

    run(kind, main)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises_in_await", "AttributeError"),
        ("awaits_nonsense", "nonsense"),
        ("concurrent", "Future"),
        ("coroutine_in_answer", "coroutine"),
    ],
)
def test_what_cannot_be_awaited_is_a_clear_error_of_one_call(name: str, said: str) -> None:
    async def main() -> None:
        async with Both(Odd()) as root:
            with pytest.raises(likewise.CallError, match=said):
                await root.callRemote(name)
            assert await root.callRemote("static") == 10
            await asyncio.sleep(0.15)

    run("asyncio", main)
