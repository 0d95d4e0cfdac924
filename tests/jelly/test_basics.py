"""The rare built-in types: dates, times, decimals, and what Twisted could not send."""

import datetime
import decimal
from decimal import Decimal
from typing import Any

import pytest
from twisted.spread import jelly as theirs

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.jelly.basics import READ, Unpersistable, read_basic
from likewise.limits import Limits
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1, NONE, PB, Dialect
from tests import sexp
from tests.jellies import read, written


class Echo(likewise.Root):
    def remote_echo(self, value: object) -> object:
        self.seen = value
        return value


VALUES = [
    datetime.datetime(2026, 2, 28, 23, 59, 58, 999_999),
    datetime.datetime(1, 1, 1),
    datetime.date(9999, 12, 31),
    datetime.time(0, 0),
    datetime.time(23, 59, 59, 7),
    datetime.timedelta(-1, 86_399, 5),
    datetime.timedelta.max,
    Decimal("0"),
    Decimal("0.000"),
    Decimal("12.50"),
    Decimal("-7E+20"),
    Decimal("1E-6144"),
    Decimal(10) ** 27,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_the_same(value: object) -> None:
    back = read(written(value))
    assert back == value and type(back) is type(value)
    if isinstance(value, Decimal) and value:
        assert back.as_tuple() == value.as_tuple()


@pytest.mark.parametrize("value", [each for each in VALUES if not isinstance(each, Decimal) or each], ids=repr)
def test_twisted_writes_the_same(value: object) -> None:
    assert sexp.decode(written(value)) == [theirs.jelly(value)]


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        datetime.time(12, tzinfo=datetime.UTC),
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1" * 136),
    ],
    ids=repr,
)
def test_a_value_that_the_wire_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(NotSendable) as caught:
        written([{"when": value}])
    assert caught.value.path == "[0]['when']"
    assert any(word in caught.value.reason for word in ("time zone", "infinite", "no number", "134"))


RICH = [
    Decimal("-0"),
    Decimal("-0.0"),
    Decimal("-0E+7"),
    datetime.datetime(2026, 10, 25, 2, 30, fold=1),
    datetime.time(2, 30, fold=1),
]


def parts_of(value: Any) -> Any:
    return value.as_tuple() if isinstance(value, Decimal) else (value, value.fold)


@pytest.mark.parametrize("value", RICH, ids=repr)
def test_a_sign_of_zero_and_a_fold_cross_in_the_dialect_that_has_forms_for_them(value: Any) -> None:
    back = read(written({"deep": [value]}, dialect=LIKEWISE_1))["deep"][0]
    assert parts_of(back) == parts_of(value) and type(back) is type(value)


@pytest.mark.parametrize("dialect", [PB, NONE], ids=lambda dialect: dialect.name.decode())
@pytest.mark.parametrize("value", RICH, ids=repr)
def test_they_are_refused_toward_a_peer_that_would_lose_them(value: Any, dialect: Dialect) -> None:
    with pytest.raises(NotSendable, match=r"PB has no form for it; send ") as caught:
        written({"deep": [value]}, dialect=dialect)
    assert caught.value.path == "['deep'][0]"


@pytest.mark.parametrize(
    "jelly",
    [
        "(decimal 1 0 1)",
        "(decimal 0 0 0)",
        "(decimal 0 0 1 1)",
        "(decimal 0 0 -1)",
        '(datetime "2026 1 1 0 0 0 0 2")',
        '(time "1 2 3 4 0")',
        '(time "1 2 3 4 1 1")',
    ],
)
def test_there_is_one_spelling_of_each(jelly: str) -> None:
    with pytest.raises(InsecureJelly, match="a malformed"):
        read(jelly)


@pytest.mark.parametrize("value", RICH, ids=repr)
def test_two_ends_of_ours_agree_on_them(value: Any) -> None:
    root = Echo()
    pair = Pair(root)
    result = pair.client.root.callRemote("echo", value)
    pair.run()
    assert parts_of(root.seen) == parts_of(value) == parts_of(result.value)
    old = Pair(root, dialects=(PB,))
    with pytest.raises(NotSendable, match=r"args\[0\]: .* PB has no form for it"):
        old.client.root.callRemote("echo", value)


def test_the_longest_decimal_goes() -> None:
    with decimal.localcontext() as context:
        context.prec = 200
        value = Decimal("-" + "9" * 134)
        assert read(written(value)) == value


@pytest.mark.parametrize(
    "jelly",
    [
        "(datetime)",
        "(datetime 5)",
        '(datetime "2026 1")',
        '(datetime "2026 1 1 0 0 0 0 0")',
        '(datetime "2026 13 1 0 0 0 0")',
        '(datetime "a b c")',
        '(datetime "1 1 1" "1 1 1")',
        '(date "2026 1")',
        '(date "99999999999999999999 1 1")',
        '(time "25")',
        '(timedelta "99999999999 0 0")',
        '(timedelta "1 2")',
        "(decimal 1)",
        "(decimal 1 2 3)",
        '(decimal "1" 2)',
        "(decimal 1 0.5)",
        "(decimal (tuple 1) 2)",
        "(unpersistable)",
        '(unpersistable "a" "b")',
    ],
)
def test_a_malformed_value_is_refused(jelly: str) -> None:
    word = jelly.strip("()").split()[0]
    with pytest.raises(InsecureJelly, match=f"a malformed {word}"):
        read(jelly)


def test_a_text_too_long_for_a_date_is_not_even_split() -> None:
    with pytest.raises(InsecureJelly, match="one short text"):
        read([b"date", b"1 " * 1_000])


def test_fields_that_old_peers_leave_out_are_zero() -> None:
    assert read('(datetime "2026 2 3")') == datetime.datetime(2026, 2, 3)
    assert read('(time "")') == datetime.time()


def test_decimal_exponent_bounds_what_arithmetic_on_it_costs() -> None:
    assert read("(decimal 1 6144)") == Decimal("1E+6144")
    for exponent in (6145, -6145, 2**40):
        with pytest.raises(InsecureJelly, match=r"decimal_exponent: .* is over the ceiling of 6144"):
            read([b"decimal", 1, exponent])
    with pytest.raises(InsecureJelly, match="decimal_exponent: 11 is over the ceiling of 10"):
        read("(decimal 1 11)", limits=Limits(decimal_exponent=10))


def test_what_twisted_could_not_send_arrives_as_such() -> None:
    value = read('(unpersistable "instance of class X deemed insecure")')
    assert isinstance(value, Unpersistable)
    assert value.reason == "instance of class X deemed insecure"
    assert repr(value) == "Unpersistable('instance of class X deemed insecure')"
    assert read("(unpersistable 5)").reason == "5"
    assert read([b"unpersistable", b"\xff"]).reason == "\ufffd"


def test_every_word_is_read_by_its_number() -> None:
    for code in READ:
        with pytest.raises(InsecureJelly, match="a malformed"):
            read_basic(code, [[]], 10) if code != 12 else read_basic(code, [], 10)
