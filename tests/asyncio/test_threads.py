"""Calls from another thread than the loop's are refused at once, and the error says how they are made."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

import likewise
from likewise.errors import WrongThread

SECONDS = 20.0


class Pond(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.discard(observer)


class Mirror(likewise.RemoteCache):
    ducks = 0

    def observe_duck(self) -> None:
        self.ducks += 1


class Shore(likewise.Root):
    def __init__(self) -> None:
        self.pond = Pond()
        self.heard: list[Any] = []

    def remote_pond(self) -> Pond:
        return self.pond

    def remote_note(self, line: Any) -> int:
        self.heard.append(line)
        return len(self.heard)

    def remote_thing(self) -> likewise.Referenceable:
        return likewise.Referenceable()

    async def remote_in_a_thread(self, other: Any) -> Any:
        return await asyncio.to_thread(other.callRemote, "anything")


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass(Pond, Mirror)


class Both:
    async def __aenter__(self) -> Both:
        self.shore = Shore()
        self.server = await likewise.serve(self.shore, "tcp://127.0.0.1:0", accept=REGISTRY)
        self.connection = await likewise.connect(self.server.address, accept=REGISTRY)
        self.root = self.connection.root
        self.mirror = await self.root.callRemote("pond")
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.connection.close()
        await self.server.close()

    @property
    def observer(self) -> Any:
        return next(iter(self.shore.pond.observers))


def main(test: Callable[[Both], Any]) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(SECONDS), Both() as both:
            return await test(both)

    return asyncio.run(run())


USES: dict[str, Callable[[Both], Any]] = {
    "callRemote": lambda both: both.connection.root.callRemote("note", 1),
    "callRemoteOnly": lambda both: both.connection.root.callRemoteOnly("note", 1),
    "remoteMethod": lambda both: both.connection.root.remoteMethod("note")(1),
    "observer.callRemote": lambda both: both.observer.callRemote("duck"),
    "observer.callRemoteOnly": lambda both: both.observer.callRemoteOnly("duck"),
    "observers.callRemote": lambda both: both.shore.pond.observers.callRemote("duck"),
    "observers.callRemoteForAnswers": lambda both: both.shore.pond.observers.callRemoteForAnswers("duck"),
    "observer.end": lambda both: both.observer.end(),
    "connection.close": lambda both: asyncio.run(both.connection.close()),
    "connection.abort": lambda both: both.connection.abort(),
    "connection.notifyOnDisconnect": lambda both: both.connection.notifyOnDisconnect(print),
    "reference.notifyOnDisconnect": lambda both: both.root.notifyOnDisconnect(print),
    "server.close": lambda both: asyncio.run(both.server.close()),
    "server.stop": lambda both: both.server.stop(),
    "server.stop in a loop": lambda both: asyncio.run(stop_in_a_loop(both)),
    "get_all_pages": lambda both: asyncio.run(likewise.get_all_pages(both.connection.root, "pages")),
}


async def stop_in_a_loop(both: Both) -> None:
    both.server.stop()


@pytest.mark.parametrize("use", USES)
def test_a_use_from_another_thread_is_refused_at_once(use: str) -> None:
    async def test(both: Both) -> None:
        for _ in range(2):
            with pytest.raises(WrongThread, match=r"run_coroutine_threadsafe"):
                await asyncio.to_thread(USES[use], both)
        assert both.connection.is_open and both.server.connections
        assert await both.connection.root.callRemote("note", "later") == 1, "nothing was sent"
        await both.observer.callRemote("duck")
        assert both.mirror.ducks == 1

    main(test)


def test_the_error_says_what_was_called() -> None:
    async def test(both: Both) -> None:
        with pytest.raises(RuntimeError, match=r"^callRemote\('note'\): this is another thread"):
            await asyncio.to_thread(both.connection.root.callRemote, "note", 1)
        with pytest.raises(RuntimeError, match=r"^observer\.end\(\): this is another thread"):
            await asyncio.to_thread(both.observer.end)

    main(test)


def test_in_a_remote_method_it_is_a_failure_of_the_server_s_own(caplog: pytest.LogCaptureFixture) -> None:
    async def test(both: Both) -> None:
        with pytest.raises(likewise.CallError, match="another thread") as caught:
            await both.connection.root.callRemote("in_a_thread", likewise.Referenceable())
        assert isinstance(caught.value, likewise.RemoteError) and caught.value.check(RuntimeError)
        assert "failure" in caplog.text, "and not of the peer's: it is logged"

    main(test)


def test_what_the_error_names_works() -> None:
    async def test(both: Both) -> None:
        loop = asyncio.get_running_loop()

        async def note(line: Any) -> Any:
            return await both.connection.root.callRemote("note", line)

        def in_thread() -> Any:
            loop.call_soon_threadsafe(both.connection.root.callRemoteOnly, "note", 1)
            return asyncio.run_coroutine_threadsafe(note(2), loop).result(SECONDS)

        assert await asyncio.to_thread(in_thread) == 2
        assert both.shore.heard == [1, 2]

    main(test)


def test_observers_of_this_thread_are_told_all_the_same() -> None:
    """One object is served by two loops, in two threads."""

    async def test(both: Both) -> None:
        async def there() -> None:
            async with (
                likewise.serve(both.shore, "tcp://127.0.0.1:0") as server,
                likewise.connect(server.address, accept=REGISTRY) as connection,
            ):
                mirror = await connection.root.callRemote("pond")
                assert len(both.shore.pond.observers) == 2
                with pytest.raises(WrongThread):
                    both.shore.pond.observers.callRemote("duck")
                await connection.root.callRemote("note", "behind the change")
                assert mirror.ducks == 1

        await asyncio.to_thread(asyncio.run, there())
        await both.connection.root.callRemote("note", "behind any change")
        assert both.mirror.ducks == 0

    main(test)


def test_finalizers_on_other_threads_go_on_working() -> None:
    async def test(both: Both) -> None:
        kept = [await both.connection.root.callRemote("thing")]
        server_side = both.server.connections[0]._broker.tables
        held = len(server_side.exported)

        def drop() -> None:
            kept.clear()
            gc.collect()

        await asyncio.to_thread(drop)
        while len(server_side.exported) == held:
            await asyncio.sleep(0.01)

    main(test)


def test_a_loop_may_be_run_by_one_thread_after_another() -> None:
    """As an event loop allows: only one at a time."""
    loop = asyncio.new_event_loop()
    both = Both()
    loop.run_until_complete(both.__aenter__())
    found: list[Any] = []

    def run(line: Any) -> None:
        async def note() -> Any:
            both.connection.root.callRemoteOnly("note", line)
            return await both.connection.root.callRemote("note", line)

        found.append(loop.run_until_complete(asyncio.wait_for(note(), SECONDS)))

    for line in range(3):
        thread = threading.Thread(target=run, args=(line,))
        thread.start()
        thread.join(SECONDS)
    run("here")
    both.connection.root.callRemoteOnly("note", "while it stands still")
    run("and again")
    assert found == [2, 4, 6, 8, 11]
    loop.run_until_complete(both.__aexit__())
    loop.close()
