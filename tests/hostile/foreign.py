"""
H-21, H-22, M-21, M-22: types of other packages, whose own code looks at what a peer has sent.

:func:`add` registers them for both targets.
"""

from __future__ import annotations

from typing import Any

import attrs
import pydantic

import likewise
import likewise.adapters.numpy
from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.own_forms import endless
from tests.hostile.raw import Peer, dictionary, text


def no_words(instance: Any, attribute: Any, value: list[Any]) -> None:
    if "evil" in value:
        raise ValueError("an evil word")


@attrs.define
class Bag:
    """Keeps the very list that it is given."""

    words: list[Any] = attrs.field(factory=list, validator=no_words)


class Node(pydantic.BaseModel):
    """A list of numbers, and a name."""

    tree: list[str] = []
    name: str = pydantic.Field(default="", max_length=10)


class Tree(pydantic.RootModel[Any]):
    """Lists in lists, walked by a validator."""

    @pydantic.field_validator("root", mode="before")
    @classmethod
    def walk(cls, value: Any) -> Any:
        return [Tree(item) for item in value] if isinstance(value, list) else value


class Foreign:
    """Made of a state that is looked at leaf by leaf."""

    def __init__(self, leaves: int = 0) -> None:
        self.leaves = leaves


def count(value: Any) -> int:
    return sum(map(count, value)) if isinstance(value, list) else 1


def from_state(state: Any) -> Foreign:
    return Foreign(count(state))


def add() -> None:
    """Register the classes."""
    likewise.copyable(name="hostile.Bag", strict=False)(Bag)
    likewise.copyable(name="hostile.Node")(Node)
    likewise.copyable(name="hostile.Forest")(Tree)
    likewise.adopt(Foreign, to_state=lambda foreign: [], from_state=from_state, name="hostile.Foreign")
    likewise.adapters.numpy.register()


def late(tag: bytes, state: Any) -> Any:
    """A list that holds an object made of that list, and behind it what the object has not seen."""
    return [b"reference", 1, [b"list", [tag, state], text("evil")]]


@case("H-21", "nothing is put into what a validator has seen while the message is read")
def behind_the_back(server: Server) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"echo", [b"hostile.Bag", dictionary({"words": [b"list", text("evil")]})]), text="evil")
        bag = late(b"hostile.Bag", dictionary({"words": [b"dereference", 1]}))
        refuses(peer, peer.call(b"echo", bag), text="leads back")
        by_way = [b"reference", 2, [b"list", [b"dereference", 1]]]
        hidden = [b"reference", 1, [b"list", by_way, [b"hostile.Bag", dictionary({"words": [b"dereference", 2]})]]]
        refuses(peer, peer.call(b"echo", hidden), text="leads back")
        refuses(peer, peer.call(b"echo", late(b"hostile.Foreign", [b"dereference", 1])), text="leads back")
        serves(peer)


@case("H-21", "nor is what a constructor makes itself taken from a peer, or a name of another class's")
def not_its_fields(server: Server) -> None:
    with Peer(server.port) as peer:
        for name in ("__pydantic_private__", "__pydantic_fields_set__", "__class__", "model_config", "validate", "__dict__"):
            refuses(peer, peer.call(b"echo", [b"hostile.Node", dictionary({name: 1})]), text="has no field")
        for state in (1, text("x"), [b"list"], [b"tuple", 1], b"x"):
            refuses(peer, peer.call(b"echo", [b"hostile.Node", state]), text="must be a dictionary")
        refuses(peer, peer.call(b"echo", [b"hostile.Node", dictionary({"name": text("x" * 100)})]), text="at most 10")
        serves(peer)


BOMBS = {
    "a model": lambda bomb: [b"hostile.Forest", dictionary({"root": bomb})],
    "a class of attrs": lambda bomb: [b"hostile.Bag", dictionary({"words": bomb})],
    "an adopted type": lambda bomb: [b"hostile.Foreign", bomb],
}


@cases("H-22", "what would be walked 2^40 times by code that is not ours is not handed to it", BOMBS, cpu=1.0)
def walked_without_end(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        for _ in range(20):
            refuses(peer, peer.call(b"echo", value(endless())), text="rebuilt_bytes")
        large = [b"reference", 1, [b"list", *range(3_000)]]
        many = [b"list", large, *[value([b"dereference", 1])] * 1_000]
        refuses(peer, peer.call(b"echo", many), text="rebuilt_bytes")
        serves(peer)


@case("M-21", "a model that finds a hundred thousand faults tells of how many there are", cpu=3.0)
def many_faults(server: Server) -> None:
    with Peer(server.port) as peer:
        wrong = [b"hostile.Node", dictionary({"tree": [b"list", *range(20_000)], "name": 3})]
        refuses(peer, peer.call(b"echo", wrong), text="refuses what came for it")
        serves(peer)


ARRAYS = {
    "bytes that do not add up": (b"<f8", (1 << 40,), b"C", b"12345678"),
    "no bytes for much": (b"|S0", (1 << 40,), b"C", b""),
    "objects": (b"|O", (1,), b"C", b"12345678"),
    "texts that are none": (b"<U1", (1,), b"C", b"\xff\xff\xff\xff"),
    "negative": (b"<f8", (-1, -1), b"C", b"12345678"),
    "more dimensions than there are": (b"<f8", (1,) * 1_000, b"C", b"12345678"),
}


@cases("M-22", "an array whose bytes are not what it says fails the call, and nothing is reserved for it", ARRAYS)
def arrays(server: Server, value: Any) -> None:
    name, shape, order, data = value
    with Peer(server.port) as peer:
        state = [b"tuple", text(name.decode()), [b"tuple", *shape], text(order.decode()), data]
        refuses(peer, peer.call(b"echo", [b"numpy.ndarray", state]), text="array")
        refuses(peer, peer.call(b"echo", [b"numpy.generic", [b"tuple", text(name.decode()), data + b"1"]]))
        serves(peer)


__all__ = ("add",)
