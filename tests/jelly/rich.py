"""Values that have a form in likewise-1 alone: classes, strategies, and whether one arrived as it was."""

from __future__ import annotations

import datetime
import enum
import fractions
import math
import struct
import uuid
import zoneinfo
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

import likewise
from likewise.jelly.registry import Registry
from likewise.wire.tokens import LARGEST_INT


class Home:
    """What may not cross."""

    def __repr__(self) -> str:
        return "at home"


@likewise.copyable(name="rich.Colour")
class Colour(enum.Enum):
    RED = Home()
    BLUE = (1, 2)
    AZURE = BLUE
    GRÜN = None


@likewise.copyable(name="rich.Level")
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2**70


@likewise.copyable(name="rich.Word")
class Word(enum.StrEnum):
    SOME = "some"
    NONE = ""


@likewise.copyable(name="rich.Access")
class Access(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4
    ALL = 7


@likewise.copyable(name="rich.Bits")
class Bits(enum.IntFlag):
    A = 1
    B = 8
    C = 1 << 80


@likewise.copyable(name="rich.Point")
class Point(NamedTuple):
    x: float
    marks: list[float]
    what: Any = None


Pair = namedtuple("Pair", "one other", module="rich")
likewise.copyable(Pair)


@likewise.copyable(name="rich.Order")
@dataclass
class Order:
    number: uuid.UUID
    part: fractions.Fraction
    data: bytearray
    colour: Colour
    point: Point


class Fault(Exception):
    __module__ = "rich"


registry = Registry(Colour, Level, Word, Access, Bits, Point, Pair, Order, Fault)

finite = st.floats(allow_nan=False)
zones = (
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC", "Etc/GMT+12"]).map(zoneinfo.ZoneInfo)
    | st.just(datetime.UTC)
    | st.timedeltas(datetime.timedelta(hours=-23, minutes=-59), datetime.timedelta(hours=23, minutes=59)).map(
        datetime.timezone
    )
    | st.builds(
        datetime.timezone, st.timedeltas(datetime.timedelta(0), datetime.timedelta(hours=23)), st.text("aé ", max_size=9)
    )
)
folds = st.sampled_from([0, 1])
times = st.builds(lambda time, zone, fold: time.replace(tzinfo=zone, fold=fold), st.datetimes() | st.times(), zones, folds)
flags = st.sampled_from([Access, Bits]).flatmap(
    lambda kind: st.sets(st.sampled_from(list(kind))).map(lambda some: sum_of(kind, some))
)
members = st.sampled_from([*Colour, *Level, *Word]) | flags
tuples = st.builds(Point, finite, st.lists(finite, max_size=3), st.none() | st.text(max_size=3)) | st.builds(
    Pair, st.none(), members
)
numbers = st.builds(complex, st.floats(), st.floats()) | st.fractions() | st.builds(
    fractions.Fraction, st.integers(-LARGEST_INT, LARGEST_INT), st.integers(1, LARGEST_INT)
)  # fmt: skip
no_numbers = st.sampled_from(["NaN", "-NaN", "sNaN12", "Infinity", "-Infinity", "NaN3"]).map(Decimal)
arrays = st.binary(max_size=20).map(bytearray)
values = st.uuids() | numbers | no_numbers | times | zones | arrays | members | tuples
"""Each has a form of its own, and PB has none for it."""


def sum_of(kind: Any, some: Any) -> Any:
    total = kind(0)
    for each in some:
        total |= each
    return total


def is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return not isinstance(value, Decimal)


def same(one: Any, other: Any) -> bool:
    """Whether two values are of one type, and say the same: the sign of a zero, what kind of NaN, which zone, too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, enum.Enum):
        return one is other
    if isinstance(one, Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, float):
        return struct.pack("!d", one) == struct.pack("!d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (datetime.datetime, datetime.time)):
        naive = one.replace(tzinfo=None) == other.replace(tzinfo=None) and one.fold == other.fold
        return naive and same(one.tzinfo, other.tzinfo)
    if isinstance(one, datetime.timezone):
        return one == other and one.tzname(None) == other.tzname(None)
    if isinstance(one, zoneinfo.ZoneInfo):
        return one is other
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
