"""
Two brokers, and anything that may happen between them, in any order and with the stream cut anywhere.

Whatever happened, in the end: each mirror that is held equals its original, each call is settled, and when everything
has been dropped both ends' tables are empty and no original is observed. With ``--hypothesis-profile=long`` it runs longer.
"""

from __future__ import annotations

import gc
import itertools
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import likewise
from likewise.jelly.registry import Registry
from likewise.testing import End, Pair, Result
from likewise.trace import Record


class Pond(likewise.Cacheable):
    """An original: numbered, and whatever is put into it is put into its mirrors."""

    def __init__(self, number: int, parts: list[Any]) -> None:
        self.number = number
        self.version = 0
        self.parts = parts
        self.observers: list[likewise.RemoteCacheObserver] = []

    def getTypeToCopy(self) -> str:
        return "machine.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
        self.observers.append(observer)
        return {"number": self.number, "version": self.version, "parts": list(self.parts), "me": self}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)

    def change(self, part: Any) -> list[Any]:
        self.version += 1
        if part is not None:
            self.parts.append(part)
        return [observer.callRemote("change", self.version, part) for observer in self.observers]


class Mirror(likewise.RemoteCache):
    def observe_change(self, version: int, part: Any) -> None:
        assert version == self.version + 1, "no change is missed, none comes twice"
        self.version = version
        if part is not None:
            self.parts.append(part)


class Thing(likewise.Referenceable):
    def __init__(self, number: int) -> None:
        self.number = number
        self.touched = 0

    def remote_touch(self) -> int:
        self.touched += 1
        return self.number


class Box(likewise.Copyable):
    def __init__(self, content: Any) -> None:
        self.content = content

    def getTypeToCopy(self) -> str:
        return "machine.Box"


class BoxCopy(likewise.RemoteCopy):
    pass


class Loop(likewise.Copyable):
    """Holds a cycle, which is not looked into."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def getTypeToCopy(self) -> str:
        return "machine.Loop"


class LoopCopy(likewise.RemoteCopy):
    pass


class Unknown(likewise.Copyable):
    """Registered nowhere."""


class Side(likewise.Root):
    """One side of the pair: what is its own, and what it holds of the other's."""

    def __init__(self) -> None:
        self.own: list[Pond | Thing] = []
        self.held: list[Any] = []
        self.to_give: Any = None

    def remote_keep(self, value: Any) -> None:
        self.held += [part for part in parts_of(value) if part not in self.own]

    def remote_give(self) -> Any:
        return self.to_give

    def remote_is_it(self, value: Any, number: int) -> bool:
        return any(value is each and each.number == number for each in self.own)

    def remote_fail(self, value: Any) -> None:
        raise likewise.Error("as asked")


def parts_of(value: Any) -> list[Any]:
    """What is a mirror or a reference, or an original come home, in a value."""
    if isinstance(value, (list, tuple)):
        return [part for each in value for part in parts_of(each)]
    if isinstance(value, dict):
        return parts_of(list(value.values()))
    if isinstance(value, (Box, BoxCopy)):
        return parts_of(value.content)
    return [value] if isinstance(value, (Mirror, Pond, Thing, likewise.RemoteReference)) else []


registry = Registry()
registry.setUnjellyableForClass("machine.Pond", Mirror)
registry.setUnjellyableForClass("machine.Box", BoxCopy)
registry.setUnjellyableForClass("machine.Loop", LoopCopy)

sides = st.sampled_from([0, 1])
picks = st.integers(0, 1_000)
shapes = st.sampled_from(["list", "twice", "boxed", "shared box", "keyed", "tuple in a cycle"])


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Record] = []
        self.results: list[Result] = []
        self.numbers = itertools.count(1)
        self.is_cut = False

    @initialize(chunk=st.integers(1, 50))
    def connect(self, chunk: int) -> None:
        self.sides = [Side(), Side()]
        self.pair = Pair(*self.sides, accept=registry, trace=self.note, client_trace=self.note, greet=False)
        self.pair.run(chunk)

    def note(self, record: Record) -> None:
        if record.name == "fault":
            self.faults.append(record)

    @property
    def ends(self) -> tuple[End, End]:
        return self.pair.ends

    def call(self, side: int, name: str, *args: Any) -> Result:
        result: Result = self.ends[side].root.callRemote(name, *args)
        self.results.append(result)
        return result

    def chosen(self, side: int, pick: int, count: int, own: bool = True) -> list[Any]:
        """Some of what a side has: its own, and what it holds."""
        pool = (self.sides[side].own if own else []) + self.sides[side].held
        return [pool[(pick + i) % len(pool)] for i in range(count)] if pool else []

    def shaped(self, shape: str, parts: list[Any]) -> Any:
        if shape == "twice":
            return [parts, parts, *parts]
        if shape == "boxed":
            return [Box(part) for part in parts]
        if shape == "shared box":
            box = Box(parts)
            return [box, box]
        if shape == "keyed":
            return dict(enumerate(parts))
        if shape == "tuple in a cycle":
            inner: list[Any] = [*parts]
            outer = (inner, 5)
            inner.append(outer)
            return [*parts, Loop(outer)]
        return parts

    # --- what may happen

    @rule(side=sides, pick=picks, count=st.integers(0, 2))
    def make_a_pond(self, side: int, pick: int, count: int) -> None:
        parts = self.chosen(side, pick, count) if not self.is_cut else []
        self.sides[side].own.append(Pond(next(self.numbers), parts))

    @rule(side=sides)
    def make_a_thing(self, side: int) -> None:
        self.sides[side].own.append(Thing(next(self.numbers)))

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(1, 3), shape=shapes)
    def send(self, side: int, pick: int, count: int, shape: str) -> None:
        self.call(side, "keep", self.shaped(shape, self.chosen(side, pick, count)))

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks)
    def send_home(self, side: int, pick: int) -> None:
        for part in self.chosen(side, pick, 1, own=False):
            if isinstance(part, Mirror):
                self.call(side, "is_it", part, part.number).when_settled(self.check_home)

    def check_home(self, result: Result) -> None:
        assert result.value is True or isinstance(result.error, likewise.ConnectionClosed), result

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(0, 3), shape=shapes, keep=st.booleans())
    def be_given(self, side: int, pick: int, count: int, shape: str, keep: bool) -> None:
        other = 1 - side
        self.sides[other].to_give = self.shaped(shape, self.chosen(other, pick, count))
        held = self.sides[side]
        result = self.call(side, "give")
        if keep:
            result.when_settled(lambda result: held.remote_keep(result.value))

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(1, 2))
    def touch(self, side: int, pick: int, count: int) -> None:
        for part in self.chosen(side, pick, count, own=False):
            if isinstance(part, likewise.RemoteReference):
                self.results.append(part.callRemote("touch"))

    @rule(side=sides, pick=picks, with_part=st.booleans())
    def change(self, side: int, pick: int, with_part: bool) -> None:
        ponds = [each for each in self.sides[side].own if isinstance(each, Pond)]
        if ponds:
            part = self.chosen(side, pick, 1)[0] if with_part and not self.is_cut else None
            self.results += ponds[pick % len(ponds)].change(part)

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(1, 3))
    def try_to_send_what_can_not_cross(self, side: int, pick: int, count: int) -> None:
        parts = self.chosen(side, pick, count)
        before = self.ends[side].sizes, [len(each.observers) for each in parts if isinstance(each, Pond)]
        with pytest.raises(likewise.NotSendable, match=r"args\[0\].*\[\d\]"):
            self.ends[side].root.callRemote("keep", [*parts, object()])
        assert before == (self.ends[side].sizes, [len(each.observers) for each in parts if isinstance(each, Pond)])

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(1, 3), first=st.booleans())
    def send_what_is_refused_there(self, side: int, pick: int, count: int, first: bool) -> None:
        parts = self.chosen(side, pick, count)
        self.call(side, "keep", [Unknown(), *parts] if first else [*parts, Unknown(), *parts])

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, count=st.integers(1, 3))
    def be_given_what_is_refused_here(self, side: int, pick: int, count: int) -> None:
        other = 1 - side
        self.sides[other].to_give = [*self.chosen(other, pick, count), Unknown(), *self.chosen(other, pick + 1, 1)]
        self.call(side, "give")

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, pick=picks, how=st.sampled_from(["no such method", "error", "no such object", "unsendable"]))
    def make_a_call_that_fails(self, side: int, pick: int, how: str) -> None:
        parts = self.chosen(side, pick, 2)
        if how == "no such method":
            self.call(side, "nothing", parts)
        elif how == "error":
            self.call(side, "fail", parts)
        elif how == "no such object":
            self.results.append(self.ends[side].broker.call(b"nobody", "keep", (parts,), {}))
        else:
            self.sides[1 - side].to_give = [*self.chosen(1 - side, pick, 2), object()]
            self.call(side, "give")

    @precondition(lambda self: self.results)
    @rule(pick=picks)
    def give_up_waiting(self, pick: int) -> None:
        result = self.results[pick % len(self.results)]
        if not result.is_settled:
            result.cancel()

    @rule(side=sides, pick=picks, count=st.integers(1, 4), collect=st.booleans())
    def drop(self, side: int, pick: int, count: int, collect: bool) -> None:
        held = self.sides[side].held
        for _ in range(min(count, len(held))):
            del held[pick % len(held)]
        self.results = [each for each in self.results if not each.is_settled or each.is_cancelled]
        if collect:
            gc.collect()

    @precondition(lambda self: not self.is_cut)
    @rule(side=sides, size=st.none() | st.integers(1, 300))
    def deliver(self, side: int, size: int | None) -> None:
        self.pair.deliver(self.ends[side], size)

    @precondition(lambda self: not self.is_cut)
    @rule(chunk=st.integers(1, 2_000))
    def deliver_all(self, chunk: int) -> None:
        self.pair.run(chunk)

    @precondition(lambda self: not self.is_cut)
    @rule(sure=st.integers(0, 9))
    def cut(self, sure: int) -> None:
        if sure == 0:
            self.is_cut = True
            self.pair.cut()

    # --- what must hold in the end

    def teardown(self) -> None:
        if not hasattr(self, "pair"):
            return
        if not self.is_cut:
            for side in self.sides:
                side.to_give = None
            self.pair.run()
            self.check_mirrors()
        assert all(each.is_settled or each.is_cancelled for each in self.results)
        assert self.faults == []
        assert [end.reports for end in self.ends] == [[], []]
        for end, side in zip(self.ends, self.sides, strict=True):
            side.held.clear()
            for each in side.own:
                if isinstance(each, Pond):
                    each.parts.clear()
            end.failures.clear()
        self.results.clear()
        self.pair.collect()
        for end, side in zip(self.ends, self.sides, strict=True):
            assert end.is_clean, end.sizes
            assert not end.broker.tables.just_released
            assert not end.waiting
            assert all(each.observers == [] for each in side.own if isinstance(each, Pond))

    def check_mirrors(self) -> None:
        for side, other in (self.sides, self.sides[::-1]):
            originals = {each.number: each for each in other.own if isinstance(each, Pond)}
            seen: dict[int, Mirror] = {}
            for mirror in [each for each in side.held if isinstance(each, Mirror)]:
                original = originals[mirror.number]
                assert mirror.version == original.version
                assert len(mirror.parts) == len(original.parts)
                for part, its_original in zip(mirror.parts, original.parts, strict=True):
                    assert_stands_for(part, its_original)
                assert vars(mirror.me) is vars(mirror)
                assert seen.setdefault(mirror.number, mirror) is mirror


def assert_stands_for(part: Any, original: Any) -> None:
    if isinstance(original, Pond):
        assert part.number == original.number
    elif isinstance(original, Thing):
        assert type(part) is likewise.RemoteReference
    elif isinstance(original, Mirror):
        assert type(part) is Pond and part.number == original.number
    else:
        assert type(part) is Thing, "a reference that came home"


TestMachine = Machine.TestCase
TestMachine.settings = hypothesis.settings(
    hypothesis.settings(),
    max_examples=max(40, hypothesis.settings().max_examples // 5),
    stateful_step_count=40,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)
