"""Named tuples arrive as what they are, in cycles too, and never cost more than tuples do."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple, Union

import pytest

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.jelly.registry import Registry
from likewise.limits import Limits
from likewise.wire.tokens import LIKEWISE_1
from tests import sexp
from tests.jellies import read, written
from tests.jelly.rich import Pair, Point, registry

Tree = Union[tuple["Tree", "Tree"], int]  # noqa: UP007


@likewise.copyable(name="named.Holder")
@dataclass
class Holder:
    tree: Tree


known = Registry(Point, Pair, Holder)


def crossed(value: Any) -> Any:
    return read(written(value, dialect=LIKEWISE_1), registry=registry)


@pytest.mark.parametrize(
    ("value", "jelly"),
    [
        (Pair(1, 2), "(rich.Pair (tuple 1 2))"),
        (Point(1.5, []), "(rich.Point (tuple 1.5 (list) (None)))"),
        ([Pair(1, 2)] * 2, "(list (rich.Pair (tuple 1 2)) (rich.Pair (tuple 1 2)))"),
    ],
    ids=repr,
)
def test_it_goes_as_a_tuple_behind_its_name(value: Any, jelly: str) -> None:
    data = written(value, dialect=LIKEWISE_1)
    if isinstance(value, list):
        jelly = "(list (reference 1 (rich.Pair (tuple 1 2))) (dereference 1))"
    assert data == sexp.encode(sexp.parse(jelly))
    back = read(data, registry=registry)
    assert back == value and type(back) is type(value)


def test_one_that_is_met_twice_arrives_as_one() -> None:
    one = Pair([], "x")
    back = crossed({"a": one, "b": [one], "c": Pair([], "x")})
    assert back["a"] is back["b"][0] and back["a"] is not back["c"]
    assert {type(each) for each in (back["a"], back["c"])} == {Pair}


def test_it_may_lead_back_to_itself() -> None:
    one = Pair([], {})
    other = Pair(one, (one,))
    one.one.append(one)
    one.other["other"] = other
    back = crossed([one, other])
    assert type(back[0]) is Pair and back[0].one[0] is back[0]
    assert back[0].other["other"] is back[1] and back[1].one is back[0] and back[1].other[0] is back[0]


def test_one_that_holds_itself_can_not_exist() -> None:
    for jelly in (
        "(reference 1 (rich.Pair (tuple (dereference 1) 2)))",
        "(reference 1 (rich.Pair (tuple 1 (tuple (rich.Pair (tuple 1 (dereference 1)))))))",
    ):
        with pytest.raises(InsecureJelly, match="that contains itself by way of nothing mutable can't exist"):
            read(jelly, registry=known)


@pytest.mark.parametrize(
    ("jelly", "text"),
    [
        ("(rich.Pair (tuple 1))", "rich.Pair came without other"),
        ("(rich.Pair (tuple 1 2 3))", "a tuple of at most 2 items is expected"),
        ("(rich.Pair (list 1 2))", "a tuple of at most 2 items"),
        ("(rich.Pair 1)", "a tuple of at most 2 items"),
        ("(rich.Pair (rich.Pair (tuple 1 2)))", "a tuple of at most 2 items"),
        ("(rich.Pair 1 2)", "takes the form"),
        ("(rich.Point (tuple 1.0))", "rich.Point came without marks"),
        ("(rich.Point (tuple (unicode x) (list)))", "rich.Point.x takes float, not str 'x'"),
        ("(rich.Point (tuple 1.0 (list 1.0 (unicode x))))", "rich.Point.marks takes list[float], not str 'x' at [1]"),
        (
            "(tuple (reference 1 (list (unicode x))) (rich.Point (tuple 1.0 (dereference 1))))",
            "rich.Point.marks takes list[float]",
        ),
        (
            "(reference 1 (rich.Point (tuple 1.0 (list (unicode x)) (list (dereference 1)))))",
            "rich.Point.marks takes list[float]",
        ),
    ],
)
def test_what_does_not_fit_is_refused(jelly: str, text: str) -> None:
    with pytest.raises(InsecureJelly) as caught:
        read(jelly, registry=known)
    assert text in str(caught.value)


def test_fields_at_the_end_that_did_not_come_get_their_defaults() -> None:
    assert read("(rich.Point (tuple 1.0 (list)))", registry=known) == Point(1.0, [], None)


@pytest.mark.parametrize(
    "jelly", ["(rich.Point (tuple 1 (list 2 3.0)))", "(list (reference 1 (rich.Point (tuple 1 (list 2 3.0)))))"]
)
def test_whole_numbers_become_floats_where_floats_are_meant(jelly: str) -> None:
    back = read(jelly, registry=known)
    point = back[0] if isinstance(back, list) else back
    assert point == Point(1.0, [2.0, 3.0]) and type(point.x) is float and type(point.marks[0]) is float


def test_fields_are_not_looked_at_where_that_was_switched_off() -> None:
    class Loose(NamedTuple):
        number: int

    likewise.copyable(name="test.Loose", strict=False)(Loose)
    assert read("(test.Loose (tuple (unicode x)))", registry=Registry(Loose)) == Loose("x")  # type: ignore[arg-type]


def test_the_code_of_its_class_is_not_run() -> None:
    class Made(namedtuple("Made", "number")):
        __slots__ = ()

        def __new__(cls, number: int) -> Any:
            raise AssertionError("not to be run")

        def __iter__(self) -> Any:
            raise AssertionError("nor this")

        def __len__(self) -> int:
            raise AssertionError("nor this")

    likewise.copyable(name="test.Made")(Made)
    data = written(tuple.__new__(Made, (7,)), dialect=LIKEWISE_1)
    back = read(data, registry=Registry(Made))
    assert type(back) is Made and back[0] == 7


def test_what_lies_beside_its_fields_is_not_left_behind_in_silence() -> None:
    class Wide(namedtuple("Wide", "number")):
        pass

    likewise.copyable(name="test.Wide")(Wide)
    one = Wide(1)
    assert type(read(written(one, dialect=LIKEWISE_1), registry=Registry(Wide))) is Wide
    one.more = 2  # type: ignore[attr-defined]
    with pytest.raises(NotSendable, match=r"a test\.Wide that has other attributes than its fields"):
        written(one, dialect=LIKEWISE_1)


def test_only_what_was_registered_arrives() -> None:
    class Quiet(NamedTuple):
        number: int

    with pytest.raises(NotSendable, match=r"is a named tuple: put @likewise.copyable above the class, or send tuple\(x\)"):
        written(Quiet(1), dialect=LIKEWISE_1)
    with pytest.raises(InsecureJelly, match=r"rich\.Pair is not registered"):
        read("(rich.Pair (tuple 1 2))", registry=Registry())


def test_the_path_to_what_can_not_be_sent_goes_through_it() -> None:
    with pytest.raises(NotSendable) as caught:
        written([Pair(1, [object()])], dialect=LIKEWISE_1)
    assert caught.value.path == "[0][1][0]"


def bomb(levels: int, inner: Any = 1) -> Any:
    """Named pairs, each of the one before it, twice."""
    jelly: Any = [b"reference", 1, [b"rich.Pair", [b"tuple", inner, inner]]]
    for n in range(2, levels):
        jelly = [b"reference", n, [b"rich.Pair", [b"tuple", jelly, [b"dereference", n - 1]]]]
    return jelly


def test_pairs_that_share_their_parts_are_not_hashed_anew_at_each_use() -> None:
    for jelly in ([b"set", bomb(40)], [b"dictionary", [bomb(40), 1]], [b"frozenset", [b"tuple", bomb(40)]]):
        with pytest.raises(InsecureJelly, match="hash_work"):
            read(jelly, registry=known, limits=Limits(unfolded_tuples=2**53))


def test_nor_left_for_a_method_to_print() -> None:
    with pytest.raises(InsecureJelly, match="unfolded_tuples"):
        read(bomb(40), registry=known)


def test_nor_looked_through_again_by_an_annotation_that_leads_back_to_itself() -> None:
    generous = Limits(unfolded_tuples=2**53, hash_work=2**53)
    jelly = bomb(28)
    assert read([b"named.Holder", [b"dictionary", [[b"unicode", b"tree"], jelly]]], registry=known, limits=generous)
    with pytest.raises(InsecureJelly, match=r"named\.Holder\.tree takes"):
        bad = bomb(28, 1.5)
        read([b"named.Holder", [b"dictionary", [[b"unicode", b"tree"], bad]]], registry=known, limits=generous)


def test_nor_compared_again_where_hashes_are_equal() -> None:
    few = Limits(hash_work=20_000)  # hashing them is worth 6,000
    key = lambda n: [b"rich.Pair", [b"tuple", n * (2**61 - 1), [b"tuple", *range(100)]]]  # noqa: E731
    with pytest.raises(InsecureJelly, match="hash_work"):
        read([b"set", *[key(n) for n in range(60)]], registry=known, limits=few)
