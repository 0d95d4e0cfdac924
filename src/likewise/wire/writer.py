"""
Tokens into pieces of bytes.

What is sent is a plain list of ``bytes``, joined once for each turn of the loop: appending to a list is the cheapest
thing Python does, compiled or not. Large byte strings stay pieces of their own and are handed to the transport uncopied.
The jellies among the pieces are written by the encoder, in one buffer (:mod:`~likewise.wire.sink`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from ..errors import NotSendable
from .framer import Framer
from .reader import Expression, Reader
from .sink import LARGE_PIECE
from .tokens import LARGEST_INT, NONE, VOCAB_TOKENS, Dialect, base128

Pieces = list[bytes]

_double = struct.Struct("!d").pack

SMALL_INTS = [bytes((n, 0x81)) for n in range(128)]  # the whole tokens of 0 .. 127
LIST_HEADS = [bytes((n, 0x80)) for n in range(128)]
STRING_HEADS = [bytes((n, 0x82)) for n in range(128)]


def int_token(number: int) -> bytes:
    """
    The whole token of an integer.

    Raises:
        NotSendable: more than 448 bits, which no Twisted peer accepts.
    """
    if 0 <= number < 128:
        return SMALL_INTS[number]
    if 0 <= number <= 2**31 - 1:
        return _plain_int(number)
    if number >= 0:
        if number <= LARGEST_INT:
            return base128(number) + b"\x85"
    elif number >= -(2**31):
        return base128(-number) + b"\x83"
    elif number >= -LARGEST_INT:
        return base128(-number) + b"\x86"
    reason = f"an int of {number.bit_length()} bits: the wire carries at most 448; send it as bytes"
    raise NotSendable(reason, ("an int", number))


def _plain_int(number: int) -> bytes:
    """An INT token of 2 to 5 digits: each group of 7 bits moved to a byte of its own, the type byte on top."""
    if number < 1 << 14:
        return (number & 0x7F | number << 1 & 0x7F00 | 0x810000).to_bytes(3, "little")
    spread = number & 0x7F | number << 1 & 0x7F00 | number << 2 & 0x7F0000 | number << 3 & 0x7F000000
    if number < 1 << 21:
        return (spread | 0x81 << 24).to_bytes(4, "little")
    if number < 1 << 28:
        return (spread | 0x81 << 32).to_bytes(5, "little")
    return (spread | (number >> 28) << 32 | 0x81 << 40).to_bytes(6, "little")


def float_token(number: float) -> bytes:
    """The whole token of a float."""
    return b"\x84" + _double(number)


def list_head(count: int) -> bytes:
    """The head of a list of ``count`` items."""
    return LIST_HEADS[count] if count < 128 else base128(count) + b"\x80"


def string_head(size: int) -> bytes:
    """The head of a byte string of ``size`` bytes."""
    return STRING_HEADS[size] if size < 128 else base128(size) + b"\x82"


def bytes_token(value: bytes) -> bytes:
    """The whole token of a short byte string; a word of the vocabulary goes as its number."""
    return VOCAB_TOKENS.get(value) or string_head(len(value)) + value


def write_expression(
    pieces: Pieces, expression: Expression | tuple[Expression, ...], dialect: Dialect, largest: int = LARGEST_INT
) -> None:
    """
    Append the tokens of a plain s-expression: nested lists or tuples, bytes, ints (bool is one), floats.

    ``largest`` is the largest magnitude of an integer, where both ends have agreed on another one.

    Raises:
        NotSendable: a value of another type, or one that is too large for the dialect.
    """
    if isinstance(expression, (list, tuple)):
        check_size("a list", len(expression), "items", dialect.list_items, dialect)
        pieces.append(list_head(len(expression)))
        for item in expression:
            write_expression(pieces, item, dialect, largest)
    elif isinstance(expression, bytes):
        check_size("a byte string", len(expression), "bytes", dialect.string_bytes, dialect)
        if dialect.has_vocabulary and expression in VOCAB_TOKENS:
            pieces.append(VOCAB_TOKENS[expression])
        else:
            pieces += (string_head(len(expression)), expression)
    elif isinstance(expression, int):
        magnitude = abs(expression)
        if magnitude > largest:
            raise NotSendable(f"an int of {magnitude.bit_length()} bits: too large", ("an int", expression))
        if magnitude > LARGEST_INT:
            pieces.append(base128(magnitude) + (b"\x85" if expression > 0 else b"\x86"))
        else:
            pieces.append(int_token(expression))
    elif isinstance(expression, float):
        pieces.append(float_token(expression))
    else:
        raise NotSendable(f"banana carries lists, bytes, ints and floats, not {type(expression).__name__}")


def check_size(what: str, size: int, unit: str, ceiling: int, dialect: Dialect) -> None:
    """Refuse at the sender what the peer would end the connection for."""
    if size > ceiling:
        limit = "list_items" if unit == "items" else "string_bytes"
        reason = f"{what} of {size:,} {unit}: a peer that speaks {dialect.name.decode()} takes at most {ceiling:,}"
        raise NotSendable(f"{reason} (its limits.{limit})", (what, size))


def gather(pieces: Sequence[bytes]) -> Pieces:
    """Join small neighbours; large pieces stay as they are, so that nothing large is copied."""
    out: Pieces = []
    start = 0
    for i, piece in enumerate(pieces):
        if len(piece) >= LARGE_PIECE:
            if i > start:
                out.append(b"".join(pieces[start:i]))
            out.append(piece)
            start = i + 1
    if start < len(pieces):
        out.append(b"".join(pieces[start:]))
    return out


def spell_out(pieces: Iterable[bytes], framer: Framer) -> Pieces:
    """
    The same messages in dialect ``none``, words as strings. For the rare peer that knows nothing else.

    ``framer`` is a scratch framer that speaks ``pb``.
    """
    out: Pieces = []
    for piece in pieces:
        framer.feed(bytes(piece))  # one of a large array is a memoryview
        while (frame := framer.next_frame()) is not None:
            write_expression(out, Reader(frame).read_expression(), NONE)
    return out


def encode(expression: Expression | tuple[Expression, ...], dialect: Dialect) -> bytes:
    """A plain s-expression as bytes."""
    pieces: Pieces = []
    write_expression(pieces, expression, dialect)
    return b"".join(pieces)
