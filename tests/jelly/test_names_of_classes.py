"""One name on the wire stands for one class: two classes of one ``__name__`` in a module are told apart or refused."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

import pytest

import likewise
from likewise.jelly.registry import outgoing
from tests.jellies import read, written

HERE = __name__


@dataclass
class Order:
    @dataclass
    class Line:
        what: str


@dataclass
class Invoice:
    @dataclass
    class Line:
        what: str


def test_another_class_of_the_same_name_is_refused_and_the_remedy_named() -> None:
    likewise.copyable(Order.Line)
    with pytest.raises(TypeError) as caught:
        likewise.copyable(Invoice.Line)
    told = str(caught.value)
    assert f"{HERE}.Order.Line travels as '{HERE}.Line' already, so {HERE}.Invoice.Line can't" in told
    assert f"@likewise.copyable(name='{HERE}.Invoice.Line')" in told
    assert type(read(written(Order.Line("egg")))) is Order.Line
    assert Invoice.Line not in outgoing
    likewise.copyable(name=f"{HERE}.Invoice.Line")(Invoice.Line)
    assert type(read(written(Invoice.Line("egg")))) is Invoice.Line
    assert type(read(written(Order.Line("egg")))) is Order.Line


def test_a_class_that_was_refused_may_have_been_admitted_before() -> None:
    """Decorated again under a name that is taken, it stays what it was."""
    likewise.copyable(name="tests.first")(Order)
    likewise.copyable(name="tests.second")(Invoice)
    with pytest.raises(TypeError, match=r"travels as 'tests\.first' already"):
        likewise.copyable(name="tests.first")(Invoice)
    assert type(read(written(Invoice()))) is Invoice


def test_the_same_definition_run_again_takes_the_place_of_the_first() -> None:
    """As a reload does, and a notebook."""

    def define() -> Any:
        @likewise.copyable(name="tests.Again")
        @dataclass
        class Again:
            what: str = ""

        return Again

    define()
    again = define()
    assert type(read(written(again("egg")))) is again


class Dog:
    class Tag(likewise.RemoteCopy):
        pass

    class Sent(likewise.Copyable):
        pass

    class Lost(Exception):
        pass


class Cat:
    class Tag(likewise.RemoteCopy):
        pass

    class Sent(likewise.Copyable):
        pass

    class Lost(Exception):
        pass


def test_it_holds_for_all_that_a_registry_takes_by_its_own_name() -> None:
    for one, other in ((Dog.Tag, Cat.Tag), (Dog.Lost, Cat.Lost)):
        with pytest.raises(TypeError, match=r"travels as .* already"):
            likewise.Registry(one, other)
    registry = likewise.Registry(Dog.Tag)
    registry.accept(Cat.Tag, name="cat.Tag")
    assert set(registry.incoming) == {f"{HERE}.Tag".encode(), b"cat.Tag"}


def test_two_classes_of_the_sender_that_share_a_name_can_not_stand_for_two() -> None:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Dog.Sent, Dog.Tag)
    with pytest.raises(TypeError, match="a Copyable by getTypeToCopy"):
        registry.setUnjellyableForClass(Cat.Sent, Cat.Tag)
    registry.setUnjellyableForClass(Dog.Sent, Cat.Tag)  # the same class may come to stand for it otherwise
    registry.setUnjellyableForClass("cat.Sent", Cat.Tag)


def test_a_refused_class_is_kept_by_nothing() -> None:
    before = len(outgoing)
    for _ in range(3):
        with pytest.raises(TypeError):
            likewise.copyable(name=f"{HERE}.Line")(dataclass(type("Other", (), {"__annotations__": {}})))
    gc.collect()
    assert len(outgoing) == before
