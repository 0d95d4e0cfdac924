"""What annotations say, however written: bare containers, names that come later, unpacked tuples, TypedDicts, aliases."""

from __future__ import annotations

import sys
import time
import typing
from dataclasses import dataclass, field
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.jelly.annotations import check_for, fields_of
from likewise.jelly.expressions import jelly, unjelly
from likewise.limits import ALIAS_DEPTH
from tests.jellies import read, state

HERE = __name__


class Shape(typing.TypedDict):
    name: str
    corners: typing.NotRequired[list[Corner]]


class Corner(typing.TypedDict, total=False):
    x: float
    next: Shape


@likewise.copyable
@dataclass
class Node:
    children: list["Node"] = field(default_factory=list)  # noqa: UP037
    by_name: dict[str, "Node | None"] = field(default_factory=dict)  # noqa: UP037
    pair: typing.Tuple[int, "Node"] | None = None  # noqa: UP006, UP037
    shape: Shape | None = None
    json: Json = None


Json = typing.Union[list["Json"], dict[str, "Json"], str, int, None]  # noqa: UP007


@likewise.copyable
@dataclass
class Sized:
    width: float
    sizes: list[float] = field(default_factory=list)
    whole: int | float = 0
    count: int = 0
    corner: Corner = field(default_factory=lambda: Corner())
    place: tuple[float, int] = (0.0, 0)
    by_name: dict[str, list[float | None]] = field(default_factory=dict)
    unique: frozenset[float] = frozenset()


def crossed(value: Any) -> Any:
    return unjelly(jelly(value))


def refusal(value: Any) -> str:
    with pytest.raises(InsecureJelly) as caught:
        crossed(value)
    return str(caught.value)


BARE = [
    (typing.List, [1, "x"], (1,)),  # noqa: UP006
    (typing.Dict, {1: "x"}, []),  # noqa: UP006
    (typing.Tuple, (1, "x"), [1]),  # noqa: UP006
    (typing.Set, {1}, [1]),  # noqa: UP006
    (typing.FrozenSet, frozenset(), set()),  # noqa: UP006
    (typing.Sequence, [1], {1: 1}),
    (typing.Mapping, {1: 1}, [1]),
    (typing.MutableSequence, [1], (1,)),
    (typing.Iterable, [1], 1),
    (typing.Collection, {1}, 1),
]


@pytest.mark.parametrize(("annotation", "right", "wrong"), BARE, ids=lambda each: str(each))
def test_a_container_without_what_is_in_it_takes_any_such_container(annotation: Any, right: Any, wrong: Any) -> None:
    check = check_for(annotation)
    assert check is not None
    assert check.holds(right, None) and not check.holds(wrong, None)
    check = check_for(dict[str, annotation])
    assert check is not None
    assert check.holds({"a": right}, {}) and not check.holds({"a": wrong}, {})


UNPACKED = [
    (tuple[int, *tuple[str, ...]], [(1,), (1, "a", "b")], [(), ("a",), (1, 2), (1, "a", 2)]),
    (tuple[*tuple[str, ...], int], [(1,), ("a", 1)], [(), ("a",), (1, 1)]),
    (tuple[int, *tuple[str, int], int], [(1, "a", 2, 3)], [(1, "a", 2), (1, 2, 2, 3)]),
    (tuple[int, typing.Unpack[tuple[str, ...]]], [(1,), (1, "a")], [(1, 2)]),  # noqa: UP044
    (tuple[()], [()], [(1,)]),
]


@pytest.mark.parametrize(("annotation", "right", "wrong"), UNPACKED, ids=lambda each: str(each)[:40])
def test_an_unpacked_tuple_stands_for_its_items(annotation: Any, right: list[Any], wrong: list[Any]) -> None:
    check = check_for(annotation)
    assert check is not None
    assert [check.holds(value, None) for value in right] == [True] * len(right)
    assert [check.holds(value, None) for value in wrong] == [False] * len(wrong)


def test_names_within_annotations_are_looked_through() -> None:
    whole = Node([Node(), Node()], {"a": Node(), "b": None}, (1, Node()))
    assert crossed(whole) == whole
    assert f"{HERE}.Node.children takes list[Node], not int 5 at [1]" in refusal(Node([Node(), 5]))  # type: ignore[list-item]
    assert "by_name takes dict[str, Node | None], not str 'x' at ['a']" in refusal(Node(by_name={"a": "x"}))  # type: ignore[dict-item]
    assert "pair takes " in refusal(Node(pair=(1, 2)))  # type: ignore[arg-type]


def test_the_keys_of_a_typed_dict_are_looked_at() -> None:
    shape = Shape(name="a", corners=[{"x": 1.5}, {"next": {"name": "b"}}])
    assert crossed(Node(shape=shape)).shape == shape
    assert "shape takes Shape | None, not dict without key 'name'" in refusal(Node(shape={}))  # type: ignore[typeddict-item]
    assert "not str 'x' at ['corners'][0]['x']" in refusal(Node(shape={"name": "a", "corners": [{"x": "x"}]}))  # type: ignore[typeddict-item]
    assert "not int 5 at ['corners'][0]['next']['name']" in refusal(
        Node(shape={"name": "a", "corners": [{"next": {"name": 5}}]})  # type: ignore[typeddict-item]
    )
    assert crossed(Node(shape={"name": "a", "more": 1})).shape == {"name": "a", "more": 1}  # type: ignore[typeddict-unknown-key]


def test_an_annotation_that_leads_to_itself_takes_a_tree_of_bounded_depth() -> None:
    tree: Any = [1, {"a": [None, "x"]}, [[]]]
    assert crossed(Node(json=tree)).json == tree
    assert "json takes " in refusal(Node(json=[1, [1.5]]))  # type: ignore[list-item]
    check = check_for("list[Tree] | int", {"Tree": "list[Tree] | int"})
    assert check is not None
    deep: Any = 1
    for _ in range(ALIAS_DEPTH - 1):
        deep = [deep]
    assert check.holds(deep, None) and check.holds(deep, {})
    for _ in range(2):
        deep = [deep]
    for seen in (None, {}):
        with pytest.raises(InsecureJelly, match="too deep to be checked"):
            check.holds(deep, seen)
    circle: list[Any] = []
    circle.append(circle)
    assert not check.holds(circle, {})


def test_what_shares_its_parts_is_looked_at_once_under_an_annotation_that_leads_to_itself() -> None:
    bomb: Any = [1, 2]
    for _ in range(60):
        bomb = [bomb, bomb]
    assert crossed(Node(json=bomb)).json is not None
    began = time.perf_counter()
    bomb = [1.5, 2]
    for _ in range(60):
        bomb = [bomb, bomb]
    assert "json takes " in refusal(Node(json=bomb))
    assert time.perf_counter() - began < 20.0  # not 2**60 steps


def test_a_long_tuple_that_is_shared_is_looked_through_once() -> None:
    check = check_for(list[tuple[int, *tuple[float, ...]]])
    assert check is not None
    long = (1,) * 200_000
    began = time.perf_counter()
    seen: Any = {}
    assert check.holds([long] * 2_000, seen)
    made = check.to_float([long] * 2_000, seen, False)
    assert made[0] is made[1] and type(made[0][1]) is float
    assert time.perf_counter() - began < 20.0  # not 400 million steps


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement came with Python 3.12")
def test_an_alias_made_by_the_statement_is_looked_through_with_bounded_work() -> None:
    names: dict[str, Any] = {"__name__": HERE}
    exec("type Tree = list[Tree] | tuple[Tree, ...] | int\ntype Pairs[T] = dict[str, T]", names)
    check = check_for(names["Tree"])
    assert check is not None
    bomb: Any = (1, 2)
    for _ in range(60):
        bomb = (bomb, bomb)
    assert check.holds(bomb, None) and not check.holds((bomb, "x"), None)
    pairs = check_for(names["Pairs"][int])
    assert pairs is not None and pairs.holds({"a": "any"}, None) and not pairs.holds([], None)


# --- whole numbers


def test_a_whole_number_becomes_a_float_where_one_is_meant() -> None:
    """Peers whose language has one kind of number send 2.0 as 2."""
    corner: Corner = {"x": 6, "next": {"name": "a", "corners": [{"next": {"name": "b", "corners": [{"x": 7}]}}]}}
    sent = Sized(2, [1, 2.5, 3], 4, 5, corner, (7, 8), {"a": [9, None]}, frozenset([10]))
    got = crossed(sent)
    assert got == sent
    assert type(got.width) is float
    assert [type(each) for each in got.sizes] == [float] * 3
    assert type(got.whole) is int and type(got.count) is int
    assert type(got.corner["x"]) is float
    inner = got.corner["next"]["corners"][0]["next"]["corners"][0]
    assert type(inner["x"]) is float
    assert [type(each) for each in got.place] == [float, int]
    assert type(got.by_name["a"][0]) is float
    assert type(next(iter(got.unique))) is float


def test_a_whole_number_that_no_float_is_stays_what_it_is() -> None:
    for large in (2**53 + 1, 2**447):
        got = crossed(Sized(large))
        assert got.width == large and (type(got.width) is int) == (int(float(large)) != large)
    assert crossed(Sized(True)).width is True  # a bool is an int, as type checkers have it


def test_a_list_that_is_shared_is_still_the_same_list_afterwards() -> None:
    shared: list[float] = [1, 2]
    first, second = crossed([Sized(0, shared), Sized(0, shared)])
    assert first.sizes is second.sizes and list(map(type, first.sizes)) == [float, float]


def test_floats_are_made_of_whole_numbers_in_checked_methods() -> None:
    class Shop(likewise.Root):
        @likewise.checked
        def remote_pay(self, much: float, parts: list[float], count: int) -> str:
            return f"{much!r} {parts!r} {count!r}"

    assert Shop().remote_pay(2, [1, 2.5], 3) == "2.0 [1.0, 2.5] 3"


def test_names_from_another_module_are_looked_up_there() -> None:
    @dataclass
    class Derived(Sized):
        more: int = 0

    fields = fields_of(Derived, "d")
    assert set(fields.checks) == {each for each in Derived.__dataclass_fields__}


def test_a_field_named_as_its_type_is_checked_by_the_type() -> None:
    made = likewise.copyable(name="tests.Named")(dataclass(Named))
    assert read([b"tests.Named", state(int=5)]) == made(5)
    with pytest.raises(InsecureJelly, match="int takes int"):
        read([b"tests.Named", state(int=[b"unicode", b"x"])])


class Named:
    int: int = 3
