"""Instances arrive whole whatever their class is made of: metaclasses, frozen dataclasses, a ``__setattr__`` of its own."""

from __future__ import annotations

import abc
import dataclasses
import gc
import typing
from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from likewise.wire import native


class Named(typing.Protocol):
    name: str


class Registering(type):
    """As the bases of ORMs have it."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        return super().__new__(mcs, name, bases, namespace)


class Plain(likewise.RemoteCopy):
    pass


class Abstract(likewise.RemoteCopy, abc.ABC):
    pass


class Follows(likewise.RemoteCopy, Named):
    pass


class Mapped(likewise.RemoteCopy, metaclass=Registering):
    pass


class Generic(likewise.RemoteCopy, typing.Generic[typing.TypeVar("T")]):
    pass


class Fault(likewise.RemoteCopy, Exception):
    pass


class Slotted(likewise.RemoteCopy):
    __slots__ = ("elsewhere",)


@dataclasses.dataclass(frozen=True)
class Frozen(likewise.RemoteCopy):
    name: str


class Guarded(likewise.RemoteCopy):
    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(f"{name} can't be set")


class Proxied(likewise.RemoteCopy):
    """Has a ``__dict__`` of its own to show."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return {"shown": True}


class GuardedHook(Guarded):
    def setCopyableState(self, state: Any) -> None:
        super().setCopyableState({**state, "was_asked": True})


@dataclasses.dataclass
class AbstractLine(abc.ABC):
    name: str


COPIES = (Plain, Abstract, Follows, Mapped, Generic, Fault, Slotted, Frozen, Guarded, GuardedHook)


class Thing(likewise.Copyable):
    def __init__(self, tag: str) -> None:
        self._tag = tag

    def getTypeToCopy(self) -> str:
        return self._tag

    def getStateToCopy(self) -> Any:
        return {"name": "duck", "parts": [1, 2]}


class Mirror(likewise.RemoteCache, abc.ABC):
    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise TypeError(f"{name} can't be set")
        super().__setattr__(name, value)


class Source(likewise.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"name": "pond"}


class Service(likewise.Root):
    def __init__(self, things: list[Any]) -> None:
        self.things = things

    def remote_give(self) -> Any:
        return self.things


def given(*things: Any, classes: dict[Any, type]) -> Any:
    registry = likewise.Registry()
    for tag, cls in classes.items():
        registry.setUnjellyableForClass(tag, cls)
    pair = Pair(Service(list(things)), accept=registry)
    result = pair.client.root.callRemote("give")
    pair.run()
    if result.error is not None:
        raise result.error
    return pair, result.value


@pytest.mark.parametrize("cls", COPIES, ids=lambda cls: cls.__name__)
def test_a_copy_has_its_attributes_where_python_looks_for_them(cls: type) -> None:
    _, (got, again) = given(Thing("thing"), Thing("thing"), classes={"thing": cls})
    for each in (got, again):
        assert type(each) is cls
        assert (each.name, each.parts) == ("duck", [1, 2])  # by the class's own way to attributes
        assert vars(each)["name"] == "duck" and vars(each).keys() - {"was_asked"} == {"name", "parts"}
    got.__dict__["name"] = "goose"
    assert (got.name, again.name) == ("goose", "duck")


def test_what_a_class_shows_as_its_dict_is_not_where_the_state_goes() -> None:
    _, (got,) = given(Thing("thing"), classes={"thing": Proxied})
    assert got.name == "duck" and got.__dict__ == {"shown": True}


def test_a_copyable_dataclass_may_have_a_metaclass() -> None:
    likewise.copyable(AbstractLine)
    _, (got,) = given(AbstractLine("duck"), classes={AbstractLine: AbstractLine})
    assert type(got) is AbstractLine and got == AbstractLine("duck")


def test_a_mirror_may_have_a_metaclass_and_a_setattr_and_comes_back_as_it_was() -> None:
    source = Source()
    pair, things = given(source, classes={Source: Mirror})
    assert type(things[0]) is Mirror and things[0].name == "pond"
    del things
    gc.collect()
    result = pair.client.root.callRemote("give")
    pair.run()
    assert result.value[0].name == "pond"


def test_a_class_that_cannot_be_made_fails_the_call_and_no_more() -> None:
    class Unfinished(likewise.RemoteCopy, abc.ABC):
        @abc.abstractmethod
        def quack(self) -> None: ...

    registry = likewise.Registry()
    registry.setUnjellyableForClass("thing", Unfinished)
    service = Service([Thing("thing")])
    pair = Pair(service, accept=registry)
    first = pair.client.root.callRemote("give")
    pair.run()
    assert "Unfinished" in str(first.error)
    service.things = ["well"]
    second = pair.client.root.callRemote("give")
    pair.run()
    assert second.value == ["well"]


def test_the_dictionary_given_is_the_one_that_is_used() -> None:
    made, state = Plain(), {"name": "duck"}
    native.set_dict(native.dict_slot(Plain), made, state)
    state["name"] = "goose"
    assert made.__dict__ is state and made.name == "goose"


def test_an_instance_without_a_dictionary_says_so() -> None:
    class Bare:
        __slots__ = ()

    assert native.dict_slot(Bare) is None
    with pytest.raises(AttributeError, match="'Bare' object has no __dict__"):
        native.replace_dict(Bare(), {})
