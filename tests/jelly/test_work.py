"""The work of a message: what costs more than its tokens counts as more, and equal hashes are compared at a price."""

import dataclasses
import datetime
import decimal
import sys
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.jelly.decoder import Decoder
from likewise.jelly.registry import Registry
from likewise.limits import ITEMS, Limits
from tests import sexp
from tests.jellies import frame_of, read


@likewise.copyable(name="work.Key")
@dataclasses.dataclass(frozen=True)
class Key:
    name: Any = None
    rest: Any = dataclasses.field(default=None, hash=False)


class Goose(likewise.Copyable, likewise.RemoteCopy):
    pass


REGISTRY = Registry(Key)
REGISTRY.setUnjellyableForClass("work.Goose", Goose)


def refusal(value: Any, **ceilings: Any) -> str:
    with pytest.raises(InsecureJelly) as caught:
        read(value, registry=REGISTRY, limits=Limits(**ceilings))
    return str(caught.value)


COSTLY: dict[str, tuple[Any, int, str]] = {  # one of them, its tokens, what it counts as
    "an empty set": ([b"set"], 2, "set"),
    "an empty frozenset": ([b"frozenset"], 2, "set"),
    "a date": ([b"date", b"2020 1 11"], 3, "time"),
    "a datetime": ([b"datetime", b"2020 1 11 11 11 11 111111"], 3, "time"),
    "a time": ([b"time", b"11 11 11 111111"], 3, "time"),
    "a timedelta": ([b"timedelta", b"-999 11 111111"], 3, "time"),
    "a Decimal": ([b"decimal", 2**448 - 1, 6_144], 4, "decimal"),
    "an instance": ([b"work.Goose", [b"dictionary"]], 4, "instance"),
    "a dataclass": ([b"work.Key", [b"dictionary"]], 4, "instance"),
    "a mark": ([b"unpersistable", b"x"], 3, "odd"),
}


@pytest.mark.parametrize("name", COSTLY)
def test_what_costs_more_than_its_tokens_counts_as_more(name: str) -> None:
    one, tokens, kind = COSTLY[name]
    each = tokens + ITEMS[kind]
    if kind == "time" and not likewise.is_compiled():
        each = tokens + ITEMS["odd"]  # read in Python
    taken = read([b"list", *[one] * 100], registry=REGISTRY, limits=Limits(frame_items=each * 100 + 2))
    assert len(taken) == 100
    assert "frame_items: over" in refusal([b"list", *[one] * 100], frame_items=each * 100 - 10)


def test_long_integers_count_by_their_digits() -> None:
    values, each = [2**448 - 1] * 100, (64 - 8) // ITEMS["digits"]
    assert read([b"list", *values], limits=Limits(frame_items=102 + each * 100)) == values
    assert "frame_items" in refusal([b"list", *values], frame_items=100 + each * 100 - 1)
    assert len(read([b"list", *[2**63] * 100], limits=Limits(frame_items=102))) == 100, "of 64 bits they are as any"


def test_a_million_small_integers_and_honest_numbers_of_costly_values_pass_at_default_limits() -> None:
    assert len(read(sexp.encode([b"list", *range(900_000)]))) == 900_000
    days = 50_000
    assert len(read(sexp.encode([b"list", *[[b"date", b"2020 1 11"]] * days]))) == days
    assert len(read(sexp.encode([b"list", *[[b"decimal", 12_345, -2]] * days]))) == days


# --- the fast ways of reading mean the same as the general ones


@pytest.mark.parametrize("exponent", [0, 1, -1, 64, -64, 65, -65, 6_144, -6_144])
@pytest.mark.parametrize("number", [1, -1, 7, 10, 1_000, -(10**20), 2**448 - 1, 10**134])
def test_a_decimal_is_exact(number: int, exponent: int) -> None:
    made = read(sexp.encode([b"decimal", number, exponent]))
    digits = tuple(map(int, str(abs(number))))
    assert made.as_tuple() == (int(number < 0), digits, exponent)


def test_the_context_of_the_application_has_no_say_in_decimals() -> None:
    with decimal.localcontext(decimal.Context(prec=3, Emax=9, Emin=-9, traps=[decimal.Inexact])):
        assert read(sexp.encode([b"decimal", 123_456, 100])) == decimal.Decimal("123456E+100")


@pytest.mark.parametrize(
    ("jelly", "value"),
    [
        ([b"date", b"2020 1 11"], datetime.date(2020, 1, 11)),
        ([b"date", b"02020 01  11"], datetime.date(2020, 1, 11)),
        ([b"date", b"+2020 1 11 "], datetime.date(2020, 1, 11)),
        ([b"datetime", b"2020 1 11"], datetime.datetime(2020, 1, 11)),
        ([b"datetime", b"2020 1 11 1 2 3 4"], datetime.datetime(2020, 1, 11, 1, 2, 3, 4)),
        ([b"time", b"1"], datetime.time(1)),
        ([b"time", b""], datetime.time()),
        ([b"timedelta", b"-1 0 1"], datetime.timedelta(-1, 0, 1)),
        ([b"timedelta", b"0 -100000 0000000000000000000000000000001"], datetime.timedelta(0, -100_000, 1)),
    ],
)
def test_times_are_read_however_they_are_spelled(jelly: Any, value: Any) -> None:
    assert read(sexp.encode(jelly)) == value


@pytest.mark.parametrize("text", [b"2020 13 1", b"2020 1", b"2020 1 1 1", b"2020-1-1", b"-", b"2020 1 -", b" 2020 1 99"])
def test_dates_that_are_none_are_refused(text: bytes) -> None:
    assert "malformed date" in refusal([b"date", text])


@pytest.mark.parametrize("bits", [*range(54, 66), 100, 111, 112, 113, 126, 127, 128, 447])
def test_long_integers_are_exact(bits: int) -> None:
    for number in (2**bits - 1, 2**bits, 2**bits + 1):
        assert read(sexp.encode([b"list", number, -number])) == [number, -number]
    padded = b"\x02\x80\x08\x87" + b"\x05" + b"\x00" * 40 + b"\x81"
    assert read(padded) == [5]


# --- keys of equal hash


def alike(levels: int, count: int) -> list[Any]:
    """Keys of one hash, each of whose comparisons with another takes 2**levels."""
    made: list[Any] = []
    for first in range(1, count * levels, levels):
        inner: Any = [b"reference", first, [b"tuple", [b"list", first]]]
        for number in range(first + 1, first + levels):
            inner = [b"reference", number, [b"tuple", inner, [b"dereference", number - 1]]]
        state = [b"dictionary", [[b"unicode", b"name"], 1], [[b"unicode", b"rest"], [b"list", inner]]]
        made.append([b"work.Key", state])
    return made


def test_comparing_keys_of_equal_hash_is_paid_for_at_each_level() -> None:
    assert len(read([b"set", *alike(5, 3)], registry=REGISTRY)) == 3
    for kind in (b"set", b"frozenset"):
        assert "hash_work" in refusal([kind, *alike(30, 2)], unfolded_tuples=10**12)
    assert "hash_work" in refusal([b"dictionary", *([key, 1] for key in alike(30, 2))], unfolded_tuples=10**12)
    assert "hash_work: over 1000 parts to hash or compare" in refusal([b"set", *alike(6, 10)], hash_work=1_000)


def test_decimals_hashed_over_and_over_are_paid_for() -> None:
    shared = [b"reference", 1, [b"tuple", *([b"decimal", number, 6_000] for number in range(1, 100))]]
    keys = [shared, *([b"dereference", 1] for _ in range(100))]
    jelly = [b"set", *([b"tuple", number, key] for number, key in enumerate(keys))]
    assert len(read(jelly)) == 101
    assert "hash_work" in refusal(jelly, hash_work=50_000)


# --- what it takes in memory


def size_of(value: Any) -> int:
    """Bytes of a value and all its parts."""
    seen: dict[int, Any] = {}
    stack = [value]
    while stack:
        part = stack.pop()
        if id(part) in seen or part is None or type(part) in (bool, type):
            continue
        seen[id(part)] = part
        if isinstance(part, dict):
            stack += [*part, *part.values()]
        elif isinstance(part, (list, tuple, set, frozenset)):
            stack += part
        elif hasattr(part, "__dict__"):
            stack.append(part.__dict__)
    return sum(sys.getsizeof(part) for part in seen.values())


HELD: dict[str, Any] = {
    "empty sets": [[b"set"]] * 1_000,
    "sets": [[b"set", *range(5)]] * 1_000,
    "one large set": [[b"set", *range(300, 20_000)]],
    "empty lists": [[b"list"]] * 1_000,
    "empty dicts": [[b"dictionary"]] * 1_000,
    "dicts": [[b"dictionary", [1, 2], [3, 4]]] * 1_000,
    "one large dict": [[b"dictionary", *([number, number] for number in range(300, 20_000))]],
    "texts": [[b"unicode", b"x" * 30]] * 1_000,
    "texts of four bytes": [[b"unicode", "\U0001f600".encode() * 30]] * 1_000,
    "bytes": [b"x" * 500] * 1_000,
    "one large string": [b"x" * 500_000],
    "integers": list(range(10**6, 10**6 + 1_000)),
    "long integers": [2**440 + number for number in range(1_000)],
    "dates": [[b"date", b"2020 1 11"]] * 1_000,
    "Decimals": [[b"decimal", 2**440, 1]] * 1_000,
    "instances": [[b"work.Goose", [b"dictionary", [[b"unicode", b"a"], 5]]]] * 1_000,
    "dataclasses": [[b"work.Key", [b"dictionary"]]] * 1_000,
}


@pytest.mark.parametrize("name", HELD)
def test_the_weight_of_a_message_is_about_what_it_takes_in_memory(name: str) -> None:
    decoder = Decoder(frame_of(sexp.encode([b"list", *HELD[name]])), REGISTRY, None, Limits())
    held = size_of(decoder.decode())
    assert held * 0.8 < decoder.weight < held * 6 + 1_000, (held, decoder.weight)
