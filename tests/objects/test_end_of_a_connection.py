"""At the end of a connection everybody who asked is told, whatever one of them raises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from tests.broker_objects import Pond, PondCache, Root, answer

RAISED = [ValueError, asyncio.CancelledError, GeneratorExit, BaseExceptionGroup, KeyboardInterrupt, SystemExit]
ENDING = (KeyboardInterrupt, SystemExit)


def raised(kind: type[BaseException]) -> BaseException:
    return BaseExceptionGroup("some", [GeneratorExit()]) if kind is BaseExceptionGroup else kind("as asked")


class Raising(Pond):
    def __init__(self, kind: type[BaseException], stopped: list[Any]) -> None:
        super().__init__()
        self.kind, self.stopped_at = kind, stopped

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.stopped_at.append(observer)
        raise raised(self.kind)


class Ponds(Root):
    def __init__(self, kind: type[BaseException]) -> None:
        super().__init__()
        self.all_stopped: list[Any] = []
        self.kind = kind

    def remote_new_pond(self) -> Pond:
        return Raising(self.kind, self.all_stopped)


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass(Raising, PondCache)


@pytest.mark.parametrize("kind", RAISED)
def test_every_observer_and_callback_is_told_of_the_end(kind: type[BaseException]) -> None:
    root = Ponds(kind)
    pair = Pair(root, accept=REGISTRY)
    mirrors = [answer(pair, "new_pond") for _ in range(3)]
    told: list[Any] = []

    def tell() -> None:
        told.append(len(root.all_stopped))
        raise raised(kind)

    pair.server.broker.notify_on_disconnect(tell)
    pair.server.broker.notify_on_disconnect(tell)
    waiting = pair.server.root.callRemote("anything")
    if kind in ENDING:
        with pytest.raises(kind):
            pair.server.lose()
    else:
        pair.server.lose()
        assert len(pair.server.reports) == 5
    assert len(root.all_stopped) == 3 and told == [3, 3] and len(mirrors) == 3
    assert not any(each.is_observing for each in root.all_stopped) and isinstance(waiting.error, likewise.ConnectionClosed)


@pytest.mark.parametrize("kind", RAISED)
def test_an_observer_that_stops_alone_costs_nobody_the_connection(kind: type[BaseException]) -> None:
    root = Ponds(kind)
    pair = Pair(root, accept=REGISTRY)
    mirror = answer(pair, "new_pond")
    del mirror
    if kind in ENDING:
        with pytest.raises(kind):
            pair.collect()
    else:
        pair.collect()
        assert answer(pair, "echo", 1) == 1
        assert [doing for doing, _ in pair.server.reports] == ["running stoppedObserving"]
    assert len(root.all_stopped) == 1 and not root.all_stopped[0].is_observing


class User(likewise.Avatar):
    def __init__(self, kind: type[BaseException], told: list[str]) -> None:
        self.kind, self.told = kind, told

    def perspective_pond(self) -> Pond:
        return Raising(self.kind, [])

    def logout(self, mind: Any) -> None:
        self.told.append("logout")


@pytest.mark.parametrize("kind", RAISED)
def test_a_server_logs_out_and_tells_who_asked(kind: type[BaseException]) -> None:
    told: list[str] = []

    async def main() -> None:
        login = likewise.Login(lambda user, mind: User(kind, told), anonymous=True)
        gone = asyncio.Event()

        def on_disconnect(connection: likewise.Connection) -> None:
            told.append("on_disconnect")
            gone.set()

        async with likewise.serve(
            None, "tcp://127.0.0.1:0", login=login, accept=REGISTRY, on_disconnect=on_disconnect
        ) as server:
            client = await likewise.connect(server.address, login=likewise.Anonymous(), accept=REGISTRY)
            mirrors = [await client.root.callRemote("pond") for _ in range(2)]
            client.abort()
            await asyncio.wait_for(gone.wait(), 10)
            await asyncio.sleep(0.05)
            assert len(mirrors) == 2

    if kind in ENDING:
        with pytest.raises(kind):
            asyncio.run(main())
    else:
        asyncio.run(main())
    assert sorted(told) == ["logout", "on_disconnect"]
