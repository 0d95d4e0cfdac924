"""Values that likewise-1 has a form for, and PB has not: they arrive as they were, and only what is one is taken for one."""

from __future__ import annotations

import datetime
import decimal
import fractions
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.limits import FRACTION_BITS, NAN_DIGITS, Limits
from likewise.wire.tokens import LIKEWISE_1, NONE, PB, Dialect
from tests.jellies import read, written
from tests.jelly import rich


def crossed(value: Any) -> Any:
    return read(written(value, dialect=LIKEWISE_1), registry=rich.registry)


@given(rich.values)
def test_a_value_arrives_with_its_type_and_all_that_it_says(value: Any) -> None:
    assert rich.same(value, crossed(value))


@given(st.lists(rich.values, max_size=3), rich.values)
def test_so_it_does_inside_of_containers_and_as_a_key(values: list[Any], value: Any) -> None:
    back = crossed({"all": values, "pair": (value, value)})
    assert all(rich.same(*pair) for pair in zip(values, back["all"], strict=True))
    assert all(rich.same(value, each) for each in back["pair"])
    if rich.is_hashable(value):
        assert rich.same(value, next(iter(crossed({value: 1})))) and rich.same(value, next(iter(crossed({value}))))


@given(rich.values, st.sampled_from([PB, NONE]))
def test_toward_pb_it_is_refused_by_the_name_of_the_dialect(value: Any, dialect: Dialect) -> None:
    with pytest.raises(NotSendable) as caught:
        written({"deep": [value]}, dialect=dialect)
    assert caught.value.path == "['deep'][0]"
    assert f"the peer speaks {dialect.name.decode()}, and PB has no form for it; send " in caught.value.reason


def test_a_bytearray_that_is_met_twice_arrives_as_one() -> None:
    one = bytearray(b"changes")
    back = crossed([one, {"again": one}, bytearray(b"changes")])
    assert back[0] is back[1]["again"] and back[0] == back[2] and back[0] is not back[2]
    assert type(back[0]) is bytearray


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1_000_000])
def test_a_bytearray_may_be_large(size: int) -> None:
    assert crossed([bytearray(size)]) == [bytearray(size)]


def test_a_memoryview_arrives_as_the_bytes_that_it_shows() -> None:
    data = bytearray(range(100))
    view = memoryview(data)
    back = crossed([view, view[10:20], view[::-2], view.cast("c")])
    assert back == [bytes(data), bytes(data[10:20]), bytes(data)[::-2], bytes(data)]
    assert {type(each) for each in back} == {bytes}


def test_a_memoryview_of_other_items_than_bytes_or_of_nothing_is_refused() -> None:
    with pytest.raises(NotSendable, match=r"\[0\]: a memoryview of items of 8 bytes: send it as bytes, with \.cast\('B'\)"):
        crossed([memoryview(bytes(16)).cast("d")])
    view = memoryview(b"x")
    view.release()
    with pytest.raises(NotSendable, match="a memoryview that can't be read"):
        crossed(view)


def test_a_fraction_has_a_ceiling_of_bits() -> None:
    most = (1 << FRACTION_BITS) - 1
    for value in (fractions.Fraction(most, most - 1), fractions.Fraction(-most, 3)):
        assert crossed(value) == value
    for value in (fractions.Fraction(most + 1, 3), fractions.Fraction(3, most + 2)):
        with pytest.raises(NotSendable, match=r"a Fraction .* over 448 bits: send str\(x\)"):
            crossed(value)
    with pytest.raises(InsecureJelly, match="over 448 bits"):
        read([b"likewise.Fraction", [b"tuple", 1, 1 << 448]], limits=Limits(prefix_digits=100))


def test_a_fraction_is_reduced_whatever_came() -> None:
    back = read("(likewise.Fraction (tuple 6 4))")
    assert (back.numerator, back.denominator) == (3, 2)


NO_NUMBERS = ["NaN", "-NaN", "sNaN", "-sNaN", "NaN123", "sNaN7", "Infinity", "-Infinity", "NaN" + "9" * NAN_DIGITS]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_decimal_that_is_no_number_keeps_its_kind_its_sign_and_its_digits(text: str) -> None:
    with decimal.localcontext() as context:
        context.prec = 200
        value = Decimal(text)
        assert crossed([value])[0].as_tuple() == value.as_tuple()


def test_the_digits_of_a_nan_have_a_ceiling() -> None:
    text = "NaN1" + "0" * NAN_DIGITS
    with pytest.raises(NotSendable, match=f"a NaN with {NAN_DIGITS + 1} digits"):
        crossed(Decimal(text))
    with pytest.raises(InsecureJelly, match="a malformed decimal"):
        read([b"decimal", text.encode()])


def test_a_signaling_nan_is_no_key() -> None:
    for jelly in ("(set (decimal sNaN))", "(dictionary ((decimal sNaN) 1))"):
        with pytest.raises(InsecureJelly, match="can't be a dict key or a set member"):
            read(jelly)


MALFORMED = [
    "(likewise.complex 1.0)",
    "(likewise.complex (tuple 1.0))",
    "(likewise.complex (tuple 1 2.0))",
    "(likewise.complex (tuple 1.0 2.0 3.0))",
    "(likewise.complex (list 1.0 2.0))",
    "(likewise.Fraction 1)",
    "(likewise.Fraction (tuple 1 0))",
    "(likewise.Fraction (tuple 1 -2))",
    "(likewise.Fraction (tuple 1 2.0))",
    "(likewise.Fraction (tuple (boolean true) 2))",
    "(likewise.Fraction (tuple 1 2 3))",
    "(likewise.UUID short)",
    "(likewise.UUID 5)",
    '(likewise.UUID "sixteen and more bytes")',
    '(likewise.UUID (unicode "sixteen bytes ok"))',
    "(likewise.bytearray 1000000000000)",
    "(likewise.bytearray (list 1 2))",
    "(likewise.bytearray (unicode a))",
    "(likewise.timezone 0)",
    "(likewise.timezone (tuple))",
    "(likewise.timezone (tuple 0 1))",
    "(likewise.timezone (tuple 0 a b))",
    "(likewise.timezone (tuple 86400000000))",
    "(likewise.timezone (tuple -86400000000))",
    "(likewise.timezone (tuple 1.5))",
    '(likewise.timezone (tuple (unicode "Europe/Berlin")))',
]


@pytest.mark.parametrize("jelly", MALFORMED)
def test_what_is_not_quite_one_is_refused(jelly: str) -> None:
    with pytest.raises(InsecureJelly, match="a malformed " + jelly[1:].split()[0]):
        read(jelly)


@pytest.mark.parametrize(
    "text", ["nan", "NAN", "NaN0", "NaN01", "+NaN", "inf", "Infinity1", " NaN", "1", "", "NaN1_0", "NaN\u0661"]
)
def test_there_is_one_spelling_of_what_is_no_number(text: str) -> None:
    with pytest.raises(InsecureJelly, match="a malformed decimal"):
        read([b"decimal", text.encode()])


@pytest.mark.parametrize("jelly", ["(likewise.UUID)", "(likewise.UUID a b)", "(likewise.complex 1.0 2.0)"])
def test_nor_is_one_in_another_form(jelly: str) -> None:
    with pytest.raises(InsecureJelly, match="takes the form"):
        read(jelly)


def test_a_class_of_the_application_may_have_such_a_name_of_its_own() -> None:
    registry = likewise.Registry()
    registry.setUnjellyableFactoryForClass("likewise.UUID", lambda state: ("mine", state))
    assert read("(likewise.UUID 5)", registry=registry) == ("mine", 5)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (deque([1]), "send list(x), and where it arrives make it collections.deque(...) again"),
        (
            OrderedDict(),
            "send dict(x), which keeps the order, and where it arrives make it collections.OrderedDict(...) again",
        ),
        (defaultdict(int), "send dict(x), and where it arrives make it collections.defaultdict(...) again"),
        (Counter("a"), "send dict(x), and where it arrives make it collections.Counter(...) again"),
        (Path("a/b"), "send str(x)"),
        (PurePosixPath("a/b"), "send str(x)"),
        (PureWindowsPath("a/b"), "send str(x)"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dialect", [LIKEWISE_1, PB], ids=lambda dialect: dialect.name.decode())
def test_what_is_refused_says_what_to_write(value: Any, line: str, dialect: Dialect) -> None:
    with pytest.raises(NotSendable) as caught:
        written([value], dialect=dialect)
    assert line in caught.value.reason


def test_a_subclass_of_a_type_with_a_form_has_none() -> None:
    class Mine(uuid.UUID):
        pass

    class Bytes(bytearray):
        pass

    for value in (Mine(int=5), Bytes(b"x"), fractions.Fraction.__class__("F", (fractions.Fraction,), {})(1, 2)):
        with pytest.raises(NotSendable):
            crossed(value)


def test_values_are_what_fields_are_annotated_with() -> None:
    order = rich.Order(uuid.UUID(int=7), fractions.Fraction(1, 3), bytearray(b"x"), rich.Colour.RED, rich.Point(1.5, [2.5]))
    assert crossed(order) == order
    jelly = written(order, dialect=LIKEWISE_1).replace(
        b"\x0d\x82likewise.UUID\x10\x82", b"\x12\x82likewise.bytearray\x10\x82"
    )
    with pytest.raises(InsecureJelly, match=r"rich\.Order\.number takes UUID, not bytearray"):
        read(jelly, registry=rich.registry)


def test_hashes_that_peers_choose_are_counted() -> None:
    prime = 2**61 - 1
    members = [[b"likewise.Fraction", [b"tuple", n * prime + 5, 1]] for n in range(100)]
    with pytest.raises(InsecureJelly, match="equal_hashes"):
        read([b"set", *members])
    numbers = [[b"likewise.UUID", (n * prime + 5).to_bytes(16, "big")] for n in range(100)]
    with pytest.raises(InsecureJelly, match="equal_hashes"):
        read([b"dictionary", *([number, 1] for number in numbers)])


def test_what_hashing_them_costs_is_spent() -> None:
    few = Limits(hash_work=100)
    for each in ([b"likewise.Fraction", [b"tuple", 1, 3]], [b"likewise.UUID", bytes(16)], [b"rich.Colour", b"RED"]):
        keys = [b"set", *[[b"tuple", each, n] for n in range(50)]]
        with pytest.raises(InsecureJelly, match="hash_work"):
            read(keys, limits=few, registry=rich.registry)


def test_an_aware_time_and_its_zone_are_read_as_they_were() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    first = datetime.datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    back = crossed([first, first.replace(fold=1), datetime.time(2, 30, tzinfo=berlin, fold=1)])
    assert [each.fold for each in back] == [0, 1, 1]
    assert back[0].tzinfo is back[1].tzinfo is back[2].tzinfo is berlin
    assert [each.utcoffset() for each in back[:2]] == [datetime.timedelta(hours=2), datetime.timedelta(hours=1)]
    assert crossed(datetime.datetime.now(datetime.UTC)).tzinfo is datetime.UTC
