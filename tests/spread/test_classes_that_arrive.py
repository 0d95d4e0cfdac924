"""As tests/objects/test_classes_that_arrive.py, for the drop-in beside Twisted: over a connection and without one."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import jelly, pb
from tests.spread.ends import Pair


class Sent(pb.Copyable):
    def __init__(self, tag: str) -> None:
        self.tag = tag

    def getTypeToCopy(self) -> str:
        return self.tag

    def getStateToCopy(self) -> Any:
        return {"name": "duck"}


class Abstract(pb.RemoteCopy, abc.ABC):
    pass


@dataclasses.dataclass(frozen=True)
class Frozen(pb.RemoteCopy):
    name: str


class Guarded(pb.RemoteCopy):
    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(f"{name} can't be set")


class GuardedForm(jelly.Jellyable, jelly.Unjellyable):
    """Is read by ``setStateFor``."""

    def __init__(self) -> None:
        self.__dict__["name"] = "duck"

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(f"{name} can't be set")


class AbstractForm(jelly.Jellyable, jelly.Unjellyable, abc.ABC):
    def __init__(self) -> None:
        self.name = "duck"


class Root(pb.Root):
    def remote_give(self, tag: str) -> Any:
        return Sent(tag)


@pytest.mark.parametrize("cls", [Abstract, Frozen, Guarded], ids=lambda cls: cls.__name__)
def test_a_copy_has_its_attributes_where_python_looks_for_them(cls: type) -> None:
    jelly.setUnjellyableForClass(f"arrives.{cls.__name__}", cls)
    got = Pair(Root()).ask("give", f"arrives.{cls.__name__}")
    assert type(got) is cls and got.name == "duck" and vars(got) == {"name": "duck"}


@pytest.mark.parametrize("cls", [GuardedForm, AbstractForm], ids=lambda cls: cls.__name__)
def test_so_has_what_is_read_without_a_connection(cls: type) -> None:
    jelly.setUnjellyableForClass(cls, cls)
    got = jelly.unjelly(jelly.jelly(cls()))
    assert type(got) is cls and got.name == "duck" and vars(got) == {"name": "duck"}


@pytest.mark.parametrize("cls", [Abstract, Frozen, Guarded], ids=lambda cls: cls.__name__)
def test_and_a_copy_that_is_read_without_a_connection(cls: type) -> None:
    jelly.setUnjellyableForClass(f"arrives.{cls.__name__}", cls)
    got = jelly.unjelly([f"arrives.{cls.__name__}".encode(), [b"dictionary", [[b"unicode", b"name"], b"duck"]]])
    assert type(got) is cls and vars(got) == {"name": b"duck"}
