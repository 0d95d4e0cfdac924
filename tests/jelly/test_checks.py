"""What annotations let in: fields of copyable dataclasses, and arguments of methods that ask for it."""

from __future__ import annotations

import datetime
import decimal
import time
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import pytest

import likewise
from likewise.jelly.annotations import check_for
from likewise.jelly.checked import checked
from likewise.jelly.expressions import jelly, unjelly
from likewise.testing import Pair

if TYPE_CHECKING:
    from somewhere_else import Unknown


@likewise.copyable
@dataclass
class Line:
    what: str
    count: int = 1


@likewise.copyable
@dataclass
class Order:
    lines: list[Line]
    note: str | None = None
    tags: dict[str, list[int]] = field(default_factory=dict)
    sloppy: int = None  # type: ignore[assignment]  # as people write it
    parent: Order | None = None
    anything: Any = 0
    unknown: Unknown = 0  # type: ignore[assignment]
    protocol: typing.SupportsInt = 0


@likewise.copyable(strict=False)
@dataclass
class Loose:
    count: int


@likewise.copyable
@dataclass(frozen=True, slots=True)
class Slotted:
    count: int


def crossed(value: Any) -> Any:
    return unjelly(jelly(value))


def refusal(value: Any) -> str:
    with pytest.raises(likewise.InsecureJelly) as caught:
        crossed(value)
    return str(caught.value)


ORDER = "tests.jelly.test_checks.Order"


def test_what_fits_arrives() -> None:
    order = Order([Line("duck", 2)], "quick", {"a": [1, 2]}, 5, Order([]), {"x"}, b"?", "no int")
    assert crossed(order) == order
    assert crossed(Order([])).sloppy is None


def test_a_wrong_type_is_refused_and_named() -> None:
    assert refusal(Line("duck", "two")) == "tests.jelly.test_checks.Line.count takes int, not str 'two'"  # type: ignore[arg-type]
    assert refusal(Line(None, 1)) == "tests.jelly.test_checks.Line.what takes str, not NoneType"  # type: ignore[arg-type]
    assert refusal(Order(5)) == f"{ORDER}.lines takes list[Line], not int 5"  # type: ignore[arg-type]
    assert refusal(Order([Line("a"), "b"])) == f"{ORDER}.lines takes list[Line], not str 'b' at [1]"  # type: ignore[list-item]
    assert refusal(Order([], 5)) == f"{ORDER}.note takes str | None, not int 5"  # type: ignore[arg-type]
    assert refusal(Order([], tags={"a": [1, 2.5]})).endswith("takes dict[str, list[int]], not float 2.5 at ['a'][1]")  # type: ignore[list-item]
    assert refusal(Order([], tags={b"a": []})).endswith("takes dict[str, list[int]], not bytes b'a' at key")  # type: ignore[dict-item]
    assert refusal(Order([], sloppy="5")) == f"{ORDER}.sloppy takes int | None, not str '5'"  # type: ignore[arg-type]
    assert refusal(Order([], parent=Line("x"))) == f"{ORDER}.parent takes Order | None, not Line"  # type: ignore[arg-type]


def test_what_is_long_is_not_repeated() -> None:
    assert len(refusal(Line("duck", "x" * 100_000))) < 300  # type: ignore[arg-type]


def test_strict_false_lets_anything_in() -> None:
    assert crossed(Loose("five")).count == "five"  # type: ignore[arg-type]


def test_slots_are_checked_too() -> None:
    assert crossed(Slotted(5)) == Slotted(5)
    assert "count takes int" in refusal(Slotted("5"))  # type: ignore[arg-type]


def test_a_list_that_is_still_being_read_is_checked_when_it_is_whole() -> None:
    lines: list[Any] = []
    lines += [Order(lines), "no line"]
    assert "takes list[Line]" in refusal(lines)
    good: list[Any] = [Line("a")]
    assert crossed([good, Order(good), good])[1].lines == good


def test_a_registry_of_its_own_checks_as_well() -> None:
    with pytest.raises(likewise.InsecureJelly, match="count takes int"):
        unjelly(jelly(Line("a", "b")), likewise.Registry(Line))  # type: ignore[arg-type]


YES = [
    (int, 5, True),
    (int, True, True),
    (int, 5.0, False),
    (float, 5, True),
    (float, "5", False),
    (bool, 1, False),
    (str, b"x", False),
    (bytes, "x", False),
    (None, None, True),
    (Optional[int], None, True),  # noqa: UP045  # both spellings are out there
    (Union[int, str], "x", True),  # noqa: UP007
    (int | list[str], ["x"], True),
    (int | list[str], [1], False),
    (list, [object()], True),
    (list[Any], [object()], True),
    (list[int], (1,), False),
    (list[list[int]], [[1], [2]], True),
    (list[list[int]], [[1], ["2"]], False),
    (tuple[int, str], (1, "x"), True),
    (tuple[int, str], (1,), False),
    (tuple[int, str], ("x", 1), False),
    (tuple[int, ...], (1, 2, 3), True),
    (tuple[int, ...], (1, "2"), False),
    (tuple[()], (), True),
    (tuple[()], (1,), False),
    (set[int], {1}, True),
    (set[int], {"1"}, False),
    (frozenset[str], frozenset("a"), True),
    (dict[str, int], {"a": 1}, True),
    (dict[str, int], {1: 1}, False),
    (dict[str, Any], {"a": object()}, True),
    (Sequence[int], (1, 2), True),
    (Sequence[int], [1, "2"], False),
    (Iterable[int], {1}, True),
    (Mapping[str, int], {"a": "b"}, False),
    (Literal["a", 1], "a", True),
    (Literal["a", 1], True, False),
    (datetime.date, datetime.date(2020, 1, 1), True),
    (datetime.datetime, datetime.date(2020, 1, 1), False),
    (decimal.Decimal, 5, False),
    (typing.Annotated[int, "x"], "5", False),
    (typing.NewType("Id", int), "5", False),
    (typing.TypedDict("Shape", {"x": int}), {"x": 1}, True),
    (likewise.RemoteReference, 5, False),
]


@pytest.mark.parametrize(("annotation", "value", "fits"), YES, ids=[f"{a} {v!r:.20}" for a, v, _ in YES])
def test_an_annotation_fits(annotation: Any, value: Any, fits: bool) -> None:
    check = check_for(annotation)
    assert check is not None
    assert check.holds(value, None) is fits
    assert check.holds(value, {}) is fits


class Unregistered:
    pass


@pytest.mark.parametrize(
    "annotation",
    [Any, object, typing.TypeVar("T"), Unregistered, likewise.Referenceable, int | Unregistered, type[int], "text"],
)
def test_what_can_not_be_told_is_not_checked(annotation: Any) -> None:
    assert check_for(annotation) is None


def test_an_alias_that_leads_to_itself_ends() -> None:
    annotation: Any = int
    for _ in range(100):
        annotation = list[annotation]
    check = check_for(annotation)
    assert check is not None and check.holds([], None)


# --- work


def test_a_container_that_is_shared_is_looked_through_once() -> None:
    long = [[0] * 2_000] * 2_000
    for annotation, value, fits in (
        (list[list[int]], long, True),
        (list[list[int] | None], long, True),
        (list[list[str] | list[int]], long, True),
        (list[list[int] | list[str]], [[0] * 2_000 + ["x"]] * 2_000, False),
        (tuple[list[list[int]], ...], (long,) * 500, True),
    ):
        check = check_for(annotation)
        assert check is not None
        began = time.perf_counter()
        assert check.holds(value, {}) is fits
        check.offender(value, {})
        assert time.perf_counter() - began < 0.5


def test_dataclasses_that_share_a_list_look_through_it_once() -> None:
    lines = [Line("x")] * 3_000
    orders = [Order(lines) for _ in range(1_000)]
    began = time.perf_counter()
    assert len(crossed(orders)) == 1_000
    assert time.perf_counter() - began < 5.0


# --- methods


@checked
class Shop(likewise.Root):
    def remote_order(self, what: str, count: int = 1, *more: str, gift: bool = False, **rest: int) -> str:
        return f"{count} {what}"

    async def remote_later(self, lines: list[Line]) -> int:
        return len(lines)

    def remote_loose(self, what, how: Any) -> str:  # type: ignore[no-untyped-def]
        return "taken"

    def helper(self, count: int) -> int:
        return count


class Half(likewise.Root):
    @likewise.checked
    def remote_strict(self, count: int) -> int:
        return count

    def remote_loose(self, count: int) -> int:
        return count


def outcome(root: likewise.Root, name: str, *args: Any, **kwargs: Any) -> Any:
    pair = Pair(root)
    result = pair.client.root.callRemote(name, *args, **kwargs)
    pair.run()
    return str(result.error) if result.error is not None else result.value


def test_arguments_of_a_checked_class_are_checked() -> None:
    shop = Shop()
    assert outcome(shop, "order", "duck", 2, "x", gift=True, tip=3) == "2 duck"
    assert outcome(shop, "order", 5) == "remote_order: what takes str, not int 5"
    assert outcome(shop, "order", "duck", "two") == "remote_order: count takes int, not str 'two'"
    assert outcome(shop, "order", "duck", 1, "x", 2) == "remote_order: argument 4 takes str, not int 2"
    assert outcome(shop, "order", "duck", gift="yes") == "remote_order: gift takes bool, not str 'yes'"
    assert outcome(shop, "order", "duck", tip="much") == "remote_order: tip takes int, not str 'much'"
    assert outcome(shop, "loose", 1, 2) == "taken"
    assert "missing" in outcome(shop, "order")
    assert outcome(shop, "later", [Line("a")]) == 1
    assert outcome(shop, "later", [Line("a"), 5]) == "remote_later: lines takes list[Line], not int 5 at [1]"
    assert shop.helper("not remote") == "not remote"  # type: ignore[arg-type]


def test_a_checked_method_beside_one_that_is_not() -> None:
    assert outcome(Half(), "strict", "x") == "remote_strict: count takes int, not str 'x'"
    assert outcome(Half(), "loose", "x") == "x"
    assert Half.remote_strict.__name__ == "remote_strict"


def test_the_method_of_a_refused_call_is_not_run_and_the_error_is_the_callers() -> None:
    ran = []

    class Root(likewise.Root):
        @checked
        def remote_run(self, count: int) -> None:
            ran.append(count)

    pair = Pair(Root())
    result = pair.client.root.callRemote("run", "x")
    pair.run()
    assert isinstance(result.error, likewise.InsecureJelly) and ran == []


def test_a_text_is_still_a_text() -> None:
    """The annotation of ``str`` lets no bytes in: old peers send both, a strict class says which it takes."""
    assert "what takes str, not bytes b'duck'" in refusal(Line(b"duck"))  # type: ignore[arg-type]
