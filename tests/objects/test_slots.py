"""What lies in slots crosses like any attribute, and arrives in slots where the class that stands for it has them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.testing import Pair


class Point(likewise.Copyable):
    __slots__ = ("__hidden", "x", "y")

    def __init__(self, x: int, y: int | None = None) -> None:
        self.x = x
        if y is not None:
            self.y = y
        self.__hidden = "found"
        self.beside = "in the dict"


class Deeper(Point):
    __slots__ = ("z",)


class SlottedCopy(likewise.RemoteCopy):
    __slots__ = ("_Point__hidden", "x", "y")


class Hooked(likewise.RemoteCopy):
    __slots__ = ("seen", "x")

    def setCopyableState(self, state: Any) -> None:
        super().setCopyableState({"x": state["x"]})
        self.seen = sorted(state)


class Live(likewise.Cacheable):
    __slots__ = ("x",)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"x": 1, "beside": 2}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class SlottedMirror(likewise.RemoteCache):
    __slots__ = ("x",)
    x: int

    def observe_set(self, x: int) -> None:
        self.x = x


class Root(likewise.Root):
    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def remote_give(self) -> Any:
        return self.thing


def given(thing: Any, cls: type) -> Any:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(type(thing), cls)
    pair = Pair(Root(thing), accept=registry)
    result = pair.client.root.callRemote("give")
    pair.run()
    if result.error is not None:
        raise result.error
    return result.value


class AnyCopy(likewise.RemoteCopy):
    pass


def test_what_lies_in_slots_is_sent_with_what_lies_in_the_dict() -> None:
    arrived = given(Point(1, 2), AnyCopy)
    assert vars(arrived) == {"x": 1, "y": 2, "_Point__hidden": "found", "beside": "in the dict"}


def test_slots_that_are_not_set_are_not_sent() -> None:
    assert "y" not in vars(given(Point(1), AnyCopy))


def test_the_slots_of_all_bases_are_sent() -> None:
    deeper = Deeper(1)
    deeper.z = 3
    assert given(deeper, AnyCopy).z == 3


def test_a_copy_with_slots_has_its_state_in_them() -> None:
    arrived = given(Point(1, 2), SlottedCopy)
    assert (arrived.x, arrived.y, arrived._Point__hidden, arrived.beside) == (1, 2, "found", "in the dict")
    assert vars(arrived) == {"beside": "in the dict"}


def test_a_hook_of_a_copy_with_slots_may_call_the_one_it_overrides() -> None:
    arrived = given(Point(1, 2), Hooked)
    assert arrived.x == 1 and vars(arrived) == {} and "y" in arrived.seen


def test_a_mirror_with_slots_has_its_state_in_them() -> None:
    mirror = given(Live(), SlottedMirror)
    assert (mirror.x, mirror.beside) == (1, 2) and vars(mirror) == {"beside": 2}
    assert copy.copy(mirror).x == 1
    assert pickle.loads(pickle.dumps(mirror)).x == 1


def test_state_can_not_be_put_into_a_slot_of_the_librarys() -> None:
    class Liar(Live):
        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            return {"_mirror": 5}

    with pytest.raises(InsecureJelly, match="'_mirror' is behaviour of "):
        given(Liar(), SlottedMirror)
