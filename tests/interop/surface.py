"""What both interop servers share: the values by name, and ``describe``. It knows neither Twisted nor likewise."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

FieldsOf = Callable[[Any], tuple[str, dict[str, Any]] | None]


class Plain:
    """An ordinary class, of no flavour at all."""

    __module__ = "interop"


# --- values by name -------------------------------------------------------------------------------


def _shared() -> Any:
    inner = [1]
    return [inner, inner, (inner, {"k": inner})]


def _shared_tuple() -> Any:
    inner = (1, 2)
    return [inner, inner]


def _shared_set() -> Any:
    inner = {1, 2}
    frozen = frozenset(["f"])
    return [inner, frozen, inner, frozen]


def _equal_not_shared() -> Any:
    return [[1], [1], {"k": []}, {"k": []}]


def _cyclic_list() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def _cyclic_dict() -> Any:
    value: dict[str, Any] = {}
    value.update(me=value, k=[value])
    return value


def _cyclic_tuple() -> Any:
    inner: list[Any] = []
    value = (inner, "t")
    inner.append(value)
    return value


def _cyclic_list_by_tuple() -> Any:
    value: list[Any] = []
    value.append((value, ("deeper", value)))
    return value


def _cyclic_pair() -> Any:
    one: list[Any] = ["one"]
    two: list[Any] = ["two", one]
    one.append(two)
    return {"one": one, "two": two}


def _deep() -> Any:
    value: Any = "bottom"
    for level in range(60):
        value = [value] if level % 2 else (value,)
    return value


# Each makes the value anew. All of them can cross, in both directions, to and from Twisted.
VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "int_0": lambda: 0,
    "int_1": lambda: 1,
    "int_127": lambda: 127,
    "int_128": lambda: 128,
    "int_31_bits": lambda: 2**31 - 1,
    "int_32_bits": lambda: 2**31,
    "int_64_bits": lambda: 2**64,
    "int_448_bits": lambda: 2**448 - 1,
    "neg_1": lambda: -1,
    "neg_31_bits": lambda: -(2**31),
    "neg_32_bits": lambda: -(2**31) - 1,
    "neg_448_bits": lambda: -(2**448) + 1,
    "float": lambda: 1.5,
    "float_0": lambda: 0.0,
    "float_neg_0": lambda: -0.0,
    "float_tiny": lambda: 5e-324,
    "float_huge": lambda: 1.7976931348623157e308,
    "float_inf": lambda: float("inf"),
    "float_neg_inf": lambda: float("-inf"),
    "float_nan": lambda: float("nan"),
    "bytes_empty": lambda: b"",
    "bytes": lambda: b"abc",
    "bytes_all": lambda: bytes(range(256)),
    "bytes_word": lambda: b"list",
    "bytes_longest": lambda: b"x" * 655_360,
    "str_empty": lambda: "",
    "str": lambda: "abc",
    "str_unicode": lambda: "\u00e9\u4e2d\U0001f600\x00\n",
    "str_word": lambda: "list",
    "list_empty": lambda: [],
    "list": lambda: [1, "two", b"three", 4.0, None],
    "tuple_empty": lambda: (),
    "tuple_one": lambda: (1,),
    "tuple": lambda: (1, (2, 3), ()),
    "dict_empty": lambda: {},
    "dict": lambda: {"k": [1], 2: "two", (1, 2): None, b"b": {"in": {}}},
    "set_empty": set,
    "set": lambda: {1, "two", b"three", (4, 5)},
    "frozenset_empty": frozenset,
    "frozenset": lambda: frozenset([1, frozenset([2])]),
    "set_of_frozensets": lambda: {frozenset([1]), frozenset([2, 3])},
    "mixed": lambda: [True, 1, 1.0, "1", b"1", None, (None,), {1: [False]}],
    "decimal": lambda: [Decimal("9.95"), Decimal("-78.901"), Decimal(0), Decimal("1E+5"), Decimal("0.00")],
    "datetime": lambda: datetime.datetime(2026, 11, 23, 21, 5, 7, 89),
    "date": lambda: datetime.date(1999, 1, 2),
    "time": lambda: datetime.time(23, 59, 58, 1),
    "timedelta": lambda: datetime.timedelta(days=-1, seconds=5, microseconds=6),
    "timedelta_0": lambda: datetime.timedelta(0),
    "deep": _deep,
    "shared": _shared,
    "shared_tuple": _shared_tuple,
    "shared_set": _shared_set,
    "equal_not_shared": _equal_not_shared,
    "cyclic_list": _cyclic_list,
    "cyclic_dict": _cyclic_dict,
    "cyclic_tuple": _cyclic_tuple,
    "cyclic_list_by_tuple": _cyclic_list_by_tuple,
    "cyclic_pair": _cyclic_pair,
}

# Nothing may send these: the call whose answer they would be fails, and the connection lives on.
UNSENDABLE: dict[str, Callable[[], Any]] = {
    "int_too_large": lambda: 2**448,
    "bytes_too_long": lambda: b"x" * 655_361,
    "plain_instance": Plain,
    "int_subclass": lambda: type("Legs", (int,), {})(4),
    "str_subclass": lambda: type("Name", (str,), {})("Fred"),
    "list_subclass": lambda: type("Row", (list,), {})([1]),
    "function": lambda: describe,
}


# --- describe --------------------------------------------------------------------------------------


def describe(x: Any, fields_of: FieldsOf, name_of: Callable[[Any], str]) -> str:
    """
    The value as text with all its types. What is met twice is marked ``#1=`` and then called ``#1``.

    ``fields_of`` gives name and attributes of what is described by its attributes, ``name_of`` the text for whatever
    else is no basic type.
    """
    met: dict[int, int] = {}

    def count(x: Any) -> None:
        parts = parts_of(x)
        if parts is None or (not x and type(x) in (tuple, frozenset)):  # those exist once per process anyway
            return
        met[id(x)] = met.get(id(x), 0) + 1
        if met[id(x)] == 1:
            for part in parts:
                count(part)

    def alone(x: Any) -> str:
        return describe(x, fields_of, name_of)

    def parts_of(x: Any) -> list[Any] | None:
        if isinstance(x, dict):
            return [part for pair in x.items() for part in pair]
        if isinstance(x, list | tuple | set | frozenset):
            return list(x)
        fields = fields_of(x)
        return None if fields is None else list(fields[1].values())

    marks: dict[int, str] = {}

    def show(x: Any) -> str:
        if met.get(id(x), 0) < 2:
            return body(x)
        if id(x) in marks:
            return marks[id(x)]
        marks[id(x)] = f"#{len(marks) + 1}"
        return f"{marks[id(x)]}={body(x)}"

    def body(x: Any) -> str:
        match x:
            case None:
                return "None"
            case bool() | int() | float() if type(x) in (bool, int, float):
                return f"{type(x).__name__} {x!r}"
            case bytes() if type(x) is bytes:
                return f"bytes {x.hex()}" if len(x) <= 256 else f"bytes {len(x)} crc32 {zlib.crc32(x):08x}"
            case str() if type(x) is str:
                return f"str {x!a}"
            case Decimal():
                return f"Decimal {x}"
            case datetime.datetime() | datetime.date() | datetime.time():
                return f"{type(x).__name__} {x.isoformat()}"
            case datetime.timedelta():
                return f"timedelta {x.days} {x.seconds} {x.microseconds}"
            case list() if type(x) is list:
                return "list[" + ", ".join(map(show, x)) + "]"
            case tuple() if type(x) is tuple:
                return "tuple(" + ", ".join(map(show, x)) + ")"
            case dict() if type(x) is dict:
                pairs = sorted(x.items(), key=lambda pair: alone(pair[0]))
                return "dict{" + ", ".join(f"{show(key)}: {show(value)}" for key, value in pairs) + "}"
            case set() | frozenset() if type(x) in (set, frozenset):
                return type(x).__name__ + "{" + ", ".join(map(show, sorted(x, key=alone))) + "}"
        fields = fields_of(x)
        if fields is None:
            return name_of(x)
        name, attributes = fields
        return name + "{" + ", ".join(f"{key}: {show(attributes[key])}" for key in sorted(attributes)) + "}"

    count(x)
    return show(x)
