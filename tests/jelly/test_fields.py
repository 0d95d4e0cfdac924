"""Fields of copyable dataclasses, wherever they lie: in the dict, in slots, behind properties and descriptors."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.testing import Pair
from tests.jellies import read, state, text, written

HERE = __name__.encode()


class Whole:
    """A descriptor that has its value under another name."""

    def __init__(self, default: int) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self.default if instance is None else getattr(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if value < 0:
            raise ValueError("below zero")
        object.__setattr__(instance, self.name, int(value))


@likewise.copyable
@dataclass
class Item:
    name: str
    quantity: int = Whole(7)  # type: ignore[assignment]


@likewise.copyable
@dataclass
class Account:
    owner: str
    balance: int

    @property  # type: ignore[no-redef]
    def balance(self) -> int:
        return self._balance

    @balance.setter
    def balance(self, value: int) -> None:
        self._balance = value


class Cached:
    @functools.cached_property
    def total(self) -> int:
        return 12


@likewise.copyable
@dataclass(slots=True)
class Slotted(Cached):
    name: str


@likewise.copyable
@dataclass(frozen=True)
class Fixed(Cached):
    name: str


@likewise.copyable
@dataclass
class Late:
    name: str
    when: int = field(init=False)


@likewise.copyable
@dataclass
class ByDefault:
    name: str = "none"
    count: int = 3


def crossed(value: Any) -> Any:
    return read(written(value))


def test_a_field_behind_a_descriptor_crosses_by_its_name() -> None:
    arrived = crossed(Item("egg", 3))
    assert (arrived.name, arrived.quantity, vars(arrived)) == ("egg", 3, {"name": "egg", "_quantity": 3})
    assert read([HERE + b".Item", state(name=text("egg"))]).quantity == 7


def test_a_descriptor_may_refuse_what_came() -> None:
    class Root(likewise.Root):
        def remote_take(self, item: Item) -> None:
            raise AssertionError("it came in")

    sent = Item("egg")
    sent._quantity = -1  # type: ignore[attr-defined]
    pair = Pair(Root())
    result = pair.client.root.callRemote("take", sent)
    pair.run()
    assert isinstance(result.error, ValueError) or "below zero" in str(result.error)
    assert pair.client.is_open


def test_a_field_behind_a_property_is_set_by_its_setter() -> None:
    arrived = crossed(Account("ann", 5))
    assert (arrived.owner, arrived.balance, vars(arrived)) == ("ann", 5, {"owner": "ann", "_balance": 5})
    with pytest.raises(InsecureJelly, match="came without balance"):
        read([HERE + b".Account", state(owner=text("ann"))])
    with pytest.raises(InsecureJelly, match="balance takes int, not str"):
        read([HERE + b".Account", state(owner=text("ann"), balance=text("x"))])


def test_a_property_that_nothing_can_set_is_refused_when_the_class_is_made() -> None:
    @dataclass
    class Lonely:
        x: int = 0

    Lonely.x = property(lambda self: 5)  # type: ignore[assignment]
    with pytest.raises(TypeError, match="x is a property without a setter"):
        likewise.copyable(Lonely)


@pytest.mark.parametrize("cls", [Slotted, Fixed])
def test_what_else_an_instance_has_stays_behind(cls: Any) -> None:
    sent = cls("ann")
    assert sent.total == 12
    arrived = crossed(sent)
    assert arrived == sent and vars(arrived) == {} | ({"name": "ann"} if cls is Fixed else {})


def test_a_field_that_is_not_set_is_told_with_its_place() -> None:
    with pytest.raises(NotSendable, match=r"\[0\]\['late'\]\.when: .*Late has no value for this field") as caught:
        written([{"late": Late("ann")}])
    assert caught.value.path == "[0]['late'].when"


def test_a_field_that_was_deleted_is_sent_with_its_default() -> None:
    sent = ByDefault("ann", 5)
    del sent.count  # Python reads the default then
    assert crossed(sent) == ByDefault("ann", 3)


def test_a_field_that_is_no_argument_is_set_by_the_peer_all_the_same() -> None:
    """As the documentation says: what a peer may not set is no field."""
    assert read([HERE + b".Late", state(name=text("ann"), when=5)]).when == 5
    with pytest.raises(InsecureJelly, match="when takes int, not str"):
        read([HERE + b".Late", state(name=text("ann"), when=text("x"))])
