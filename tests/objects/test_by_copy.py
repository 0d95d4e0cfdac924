"""What of a Copyable crosses, under which name, and that nothing ties the copy to it."""

from __future__ import annotations

from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.testing import Pair


class Plain(likewise.Copyable):
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Tagged(Plain):
    def getTypeToCopy(self) -> str:
        return "tagged"

    def getStateToCopy(self) -> Any:
        return {"size": len(self.__dict__)}


class ForWhom(Plain):
    def getTypeToCopyFor(self, perspective: Any) -> str:
        return "for.whom"

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"name": getattr(perspective, "name", None)}


class Got(likewise.RemoteCopy):
    def behaviour(self) -> str:
        return "mine"


class Giver(likewise.Avatar):
    name = "ann"

    def perspective_give(self) -> ForWhom:
        return ForWhom()


class Service(likewise.Root):
    def __init__(self, *things: Any) -> None:
        self.things = things

    def remote_give(self) -> Any:
        return list(self.things)

    def remote_avatar(self) -> Giver:
        return Giver()


def given(*things: Any) -> Any:
    registry = likewise.Registry()
    for name in (Plain, "tagged", "for.whom"):
        registry.setUnjellyableForClass(name, Got)
    pair = Pair(Service(*things), accept=registry)
    result = pair.client.root.callRemote("give")
    pair.run()
    if result.error is not None:
        raise result.error
    return result.value


def test_without_hooks_the_attributes_cross() -> None:
    plain = Plain(a=1, b=["two"])
    (got,) = given(plain)
    assert type(got) is Got and got.__dict__ == {"a": 1, "b": ["two"]}
    got.b.append("mine alone")
    assert plain.__dict__["b"] == ["two"]


def test_the_hooks_say_name_and_state() -> None:
    one, two = given(Tagged(a=1, b=2), ForWhom(a=1))
    assert one.__dict__ == {"size": 2} and two.__dict__ == {"name": None}


def test_the_hooks_are_told_the_perspective() -> None:
    registry = likewise.Registry()
    registry.setUnjellyableForClass("for.whom", Got)
    pair = Pair(Service(), accept=registry)
    avatar = pair.client.root.callRemote("avatar")
    pair.run()
    result = avatar.value.callRemote("give")
    pair.run()
    assert result.value.name == "ann"


def test_one_object_in_two_places_arrives_as_one() -> None:
    plain = Plain(a=1)
    first, second = given(plain, plain)
    assert first is second


def test_state_cannot_replace_behaviour() -> None:
    with pytest.raises(InsecureJelly, match="behaviour"):
        given(Plain(behaviour="theirs"))


def test_what_is_not_registered_stays_out() -> None:
    class Other(Plain):
        pass

    with pytest.raises(InsecureJelly, match="Other"):
        given(Other())
