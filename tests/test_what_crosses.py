"""The two tables of docs/reference.md that say what crosses: each row is walked, with real values between two ends."""

from __future__ import annotations

import array
import asyncio
import collections
import concurrent.futures
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import io
import ipaddress
import logging
import pathlib
import queue
import re
import socket
import sys
import threading
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic
import pytest

import likewise
import likewise.adapters.numpy as adapter
import likewise.testing
from likewise.wire.tokens import PB

PAGE = (Path(__file__).parent.parent / "docs" / "reference.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## What crosses")[1].split("\n## ")[0]


def rows(heading: str) -> dict[str, str]:
    """The rows of a table: first cell -> second."""
    table = SECTION.split(heading)[1].split("\n\n")[0]
    return dict(re.findall(r"^\| (.+?) \| (.+) \|$", table.split("\n", 2)[2], re.MULTILINE))


CROSSING = rows("| value | how |")
REFUSED = rows("| value | what to send |")


# --- classes


@likewise.copyable
@dataclasses.dataclass
class Order:
    item: str


@likewise.copyable
@attrs.frozen
class Line:
    sku: str


@likewise.copyable
class Point(msgspec.Struct):
    x: int


@likewise.copyable
class User(pydantic.BaseModel):
    name: str


class Copied(likewise.Copyable):
    pass


class Copy(likewise.RemoteCopy):
    pass


class Kept(likewise.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {}


class Mirror(likewise.RemoteCache):
    pass


class Viewed(likewise.Viewable):
    pass


@dataclasses.dataclass
class PlainData:
    x: int


@attrs.define
class PlainAttrs:
    x: int


class PlainStruct(msgspec.Struct):
    x: int


class PlainModel(pydantic.BaseModel):
    x: int


class Mine:
    pass


class Number(int):
    pass


class Text(str):
    pass


class Many(list[Any]):
    pass


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


Pair = collections.namedtuple("Pair", "a b")


class Third(fractions.Fraction):
    pass


class Table(dict[str, Any]):
    pass


@likewise.copyable
class Suit(enum.Enum):
    HEARTS = 1


@likewise.copyable
class Size(enum.IntEnum):
    SMALL = 1


@likewise.copyable
class Word(enum.StrEnum):
    YES = "yes"


@likewise.copyable
class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@likewise.copyable
class Bits(enum.IntFlag):
    LOW = 1
    HIGH = 2


@likewise.copyable
class Place(typing.NamedTuple):
    x: int
    y: int


Shape = likewise.copyable(collections.namedtuple("Shape", "width height"))


def registry(with_numpy: bool = True) -> likewise.Registry:
    made = likewise.Registry(Order, Line, Point, User, Suit, Size, Word, Rights, Bits, Place, Shape, ValueError)
    made.setUnjellyableForClass(Copied, Copy)
    made.setUnjellyableForClass(Kept, Mirror)
    made.adopt(ipaddress.IPv4Address, to_state=str, from_state=ipaddress.IPv4Address)
    if with_numpy:
        adapter.register(made)
    return made


# --- two ends


class Root(likewise.Root):
    def __init__(self) -> None:
        self.got: Any = None
        self.thing = likewise.Referenceable()

    def remote_take(self, value: Any) -> None:
        self.got = value

    def remote_thing(self) -> Any:
        return self.thing

    def remote_raise(self) -> None:
        raise likewise.Error("as asked")

    async def remote_read(self, stream: Any) -> list[Any]:
        return [item async for item in stream]


def with_two_ends(use: Callable[[Root, Any], Any], with_numpy: bool = True) -> Any:
    """What ``use(root, call)`` gives, over a socket."""

    async def main() -> Any:
        root = Root()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", accept=registry(with_numpy)) as server,
            likewise.connect(f"tcp://127.0.0.1:{server.port}", accept=registry(with_numpy)) as connection,
        ):
            return await use(root, connection.root.callRemote)

    return asyncio.run(main())


def sent(value: Any) -> Any:
    """A value as the other end gets it."""

    async def use(root: Root, call: Any) -> Any:
        await call("take", value)
        return root.got

    return with_two_ends(use)


# --- what crosses


def same(value: Any) -> None:
    got = sent([value])[0]
    assert type(got) is type(value)
    assert np.array_equal(got, value) if isinstance(value, np.ndarray) else got == value


def becomes(kind: type) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        assert type(sent([value])[0]) is kind

    return check


def comes_home(value: Any) -> None:
    async def use(root: Root, call: Any) -> None:
        await call("take", await call("thing"))
        assert root.got is root.thing

    with_two_ends(use)


def is_read(make: Any) -> None:
    async def use(root: Root, call: Any) -> None:
        assert await call("read", make()) == [1, 2]

    with_two_ends(use)


def is_raised(value: Any) -> None:
    async def use(root: Root, call: Any) -> None:
        with pytest.raises(likewise.Error, match="as asked"):
            await call("raise")

    with_two_ends(use)


def generator() -> Iterator[int]:
    yield from (1, 2)


async def async_generator() -> Any:
    for number in (1, 2):
        yield number


class AsyncIterator:
    def __init__(self) -> None:
        self.left = [1, 2]

    def __aiter__(self) -> AsyncIterator:
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


def is_value(error: Any) -> None:
    got = sent([error])[0]
    assert type(got) is type(error) and got.args == error.args


NOW = datetime.datetime(2026, 2, 28, 12, 30, fold=1)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
CROSSES: dict[str, tuple[Callable[[Any], None], list[Any]]] = {
    "`None`, `bool`, `float`, `bytes`, `str`": (same, [None, True, 1.5, b"\xff", "ä"]),
    "`int`": (same, [0, -(2**447)]),
    "`list`, `tuple`, `dict`, `set`, `frozenset`": (same, [[1], (1,), {"a": 1}, {1}, frozenset((1,))]),
    "`decimal.Decimal`": (same, [decimal.Decimal("1.50"), decimal.Decimal("-0"), decimal.Decimal("-Infinity")]),
    "`datetime.datetime`, `date`, `time`, `timedelta`": (
        same,
        [NOW, NOW.date(), NOW.time(), datetime.timedelta(1, 2, 3), NOW.replace(tzinfo=BERLIN)],
    ),
    "`datetime.timezone`, `zoneinfo.ZoneInfo`, also as the zone of a time": (
        same,
        [datetime.timezone(datetime.timedelta(hours=1)), BERLIN, NOW.replace(tzinfo=datetime.UTC)],
    ),
    "`uuid.UUID`, `complex`": (same, [uuid.UUID(int=1), 1j]),
    "`fractions.Fraction`": (same, [fractions.Fraction(1, 3)]),
    "`bytearray`": (same, [bytearray(b"x")]),
    "`memoryview`": (becomes(bytes), [memoryview(b"x")]),
    "members of a `@copyable` `Enum`, `IntEnum`, `StrEnum`, `Flag`, `IntFlag`": (
        same,
        [Suit.HEARTS, Size.SMALL, Word.YES, Rights.READ | Rights.WRITE, Bits.LOW],
    ),
    "`@copyable` named tuples, of `typing.NamedTuple` and `collections.namedtuple`": (same, [Place(1, 2), Shape(3, "x")]),
    "instances of `@copyable` dataclasses": (same, [Order("duck")]),
    "instances of `@copyable` classes of attrs, msgspec, pydantic": (same, [Line("a"), Point(1), User(name="ann")]),
    "instances of a type that is adopted": (same, [ipaddress.IPv4Address("10.0.0.1")]),
    "arrays and numbers of numpy, with the adapter": (same, [np.arange(3), np.zeros((300, 300)), np.float64(1.5)]),
    "`Copyable`": (becomes(Copy), [Copied()]),
    "`Cacheable`": (becomes(Mirror), [Kept()]),
    "`Referenceable`, `Viewable`": (becomes(likewise.RemoteReference), [likewise.Referenceable(), Viewed()]),
    "mirrors and references that came over the same connection": (comes_home, [None]),
    "generators, async generators, async iterators": (is_read, [generator, async_generator, AsyncIterator]),
    "exceptions that a remote method raises": (is_raised, [None]),
    "exceptions, as values": (is_value, [ValueError("x", 1)]),
}


@pytest.mark.parametrize("row", CROSSING)
def test_what_the_first_table_says_crosses_does(row: str) -> None:
    check, values = CROSSES[row]
    for value in values:
        check(value)


# --- what is refused


async def waits() -> None: ...


def coroutine() -> Any:
    made = waits()
    made.close()
    return made


class Loopless(asyncio.Future[Any]):
    def __init__(self) -> None:
        super().__init__(loop=asyncio.new_event_loop())
        self.get_loop().close()


SAMPLES: dict[str, list[Any]] = {
    "toward `pb`: `bytearray`, `memoryview`": [bytearray(b"x"), memoryview(b"x")],
    "toward `pb`: `complex`": [1j],
    "toward `pb`: `fractions.Fraction`": [fractions.Fraction(1, 3)],
    "toward `pb`: `uuid.UUID`": [uuid.UUID(int=1)],
    "toward `pb`: members of a `@copyable` `Enum`": [Suit.HEARTS, Size.SMALL, Rights.READ],
    "toward `pb`: `@copyable` named tuples": [Place(1, 2), Shape(3, 4)],
    "toward `pb`: a datetime or a time with a time zone": [
        NOW.replace(tzinfo=BERLIN, fold=0),
        NOW.time().replace(tzinfo=datetime.UTC, fold=0),
    ],
    "toward `pb`: a datetime or a time with `fold=1`": [NOW, NOW.time()],
    "toward `pb`: a `Decimal` that is infinite or no number": [decimal.Decimal("Infinity"), decimal.Decimal("NaN")],
    "toward `pb`: a `Decimal` that is a negative zero": [decimal.Decimal("-0")],
    "toward `pb`: `datetime.timezone`": [datetime.UTC],
    "toward `pb`: `zoneinfo.ZoneInfo`": [BERLIN],
    "toward `pb`: exceptions, as values": [ValueError("x")],
    "a `str` that UTF-8 can't spell, as some names of files": ["\udcff"],
    "members of an `Enum` without the decorator": [Colour.RED, Level.LOW],
    "named tuples without the decorator": [Pair(1, 2)],
    "subclasses of `Fraction`, `UUID` and other such values": [Third(1, 3)],
    "`OrderedDict`, `defaultdict`, `Counter`": [
        collections.OrderedDict(a=1),
        collections.defaultdict(list),
        collections.Counter("a"),
    ],
    "`collections.deque`": [collections.deque([1])],
    "subclasses of `int`": [Number(1)],
    "subclasses of `str`": [Text("x")],
    "subclasses of `list`": [Many([1])],
    "subclasses of `dict`": [Table(a=1)],
    "`range`, `x.keys()`, `x.items()`, `map`, `zip`": [range(3), {}.keys(), {}.items(), map(str, []), zip([])],
    "`types.MappingProxyType`, `collections.UserDict`": [types.MappingProxyType({}), collections.UserDict()],
    "`array.array`": [array.array("d", [1.0])],
    "`pathlib.Path`": [pathlib.Path("/tmp")],
    "`re.Pattern`": [re.compile("a")],
    "`types.SimpleNamespace`": [types.SimpleNamespace(a=1)],
    "a dataclass without the decorator": [PlainData(1)],
    "a class of attrs without the decorator": [PlainAttrs(1)],
    "a Struct without the decorator": [PlainStruct(1)],
    "a model of pydantic without the decorator": [PlainModel(x=1)],
    "instances of other classes": [Mine(), object()],
    "a number of numpy, without the adapter": [np.float64(1.5), np.int32(1)],
    "an array of numpy, without the adapter": [np.arange(3)],
    "an array of objects": [np.array([object()])],
    "coroutines, `asyncio.Future`, `asyncio.Task`": [coroutine(), Loopless()],
    "`concurrent.futures.Future`": [concurrent.futures.Future()],
    "functions, methods, `functools.partial`": [print, waits, [].append, functools.partial(print), Mine().__init__],
    "classes": [Mine, int],
    "modules": [re],
    "open files": [io.BytesIO(), sys.__stderr__],
    "locks, threads, queues, sockets": [
        threading.Lock(),
        threading.RLock(),
        threading.Condition(),
        threading.Thread(target=print),
        queue.Queue(),
        asyncio.Lock(),
        asyncio.Queue(),
        socket.socket,
    ],
    "loggers": [logging.getLogger("x")],
    "`Ellipsis`, `NotImplemented`": [..., NotImplemented],
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_the_second_table_names_is_what_the_error_names(row: str) -> None:
    cures = re.findall(r"`([^`]+)`", REFUSED[row])
    assert cures, f"{row} is refused, and what to send nobody says"
    if row.startswith("toward `pb`: "):
        refusal = refusal_toward_pb
    else:
        refusal = functools.partial(refusal_toward_ours, with_numpy=row == "an array of objects")
    for value in SAMPLES[row]:
        if value is socket.socket:
            with socket.socket() as value:
                text = refusal(value)
        else:
            text = refusal(value)
        assert text.startswith("args[0][0]")
        assert [cure for cure in cures if cure not in text] == [], text


def refusal_toward_pb(value: Any) -> str:
    pair = likewise.testing.Pair(Root(), accept=registry(), client_dialects=(PB,))
    with pytest.raises(likewise.NotSendable) as refused:
        pair.client.root.callRemote("take", [value])
    return str(refused.value)


def refusal_toward_ours(value: Any, with_numpy: bool) -> str:
    async def use(root: Root, call: Any) -> str:
        with pytest.raises(likewise.NotSendable) as refused:
            await call("take", [value])
        await call("take", 3)  # nothing is the worse for it
        assert root.got == 3
        return str(refused.value)

    text: str = with_two_ends(use, with_numpy)
    return text


def test_each_row_has_its_values_and_each_value_its_row() -> None:
    assert list(CROSSES) == list(CROSSING)
    assert list(SAMPLES) == list(REFUSED)


def test_no_row_says_only_that_something_is_refused() -> None:
    assert "refused" not in "".join([*CROSSING.values(), *REFUSED.values()])


def test_what_is_refused_is_not_kept() -> None:
    kept = Mine()
    refusal_toward_ours(kept, False)
    gc.collect()
    assert sys.getrefcount(kept) == 2
