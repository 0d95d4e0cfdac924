"""
State caches in state caches, followed by two, changed, shared, removed and sent again while they follow; over both drivers,
and by real Twisted peers. See ``tests/state_caches.py``.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.programs import Program, running
from tests.spread.ends import Logged
from tests.spread.ends import Pair as SpreadPair
from tests.state_caches import Garden, alone, classes, picture

pytest.importorskip("twisted")
from likewise.spread import pb

CLIENT = Path(__file__).with_name("state_caches_client.py")
STEPS = 60


def tell_each(observers: list[Any], name: str, *args: Any) -> None:
    """As the chapter on Cacheable has it."""
    for observer in list(observers):
        observer.callRemote(name, *args)


def tell_all(observers: list[Any], name: str, *args: Any) -> None:
    """As our own collection does it."""
    together = likewise.Observers()
    for observer in observers:
        together.add(observer)
    together.callRemote(name, *args)


class Serving:
    """What a client finds. Each step is a few changes, seen by all who follow."""

    def __init__(self, make: type, tell: Any) -> None:
        self.garden = Garden(make, tell)
        self.ended: list[Any] = []

    def step(self) -> str:
        for _ in range(5):
            self.garden.change()
        return picture(self.garden.first)

    def end_followed_by(self, connection: Any) -> None:
        """End the mirror that somebody has of the first state."""
        (mine,) = [each for each in self.garden.first.observers if each.connection is connection]
        mine.end("as asked")
        assert mine not in self.garden.first.observers and not mine.is_observing


LIKEWISE_STATE, LIKEWISE_MIRROR = classes(likewise)
SPREAD_STATE, _ = classes(pb)


class OnePerLine(likewise.Root):
    """The root of each connection of the asyncio API: it knows which that is."""

    def __init__(self, serving: Serving, connection: Any = None) -> None:
        self.serving, self.mine = serving, connection

    def rootObject(self, connection: Any) -> OnePerLine:
        return OnePerLine(self.serving, connection)

    def remote_first(self) -> Any:
        return self.serving.garden.first

    def remote_step(self) -> str:
        return self.serving.step()

    def remote_picture(self) -> str:
        return picture(self.serving.garden.first)

    def remote_end_mine(self) -> None:
        self.serving.end_followed_by(self.mine)


class SpreadRoot(pb.Root):
    def __init__(self, serving: Serving) -> None:
        self.serving = serving

    remote_first, remote_step, remote_picture = OnePerLine.remote_first, OnePerLine.remote_step, OnePerLine.remote_picture


@pytest.mark.parametrize("tell", [tell_each, tell_all])
@pytest.mark.parametrize("packages", [("twisted.spread", "twisted.spread"), ("likewise.spread", "twisted.spread")])
def test_clients_of_pb_follow_a_server_of_ours(packages: tuple[str, str], tell: Any) -> None:
    async def main() -> None:
        registry = likewise.Registry()
        serving = Serving(LIKEWISE_STATE, tell)
        async with likewise.serve(OnePerLine(serving), "tcp://127.0.0.1:0", accept=registry) as server:
            ends = await asyncio.gather(*(asyncio.to_thread(follow, each, server.port) for each in packages))
            for code, lines, errors in ends:
                assert code == 0 and lines[-1:] == [f"FOLLOWED {STEPS}"], errors
            async with asyncio.timeout(10):
                while server.connections:
                    await asyncio.sleep(0.01)
            assert serving.garden.followed() == 0

    asyncio.run(main())


def follow(package: str, port: int | None) -> tuple[int, list[str], str]:
    with running(str(CLIENT), package, str(port), str(STEPS)) as program:
        assert isinstance(program, Program)
        return program.end(90)


@pytest.mark.parametrize("tell", [tell_each, tell_all])
def test_two_connections_of_the_asyncio_api_follow(tell: Any) -> None:
    async def main() -> None:
        registry = likewise.Registry()
        registry.setUnjellyableForClass("state_caches.State", LIKEWISE_MIRROR)
        serving = Serving(LIKEWISE_STATE, tell)
        address = "tcp://127.0.0.1:0"
        async with (
            likewise.serve(OnePerLine(serving), address, accept=registry) as server,
            likewise.connect(server.address, accept=registry) as one,
            likewise.connect(server.address, accept=registry) as other,
        ):
            roots = [one.root, other.root]
            mirrors = [await root.callRemote("first") for root in roots]
            for step in range(4 * STEPS):
                who = step % 2
                shown = await roots[who].callRemote("step")
                assert picture(mirrors[who]) == shown
                if step % 14 == 13:  # let go of everything, and have it sent again
                    mirrors[who] = None
                    gc.collect()
                    mirrors[who] = await roots[who].callRemote("first")
                if step % 25 == 24:  # one is ended by its owner, and is another one then
                    ended = mirrors[who]
                    await roots[who].callRemote("end_mine")
                    before = alone(ended)
                    assert ended.ended_because == "as asked" and mirrors[1 - who].ended_because is None
                    mirrors[who] = await roots[who].callRemote("first")
                    assert mirrors[who] is not ended and mirrors[who].ended_because is None
                    await roots[who].callRemote("step")
                    assert alone(ended) == before
            for root, mirror in zip(roots, mirrors, strict=True):
                shown = await root.callRemote("picture")
                assert picture(mirror) == shown
                assert mirror.failed_changes == 0
            mirrors.clear()
            del mirror, ended
            gc.collect()
            async with asyncio.timeout(10):
                while serving.garden.followed():
                    await asyncio.sleep(0.01)
            for each in server.connections:
                assert each._broker.tables.sizes()["observed"] == 0

    asyncio.run(main())


@pytest.mark.parametrize("tell", [tell_each, tell_all])
def test_two_connections_of_likewise_spread_follow(tell: Any) -> None:
    serving = Serving(SPREAD_STATE, tell)
    with Logged() as logged:
        factory = pb.PBServerFactory(SpreadRoot(serving))
        pairs = [SpreadPair(None, server=factory) for _ in range(2)]
        mirrors = [pair.ask("first") for pair in pairs]
        for step in range(2 * STEPS):
            who = step % 2
            shown = pairs[who].ask("step")
            assert picture(mirrors[who]) == shown
            if step % 14 == 13:
                mirrors[who] = None
                pairs[who].collect()
                mirrors[who] = pairs[who].ask("first")
            if step % 25 == 24:
                ended = mirrors[who]
                serving.end_followed_by(pairs[who].server)
                pairs[who].carry()
                assert ended.broker is None and mirrors[1 - who].broker is not None
                mirrors[who] = pairs[who].ask("first")
                assert mirrors[who] is not ended
                shown = pairs[who].ask("step")
                assert picture(mirrors[who]) == shown
        mirrors.clear()
        del ended
        for pair in pairs:
            pair.collect()
            assert not pair.server.remotelyCachedObjects and not pair.client.locallyCachedObjects
        assert serving.garden.followed() == 0
    assert logged.errors == []
