"""What a remote method may return instead of its answer: anything that ``await`` takes."""

from __future__ import annotations

import functools
import types
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer
from twisted.python.failure import Failure

from likewise.spread import pb
from tests.programs import running
from tests.spread.ends import Pair


class Later:
    def __init__(self, deferred: Any) -> None:
        self.deferred = deferred

    def __await__(self) -> Any:
        return self.deferred.__await__()


class Root(pb.Root):  # type: ignore[misc]
    async def answer(self, value: Any) -> Any:
        return await defer.succeed(value)

    def remote_deferred(self) -> Any:
        return defer.succeed(1)

    def remote_object(self) -> Any:
        return Later(defer.succeed(2))

    @types.coroutine
    def remote_generator(self) -> Any:
        return (yield from defer.succeed(3).__await__())

    @defer.inlineCallbacks
    def remote_inline(self) -> Any:
        return (yield defer.succeed(4))

    async def remote_async(self) -> Any:
        return await self.answer(5)

    remote_partial = functools.partialmethod(answer, 6)

    @staticmethod
    async def remote_static() -> int:
        return 7

    def remote_gathered(self) -> Any:
        return defer.gatherResults([defer.succeed(8), self.remote_inline()])

    def remote_raises_in_await(self) -> Any:
        return Later(None)

    def remote_fine(self) -> str:
        return "fine"


ANSWERS = {
    "deferred": 1, "object": 2, "generator": 3, "inline": 4, "async": 5, "partial": 6, "static": 7, "gathered": [8, 4],
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_can_be_awaited_is(name: str) -> None:
    pair = Pair(Root())
    assert pair.ask(name) == ANSWERS[name] == pair.ask(name)


def test_an_awaitable_that_raises_at_once_fails_one_call() -> None:
    pair = Pair(Root())
    failed = pair.ask("raises_in_await")
    assert isinstance(failed, Failure) and failed.check("builtins.AttributeError")
    assert pair.ask("fine") == "fine"


ON_ASYNCIO = """
import asyncio
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)
from twisted.internet import defer, reactor
from likewise.spread import pb

class Root(pb.Root):
    def remote_future(self):
        future = loop.create_future()
        loop.call_later(0.01, future.set_result, "of a future")
        return future

    def remote_task(self):
        async def answer():
            await asyncio.sleep(0.01)
            return "of a task"
        return loop.create_task(answer())

    def remote_failing(self):
        async def fail():
            await asyncio.sleep(0.01)
            raise LookupError("in a task")
        return loop.create_task(fail())

async def main():
    port = reactor.listenTCP(0, pb.PBServerFactory(Root()), interface="127.0.0.1")
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
    root = await factory.getRootObject()
    print(await root.callRemote("future"), flush=True)
    print(await root.callRemote("task"), flush=True)
    try:
        await root.callRemote("failing")
    except pb.RemoteError as error:
        print(error.remoteType.decode(), error, flush=True)
    factory.disconnect()
    await port.stopListening()
    reactor.stop()

def failed(failure):
    failure.printTraceback()
    reactor.stop()

reactor.callWhenRunning(lambda: defer.ensureDeferred(main()).addErrback(failed))
reactor.run()
"""


def test_a_future_of_asyncio_is_waited_for_on_its_reactor(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(ON_ASYNCIO, encoding="utf-8")
    with running(str(program)) as started:
        _, lines, errors = started.end()
    assert lines == ["of a future", "of a task", "builtins.LookupError in a task"], errors
