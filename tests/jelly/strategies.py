"""Hypothesis strategies for values that may cross, among them shared and cyclic ones."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import likewise
from likewise.jelly.registry import Registry
from likewise.wire.tokens import LARGEST_INT
from tests import sexp


@likewise.copyable(name="strategies.Order")
@dataclass(eq=False)
class Order:
    what: Any
    count: Any = 1


class Copied(likewise.Copyable):
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def getTypeToCopy(self) -> str:
        return "strategies.Copied"


class Copy(likewise.RemoteCopy):
    pass


registry = Registry(Order)
registry.setUnjellyableForClass("strategies.Copied", Copy)

words = st.sampled_from(["", "None", "list", "message", "uncache", "éàü", "x" * 130, "a\x00b"])
texts = st.text(max_size=12) | words
raw = st.binary(max_size=12) | words.map(str.encode)
numbers = st.integers(-LARGEST_INT, LARGEST_INT) | st.integers(-200, 200)
floats = st.floats(allow_nan=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda value: (
        abs(value.as_tuple().exponent) <= 6144
        and len(value.as_tuple().digits) <= 134
        and (value or not value.is_signed())  # nor has it one for a negative zero
    )
)
times = (
    st.datetimes().map(lambda time: time.replace(fold=0))
    | st.dates()
    | st.times().map(lambda time: time.replace(fold=0))  # PB has no form for a fold
    | st.timedeltas(datetime.timedelta(-999_999), datetime.timedelta(999_999))
)
keys = st.none() | st.booleans() | numbers | texts | raw | floats | times
leaves = keys | decimals
frozen = st.recursive(keys, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(frozen, inner, max_size=4)
        | st.sets(frozen, max_size=4)
        | st.frozensets(frozen, max_size=4)
        | st.builds(Order, inner, inner)
        | st.builds(lambda one, other: Copied(one=one, other=other), inner, inner)
    )


trees = st.recursive(leaves | frozen, containers, max_leaves=25)
"""Values without sharing, but for what Python itself shares."""


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """A value whose parts are shared, and lead back to it in all ways that can exist."""
    nodes: list[Any] = [draw(st.sampled_from([[], {}, Order(None), Copied()]))]
    nodes[0] = type(nodes[0])(None) if isinstance(nodes[0], Order) else type(nodes[0])()
    for _ in range(draw(st.integers(0, 8))):
        some = st.sampled_from(nodes) | leaves
        kind = draw(st.sampled_from(["list", "dict", "tuple", "order", "copied", "set"]))
        if kind == "list":
            node: Any = draw(st.lists(some, max_size=3))
        elif kind == "dict":
            node = draw(st.dictionaries(keys, some, max_size=3))
        elif kind == "tuple":
            node = tuple(draw(st.lists(some, max_size=3)))
        elif kind == "order":
            node = Order(draw(some), draw(some))
        elif kind == "copied":
            node = Copied(a=draw(some), b=draw(some))
        else:
            node = {each for each in draw(st.lists(some, max_size=3)) if is_hashable(each)}
        nodes.append(node)
    for node in nodes:  # lead back: what is mutable may hold what was made later
        if draw(st.booleans()):
            target = draw(st.sampled_from(nodes))
            if isinstance(node, list):
                node.append(target)
            elif isinstance(node, dict):
                node["back"] = target
                if is_hashable(target) and isinstance(target, tuple):
                    node[target] = 1
            elif isinstance(node, Order):
                node.count = target
            elif isinstance(node, Copied):
                node.back = target
            elif isinstance(node, set) and is_hashable(target):
                node.add(target)
    return draw(st.sampled_from(nodes))


def is_hashable(value: Any) -> bool:
    """Whether a set takes it, now and when it comes out of a message: the same, for what these strategies make."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def same_graph(one: Any, other: Any) -> bool:
    """Whether two values are equal part for part, and share and lead back in the same places."""
    counterparts: dict[int, Any] = {}
    taken: dict[int, Any] = {}
    todo = [(one, other)]
    while todo:
        left, right = todo.pop()
        if id(left) in counterparts:
            if counterparts[id(left)] is not right:
                return False
            continue
        kind = Copy if type(left) is Copied else type(left)
        if type(right) is not kind:
            return False
        if isinstance(left, (list, tuple, dict, set, frozenset, Order, Copied)) and left != ():
            if id(right) in taken and left not in ((), frozenset()):
                return False
            counterparts[id(left)] = right
            taken[id(right)] = left
        if isinstance(left, (list, tuple)):
            if len(left) != len(right):
                return False
            todo.extend(zip(left, right, strict=True))
        elif isinstance(left, dict):
            if len(left) != len(right):
                return False
            for (key, value), (its_key, its_value) in zip(left.items(), right.items(), strict=False):
                todo += [(key, its_key), (value, its_value)]
        elif isinstance(left, (set, frozenset)):
            if len(left) != len(right) or members(left) != members(right):
                return False
        elif isinstance(left, (Order, Copied)):
            if list(vars(left)) != list(vars(right)):
                return False
            todo.extend(zip(vars(left).values(), vars(right).values(), strict=True))
        elif left != right:
            return False
    return True


def members(of: Any) -> list[str]:
    """What is in a set, as far as it can be told without identity."""
    return sorted("instance" if isinstance(each, (Order, Copied, Copy)) else shown(each) for each in of)


def shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(members(value))}}}"
    return "instance" if isinstance(value, (Order, Copied, Copy)) else f"{type(value).__name__} {value!r}"


noise = st.binary(max_size=200) | st.recursive(
    st.integers(-5, 40) | st.sampled_from([*sexp.VOCABULARY, b"unicode", b"boolean", b"set", b"frozenset", b"decimal"])
    | st.sampled_from([b"datetime", b"time", b"strategies.Order", b"strategies.Copied", b"what", b"true", b"1 2 3"])
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=30,
).map(sexp.encode)  # fmt: skip
"""Bytes: any at all, and such as look like jelly."""
