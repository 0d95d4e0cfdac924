"""Iterators, readers, pieces of the line and cuts at random: what arrives is a prefix, in order, and every end ends."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import likewise
from likewise.testing import Pair, Result, Run

shared = [1]
VALUES: list[Any] = [
    0, 1, -5, 2**40, 2**80, 1.5, True, None, "", "duck", "\u00e9", b"tuple", bytes(300), "x" * 5_000, bytes(70_000),
    [], [1, [2]], {"a": (1,)}, [shared, shared], {1, 2},
]  # fmt: skip


@dataclass
class Script:
    """What one iterator yields, where it waits, how it ends; and what its reader does."""

    values: list[int]  # places in VALUES; -1: wait until the test goes on
    fails: bool
    reads: int  # items until the reader leaves; -1: all
    leaves: str  # "drop" or "aclose"
    upwards: bool  # an argument; else what a method returns
    received: list[Any] = field(default_factory=list)
    ended: BaseException | str | None = None
    begun: int = 0
    ends: int = 0

    @property
    def items(self) -> list[Any]:
        return [VALUES[place] for place in self.values if place >= 0]


scripts = st.builds(
    Script,
    values=st.lists(st.integers(-1, len(VALUES) - 1), max_size=40),
    fails=st.booleans(),
    reads=st.integers(-1, 20),
    leaves=st.sampled_from(["drop", "aclose"]),
    upwards=st.booleans(),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.booleans(), st.integers(1, 400)),
        st.tuples(st.just("go on"), st.integers(0, 5)),
        st.tuples(st.just("run")),
        st.tuples(st.just("collect")),
    ),
    max_size=40,
)


class Played(likewise.Root):
    """One conversation. ``waits`` are those that the iterators wait for."""

    def __init__(self, played: list[Script]) -> None:
        self.played = played
        self.waits: list[Result] = []

    async def made(self, script: Script) -> AsyncIterator[Any]:
        script.begun += 1
        try:
            for place in script.values:
                if place < 0:
                    wait = Result()
                    self.waits.append(wait)
                    await wait
                else:
                    yield VALUES[place]
            if script.fails:
                raise likewise.CallError("as the script says")
        finally:
            script.ends += 1

    def remote_stream(self, number: int) -> AsyncIterator[Any]:
        return self.made(self.played[number])

    async def remote_read(self, number: int, stream: Any) -> None:
        await self.read(self.played[number], stream)

    async def read(self, script: Script, stream: Any) -> None:
        try:
            while script.reads < 0 or len(script.received) < script.reads:
                script.received.append(await anext(stream))
            if script.leaves == "aclose":
                await stream.aclose()
            script.ended = "left"
        except StopAsyncIteration:
            script.ended = "all"
        except likewise.LikewiseError as error:
            script.ended = error.with_traceback(None)

    async def fetch(self, pair: Pair, number: int) -> None:
        try:
            stream = await pair.client.root.callRemote("stream", number)
        except likewise.LikewiseError as error:
            self.played[number].ended = error.with_traceback(None)
            return
        await self.read(self.played[number], stream)


def play(root: Played, pair: Pair, script: list[Any]) -> None:
    for step in script:
        if step[0] == "deliver":
            pair.deliver(pair.server if step[1] else pair.client, step[2])
        elif step[0] == "go on" and root.waits:
            root.waits.pop(step[1] % len(root.waits)).settle(None)
        elif step[0] == "run":
            pair.run()
        elif step[0] == "collect":
            pair.flush()


def finish(root: Played, pair: Pair) -> None:
    """Until nothing moves any more."""
    while pair.run() or root.waits:
        while root.waits:
            root.waits.pop().settle(None)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    played=st.lists(scripts, min_size=1, max_size=4),
    script=steps,
    cut=st.booleans(),
    sizes=st.sampled_from([{}, {"stream_items": 4, "stream_bytes": 50}, {"stream_items": 100, "frame_items": 300}]),
    pb=st.booleans(),
)
def test_what_is_received_is_what_was_made_and_every_end_ends(
    played: list[Script], script: list[Any], cut: bool, sizes: dict[str, int], pb: bool
) -> None:
    root = Played(played)
    dialects = {"dialects": (likewise.testing.DIALECTS[1],)} if pb else {}
    pair = Pair(root, limits=likewise.Limits(**sizes), **dialects)  # type: ignore[arg-type]
    ended: list[Any] = []
    for number, each in enumerate(played):
        if pb:
            each.upwards = False
        if each.upwards:
            pair.client.root.callRemote("read", number, root.made(each))
        else:
            coroutine = root.fetch(pair, number) if not pb else fetch_reference(root, pair, number)
            Run(coroutine, lambda value, error: ended.append(error)).go_on(None)
    play(root, pair, script)
    if cut:
        pair.cut()
        for end in pair.ends:
            end.turn()
    finish(root, pair)
    gc.collect()
    finish(root, pair)
    assert not any(ended)
    for each in played:
        check(each, cut)
    assert not pair.client.reports and not pair.server.reports
    if not cut:
        pair.collect()
        assert pair.client.is_clean and pair.server.is_clean
    for end in pair.ends:
        assert end._streams is None or not end._streams._sources


async def fetch_reference(root: Played, pair: Pair, number: int) -> None:
    try:
        reference = await pair.client.root.callRemote("stream", number)
    except likewise.LikewiseError as error:
        root.played[number].ended = error.with_traceback(None)
        return
    await root.read(root.played[number], likewise.Stream(reference))


def check(script: Script, cut: bool) -> None:
    items, received = script.items, script.received
    assert received == items[: len(received)] and list(map(type, received)) == list(map(type, items[: len(received)]))
    assert script.ends == script.begun <= 1
    if script.ended is None:  # a call that the cut kept from arriving, of a method that reads
        assert cut and script.upwards and not script.begun
    elif script.ended == "left":
        assert len(received) == script.reads
    elif script.ended == "all":
        assert received == items and (not script.fails)
    elif isinstance(script.ended, likewise.ConnectionClosed):
        assert cut
    else:
        assert script.fails and "as the script says" in str(script.ended)
        assert received == items or script.leaves == "aclose"
