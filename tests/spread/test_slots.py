"""As tests/objects/test_slots.py, for the drop-in beside Twisted: over a connection and without one."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import jelly, pb
from tests.spread.ends import Pair


class Point(pb.Copyable):
    __slots__ = ("x", "y")

    def __init__(self, x: int) -> None:
        self.x = x
        self.beside = "in the dict"


class PointCopy(pb.RemoteCopy):
    __slots__ = ("x", "y")


class Live(pb.Cacheable):
    __slots__ = ("x",)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"x": 1, "beside": 2}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class LiveCache(pb.RemoteCache):
    __slots__ = ("x",)


class Form(jelly.Jellyable, jelly.Unjellyable):
    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 5
        self.beside = 6


class Root(pb.Root):
    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def remote_give(self) -> Any:
        return self.thing


pb.setUnjellyableForClass(Point, PointCopy)
pb.setUnjellyableForClass(Live, LiveCache)
pb.setUnjellyableForClass(Form, Form)


def test_what_lies_in_slots_arrives_in_slots() -> None:
    arrived = Pair(Root(Point(1))).ask("give")
    assert (arrived.x, arrived.beside) == (1, "in the dict")
    assert vars(arrived) == {"beside": "in the dict"} and not hasattr(arrived, "y")


def test_a_mirror_with_slots_has_its_state_in_them() -> None:
    pair = Pair(Root(Live()))
    mirror = pair.ask("give")
    assert (mirror.x, mirror.beside) == (1, 2) and vars(mirror) == {"beside": 2}


def test_what_is_read_by_set_state_for_arrives_in_slots() -> None:
    for arrived in (Pair(Root(Form())).ask("give"), jelly.unjelly(jelly.jelly(Form()))):
        assert (arrived.x, arrived.beside) == (5, 6) and vars(arrived) == {"beside": 6}
