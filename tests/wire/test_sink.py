"""A message is put together as a list of pieces would be, on both builds; insertions stand where they were asked for."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.jelly.atoms import UNICODE_HEAD
from likewise.jelly.encoder import Encoder
from likewise.wire.sink import LARGE_PIECE, Sink
from likewise.wire.tokens import PB, VOCABULARY
from tests import sexp

values = st.one_of(
    st.integers(0, 2**31 - 1),
    st.sampled_from([0, 127, 128, 2**14 - 1, 2**14, 2**21, 2**28 - 1, 2**28, 2**31 - 1]),
    st.integers(-(2**448) + 1, 2**448 - 1),
    st.floats(),
    st.text(max_size=300),
    st.text("abc", min_size=120, max_size=135),
    st.sampled_from([word.decode() for word in VOCABULARY]),
    st.binary(max_size=300),
)


def spelled(value: Any) -> bytes:
    """A value as jelly has it, by other means than ours."""
    if isinstance(value, float):
        return b"\x84" + struct.pack("!d", value)
    if isinstance(value, str):
        return UNICODE_HEAD + sexp.encode(value.encode())
    return sexp.encode(value)


@given(st.lists(values))
def test_values_stand_in_a_row(items: list[Any]) -> None:
    encoder = Encoder(None, None, 250, PB)
    for item in items:
        encoder.encode(item)
    assert b"".join(encoder.written()) == b"".join(map(spelled, items))
    assert encoder.written() == [b""]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, LARGE_PIECE - 1, LARGE_PIECE, 3 * LARGE_PIECE])
def test_strings_of_any_size(size: int) -> None:
    for value in (b"x" * size, "x" * size, "\u00e9" * (size // 2)):
        encoder = Encoder(None, None, 250, PB)
        encoder.encode([1, value, 2])
        raw = value if isinstance(value, bytes) else value.encode()
        assert b"".join(encoder.written()) == sexp.encode([b"list", 1, raw if raw is value else [b"unicode", raw], 2])


pieces = st.one_of(st.binary(min_size=1, max_size=40), st.integers(LARGE_PIECE, LARGE_PIECE + 3).map(bytes))


@given(st.lists(st.tuples(pieces, st.one_of(st.none(), st.binary(min_size=1, max_size=9)))), st.randoms())
def test_insertions_stand_before_what_was_written(parts: list[tuple[bytes, bytes | None]], random: Any) -> None:
    sink = Sink()
    prefixes = []
    for piece, prefix in parts:
        if prefix is not None and len(piece) < LARGE_PIECE:  # nothing goes right before a large string but its own head
            prefixes.append((sink.place, prefix))
        else:
            prefix = None
        # Only the encoder writes small pieces, which it does in C: here everything goes the way of large strings.
        sink.put_large(piece)
    random.shuffle(prefixes)
    for place, prefix in prefixes:
        sink.insert(place, prefix)
    expected = b"".join((prefix or b"") * (len(piece) < LARGE_PIECE) + piece for piece, prefix in parts)
    assert b"".join(sink.take()) == expected
    assert sink.take() == [b""]


def test_a_large_string_stays_the_object_that_it_was() -> None:
    large = b"x" * LARGE_PIECE
    shared: list[Any] = [1]
    encoder = Encoder(None, None, 250, PB)
    encoder.encode([shared, large, shared])
    written = encoder.written()
    assert any(piece is large for piece in written)
    assert sexp.decode(b"".join(written)) == [
        [b"list", [b"reference", 1, [b"list", 1]], large, [b"dereference", 1]]
    ]
