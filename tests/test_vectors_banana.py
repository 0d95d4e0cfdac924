"""The 70 banana units recorded from Twisted, on our wire layer: whole, byte by byte, and cut in two anywhere."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import RemoteProtocolError
from likewise.limits import Limits
from likewise.wire.framer import Frame, Framer
from likewise.wire.reader import Reader
from likewise.wire.tokens import DIALECTS, VOCABULARY, Dialect
from likewise.wire.writer import write_expression
from tests import sexp

RECORDED = json.loads((Path(__file__).parent / "vectors" / "vectors.json").read_text())
DIALECT_NAMED: dict[str, Dialect] = {dialect.name.decode(): dialect for dialect in DIALECTS}


def units(*operations: str) -> list[Any]:
    """The recorded units of these operations, as parameters with readable names."""
    return [
        pytest.param(unit, id=f"{i}-{unit['op']}-{unit['dialect']}-{unit['desc']}".replace(" ", "_"))
        for i, unit in enumerate(RECORDED["banana"])
        if unit["op"] in operations
    ]


def framer_for(unit: dict[str, Any]) -> Framer:
    framer = Framer(Limits())
    framer.speak(DIALECT_NAMED[unit["dialect"]])
    return framer


def frames(framer: Framer, chunks: Iterable[bytes]) -> Iterator[Frame]:
    for chunk in chunks:
        framer.feed(chunk)
        while (frame := framer.next_frame()) is not None:
            yield frame


def cuttings(data: bytes) -> Iterator[list[bytes]]:
    """The bytes whole, one at a time, and cut in two at every place."""
    yield [data]
    yield [bytes((byte,)) for byte in data]
    for place in range(1, len(data)):
        yield [data[:place], data[place:]]


def same(got: object, wanted: object) -> bool:
    """Equal in type and value; floats bit for bit, so that -0.0 is not 0.0."""
    if isinstance(got, float) and isinstance(wanted, float):
        return struct.pack("!d", got) == struct.pack("!d", wanted)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(same, got, wanted))
    return type(got) is type(wanted) and got == wanted


def test_all_70_units_are_here() -> None:
    assert len(RECORDED["banana"]) == 70
    assert len(units("encode") + units("decode-only") + units("reject")) == 70


def test_the_vocabulary_is_twisted_s() -> None:
    assert {int(number): word.encode() for number, word in RECORDED["vocabulary"].items()} == dict(
        enumerate(VOCABULARY[1:], 1)
    )


@pytest.mark.parametrize("unit", units("encode"))
def test_a_value_is_written_as_twisted_writes_it(unit: dict[str, Any]) -> None:
    pieces: list[bytes] = []
    write_expression(pieces, sexp.from_json(unit["value"]), DIALECT_NAMED[unit["dialect"]])
    assert b"".join(pieces).hex() == unit["hex"]


@pytest.mark.parametrize("unit", units("encode", "decode-only"))
def test_bytes_are_read_as_twisted_reads_them_however_they_are_cut(unit: dict[str, Any]) -> None:
    data, wanted = bytes.fromhex(unit["hex"]), sexp.from_json(unit["value"])
    for chunks in cuttings(data):
        framer = framer_for(unit)
        got = [Reader(frame).read_expression() for frame in frames(framer, chunks)]
        assert len(got) == 1 and same(got[0], wanted), f"{got!r} from {[chunk.hex() for chunk in chunks]}"
        assert framer.is_between_frames


@pytest.mark.parametrize("unit", units("encode", "decode-only"))
def test_what_follows_a_value_is_read_as_well(unit: dict[str, Any]) -> None:
    data, wanted = bytes.fromhex(unit["hex"]), sexp.from_json(unit["value"])
    for chunks in cuttings(data + b"\x05\x81" + data):
        first, five, again = [Reader(frame).read_expression() for frame in frames(framer_for(unit), chunks)]
        assert same(first, wanted) and five == 5 and same(again, wanted)


@pytest.mark.parametrize("unit", units("reject"))
def test_what_twisted_refuses_is_refused_however_it_is_cut(unit: dict[str, Any]) -> None:
    data = bytes.fromhex(unit["hex"])
    for chunks in cuttings(data):
        with pytest.raises(RemoteProtocolError):
            for _ in frames(framer_for(unit), chunks):
                pytest.fail(f"a frame came out of {[chunk.hex() for chunk in chunks]}")


@pytest.mark.parametrize("unit", units("reject"))
def test_what_came_before_a_fault_was_handed_out(unit: dict[str, Any]) -> None:
    data = b"\x05\x81" + bytes.fromhex(unit["hex"])
    for chunks in cuttings(data):
        got = []
        with pytest.raises(RemoteProtocolError):
            for frame in frames(framer_for(unit), chunks):
                got.append(Reader(frame).read_expression())
        assert got == [5]


def test_a_nan_keeps_its_bits() -> None:
    data = b"\x84" + bytes.fromhex("7ff8000000000001")
    framer = framer_for({"dialect": "pb"})
    (frame,) = frames(framer, [data])
    value = Reader(frame).read_expression()
    assert isinstance(value, float) and math.isnan(value)
    pieces: list[bytes] = []
    write_expression(pieces, value, DIALECT_NAMED["pb"])
    assert b"".join(pieces) == data
