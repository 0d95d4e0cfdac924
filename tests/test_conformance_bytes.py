"""
Any graph of built-in values and copies: our bytes equal Twisted's, and we read what Twisted writes.

The graphs share parts and run in circles. Twisted's own codec runs beside ours in this process.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.python import reflect
from twisted.spread import pb

import likewise
from likewise.errors import RemoteError
from likewise.jelly.decoder import Decoder
from likewise.jelly.encoder import Encoder
from likewise.jelly.expressions import to_frame
from likewise.limits import Limits
from likewise.objects.error_state import error_names, names_and_text
from likewise.objects.failures import Failure
from likewise.wire.framer import Framer
from likewise.wire.tokens import NONE, PB, Dialect
from likewise.wire.writer import spell_out
from tests.interop import surface


class Frog(likewise.Copyable, likewise.RemoteCopy):
    __module__ = "conformance"


class TwistedFrog(pb.Copyable):
    """Twisted's original of a Frog, under the same name."""

    __module__ = "conformance"


TwistedFrog.__name__ = "Frog"

ADMITTED = likewise.Registry(Frog)


def by_twisted(value: Any, dialect: str = "pb") -> bytes:
    """The bytes that a Twisted peer sends for a value."""
    broker = pb.Broker()
    broker.transport = io.BytesIO()
    broker.currentDialect = dialect.encode()
    broker.setPrefixLimit(64)
    broker.sendEncoded(broker.serialize(value))
    written: bytes = broker.transport.getvalue()
    return written


def by_us(value: Any, dialect: Dialect = PB) -> bytes:
    """The bytes that our broker puts into a message for a value."""
    encoder = Encoder(None, None, 250, dialect)
    encoder.encode(value)
    pieces = encoder.written()
    if dialect is NONE:  # which is how the broker comes by it
        framer = Framer(Limits())
        framer.speak(PB)
        pieces = spell_out([b"".join(pieces)], framer)
    return b"".join(pieces)


def read(data: bytes) -> Any:
    return Decoder(to_frame(data), ADMITTED, None, Limits()).decode()


def describe(value: Any) -> str:
    def fields(x: Any) -> tuple[str, dict[str, Any]] | None:
        return ("Frog", vars(x)) if type(x) in (Frog, TwistedFrog) else None

    return surface.describe(value, fields, lambda x: f"? {type(x).__name__}")


# --- graphs -----------------------------------------------------------------------------------------------------

WORDS = ["list", "None", "tuple", "reference", "unicode", "boolean", "true", "remote", "uncache", "dictionary"]
UNFOLDED = st.datetimes().map(lambda time: time.replace(fold=0)), st.times().map(lambda time: time.replace(fold=0))
NAIVE = *UNFOLDED, st.dates(), st.timedeltas()  # PB has no form for a fold
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**448) + 1, 2**448 - 1),
    st.integers(-200, 200),
    st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1]),
    st.floats(),
    st.binary(max_size=200),
    st.text(max_size=200),
    st.sampled_from(WORDS + [word.encode() for word in WORDS]),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30).map(
        lambda value: value or value.copy_abs()  # nor for a negative zero
    ),
    *NAIVE,
)
keys = st.one_of(st.text(max_size=5), st.binary(max_size=5), st.integers(), st.tuples(st.integers(), st.text(max_size=3)))
KINDS = ("list", "tuple", "dict", "set", "frozenset", "frog")
names = st.sampled_from(["name", "legs", "friends", "list", "caf\u00e9"])
parts = st.lists(st.tuples(st.one_of(leaves, st.integers(0, 7).map(lambda i: ("node", i))), keys, names), max_size=5)
graphs = st.lists(st.tuples(st.sampled_from(KINDS), parts), min_size=1, max_size=8)


def build(graph: list[Any], new_frog: Callable[[], Any]) -> Any:
    """
    The value that a drawn graph stands for; ``("node", i)`` is its i-th container.

    What can change refers to any container, so there are circles through tuples too; a tuple refers to what can
    change and to earlier tuples.
    """
    nodes: dict[int, Any] = {}
    make = {"list": list, "dict": dict, "set": set, "frog": new_frog}
    for i, (kind, _) in enumerate(graph):
        if kind in make:
            nodes[i] = make[kind]()

    def part(item: Any) -> Any:
        is_node = isinstance(item, tuple) and item and item[0] == "node"
        return nodes.get(item[1] % len(graph)) if is_node else item

    for i, (kind, items) in enumerate(graph):
        if kind == "tuple":
            nodes[i] = tuple(part(item) for item, _, _ in items)
        elif kind == "frozenset":
            nodes[i] = frozenset(key for _, key, _ in items)
    for i, (kind, items) in enumerate(graph):
        for item, key, name in items:
            if kind == "list":
                nodes[i].append(part(item))
            elif kind == "dict":
                nodes[i][key] = part(item)
            elif kind == "set":
                nodes[i].add(key)
            elif kind == "frog":
                setattr(nodes[i], name, part(item))
    return nodes[0]


@settings(deadline=None, max_examples=400)
@given(graph=graphs)
def test_any_graph_gives_the_bytes_that_twisted_gives(graph: list[Any]) -> None:
    assert by_us(build(graph, Frog)) == by_twisted(build(graph, TwistedFrog))


@settings(deadline=None)
@given(graph=graphs)
def test_any_graph_gives_the_bytes_that_twisted_gives_without_a_vocabulary(graph: list[Any]) -> None:
    assert by_us(build(graph, Frog), NONE) == by_twisted(build(graph, TwistedFrog), "none")


# A tuple that holds a copy that holds the tuple, where the word "dictionary" of the state is spelled out.
CIRCLE = [
    ("list", [(("node", 1), "", "name")]),
    ("tuple", [(("node", 2), "", "name")]),
    ("frog", [(("node", 1), "", "name")]),
]


@settings(deadline=None, max_examples=400)
@given(graph=graphs, dialect=st.sampled_from(["pb", "none"]))
@example(graph=CIRCLE, dialect="pb")
@example(graph=CIRCLE, dialect="none")
def test_any_graph_of_twisted_s_arrives_whole(graph: list[Any], dialect: str) -> None:
    value = build(graph, TwistedFrog)
    assert describe(read(by_twisted(value, dialect))) == describe(value)


# --- names ------------------------------------------------------------------------------------------------------


class Outer:
    class Trouble(likewise.Error):
        """Defined inside another class, where ``__name__`` and ``__qualname__`` differ."""


@pytest.mark.parametrize("error", [Outer.Trouble, ValueError, UnicodeDecodeError, type("Local", (KeyError,), {})])
def test_an_exception_has_the_names_that_twisted_gives_it(error: type[BaseException]) -> None:
    names = error_names(error)
    assert names[0] == reflect.qual(error)
    assert RemoteError(names[0], "", parents=tuple(names)).check(*error.__mro__[:1])
    theirs = {reflect.qual(base) for base in error.__mro__ if not base.__module__.startswith("likewise")}
    assert set(names) - {"twisted.spread.pb.Error"} == theirs


def test_an_error_that_is_passed_on_stays_what_it_was() -> None:
    passed_on = RemoteError("far.Away", "text", parents=("far.Away", "builtins.Exception"))
    state = Failure(passed_on).state(*names_and_text(passed_on), {})
    assert (state["type"], state["value"], state["parents"]) == (b"far.Away", "text", ["far.Away", "builtins.Exception"])


def test_an_error_of_our_own_has_its_name_where_twisted_has_none() -> None:
    assert error_names(likewise.ConnectionClosed)[0] == "likewise.errors.ConnectionClosed"
    assert error_names(likewise.NotSendable)[0] == "twisted.spread.jelly.InsecureJelly"
