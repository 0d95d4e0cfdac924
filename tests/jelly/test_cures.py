"""What can't cross is refused with what to write instead; the way to it is cut in the middle where it is long."""

from __future__ import annotations

import array
import asyncio
import collections
import concurrent.futures
import dataclasses
import fractions
import functools
import logging
import os
import pathlib
import re
import socket
import sys
import threading
import types
import weakref
from typing import Any

import numpy
import pytest

import likewise
from likewise.errors import LONGEST_WAY
from likewise.jelly.cures import CURES, why_not
from likewise.jelly.forms import FORMS, FORMS_OF_ALL
from likewise.wire.tokens import LIKEWISE_1
from tests.jelly.foreigners import refused


@dataclasses.dataclass
class Line:
    sku: str


class Model:
    """As far as it matters here, what pydantic marks its own with."""

    __pydantic_validator__ = __pydantic_fields__ = None


async def waits() -> None: ...


def coroutine() -> Any:
    made = waits()
    made.close()
    return made


class Named(likewise.Copyable):
    pass


VALUES: list[tuple[Any, str]] = [
    ({}.keys(), "list(x)"),
    ({}.values(), "list(x)"),
    (map(str, []), "list(x)"),
    (range(3), "list(x)"),
    (array.array("d", [1.0]), "x.tobytes()"),
    (types.MappingProxyType({}), "dict(x)"),
    (collections.UserDict(), "dict(x)"),
    (re.compile("a"), "x.pattern"),
    (pathlib.PurePosixPath("/tmp"), "str(x), or os.fsencode(x)"),
    (os.fsdecode(b"\xff"), "os.fsencode(x)"),
    (types.SimpleNamespace(a=1), "vars(x)"),
    (Line("x"), "put @likewise.copyable above @dataclass, or send dataclasses.asdict(x)"),
    (coroutine(), "await x"),
    (concurrent.futures.Future(), "x.result()"),
    (threading.Lock(), "likewise.Referenceable"),
    (threading.RLock(), "likewise.Referenceable"),
    (threading.Thread(target=print), "likewise.Referenceable"),
    (asyncio.Lock(), "likewise.Referenceable"),
    (sys.stderr, "x.read()"),
    (socket.socket(), "likewise.Referenceable"),
    (logging.getLogger("x"), "x.name"),
    (functools.partial(print), "remote_ method"),
    (print, "remote_ method"),
    (re, "x.__name__"),
    (weakref.ref(Line), "x()"),
    (object(), "likewise.adopt()"),
    (..., "None"),
]


@pytest.mark.parametrize(("value", "cure"), VALUES, ids=lambda each: type(each).__name__)
def test_the_error_says_what_to_write(value: Any, cure: str) -> None:
    text = refused([0, {"a": value}])
    assert text.startswith("args[0][1]['a']: ") and cure in text
    if isinstance(value, socket.socket):
        value.close()


def test_each_entry_of_the_table_says_what_it_is_and_what_to_do() -> None:
    for name, entry in CURES.items():
        what, _, remedy = entry.format(name="a.Class", short="Class").partition(
            ", which" if "means nothing" in entry else ":"
        )
        assert what and remedy, name
        assert name.rpartition(".")[0], name


def test_an_entry_holds_for_subclasses() -> None:
    class Mine(fractions.Fraction):
        pass

    assert "x.numerator" in why_not(Mine(1), Mine)
    assert "only Fraction itself crosses: convert it" in why_not(Mine(1), Mine, LIKEWISE_1)


def test_the_nearest_base_counts_whether_it_has_an_entry_or_a_form() -> None:
    """numpy's complex128 is a number of numpy and a complex."""
    number = numpy.complex128(1j)
    assert "a number of numpy: send x.item()" in why_not(number, type(number), LIKEWISE_1)


def test_each_form_of_a_value_has_an_entry_for_a_peer_that_has_it_not() -> None:
    for kind, form in [*FORMS.items(), *FORMS_OF_ALL.items()]:
        text = why_not(None, kind)
        assert ": the peer speaks pb, and PB has no form for it; send " in text, kind
        assert (form.name or kind.__name__) in text or kind is BaseException


def test_the_way_to_a_value_is_cut_in_the_middle_where_it_is_long() -> None:
    value: Any = {"innermost": object()}
    for _ in range(200):
        value = {"a rather long key": value}
    text = refused(["outermost", value])
    path = text.partition(": an instance")[0]
    assert path.startswith("args[0][1]['a rather") and path.endswith("['innermost']") and " ... " in path
    assert len(path) == LONGEST_WAY
