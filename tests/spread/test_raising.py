"""Whatever a method or a hook raises fails one call, as in Twisted: SystemExit and KeyboardInterrupt, too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure

from likewise.spread import pb
from tests.spread.ends import Pair


class Own(BaseException):
    """Neither Exception nor anything that Python knows."""


KINDS = {
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "CancelledError": asyncio.CancelledError,
    "GeneratorExit": GeneratorExit,
    "Own": Own,
}


class Hooked(pb.Copyable):  # type: ignore[misc]
    """Raises while it is written."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getStateToCopy(self) -> Any:
        raise KINDS[self.name]("in getStateToCopy")


class RaisesThere(pb.Copyable):  # type: ignore[misc]
    """Raises where it arrives."""

    def __init__(self, name: str) -> None:
        self.name = name


class Arrived(pb.RemoteCopy):  # type: ignore[misc]
    def setCopyableState(self, state: Any) -> None:
        raise KINDS[state["name"]]("in setCopyableState")


pb.setUnjellyableForClass(RaisesThere, Arrived)


class Root(pb.Root):  # type: ignore[misc]
    def remote_plain(self, name: str) -> None:
        raise KINDS[name]("by a plain method")

    async def remote_async(self, name: str) -> None:
        await defer.succeed(None)
        raise KINDS[name]("by an async one")

    @defer.inlineCallbacks
    def remote_inline(self, name: str) -> Any:
        yield defer.succeed(None)
        raise KINDS[name]("by a generator")

    def remote_deferred(self, name: str) -> Any:
        try:
            raise KINDS[name]("in a Deferred")
        except BaseException:
            return defer.fail()

    def remote_answer(self, name: str) -> Any:
        return Hooked(name)

    def remote_give(self, name: str) -> Any:
        return RaisesThere(name)

    def remote_take(self, value: Any) -> None: ...

    def remote_fine(self) -> int:
        return 1


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("method", ["plain", "async", "inline", "deferred", "answer", "give", "take"])
def test_whatever_user_code_raises_fails_one_call(method: str, name: str) -> None:
    logged: list[Any] = []
    log.addObserver(logged.append)
    try:
        pair = Pair(Root())
        other = pair.root.callRemote("fine")
        failed = pair.ask(method, RaisesThere(name) if method == "take" else name)
        assert isinstance(failed, Failure) and not failed.check(pb.PBConnectionLost, pb.DeadReferenceError)
        assert pair.result(other) == 1 == pair.ask("fine")
    finally:
        log.removeObserver(logged.append)
