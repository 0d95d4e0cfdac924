"""
Type bytes, base-128 numbers, dialects and their vocabulary: the alphabet of banana.

A token is a number in base 128, least significant digit first, and a type byte with the high bit set; strings and
floats carry their body behind it. Source of each fact: Twisted 26.10 ``twisted.spread.banana``, and recorded bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIST: Final = 0x80  # number = how many items follow
INT: Final = 0x81
STRING: Final = 0x82  # number = how many bytes follow
NEG: Final = 0x83
FLOAT: Final = 0x84  # a big-endian double follows; digits before it are ignored
LONGINT: Final = 0x85
LONGNEG: Final = 0x86
VOCAB: Final = 0x87  # number = place in the vocabulary, from 1

SIZE_LIMIT: Final = 640 * 1024
"""What Twisted refuses to exceed, inclusive: bytes of a string, items of a list."""

LARGEST_INT: Final = 2**448 - 1
"""64 base-128 digits: the largest magnitude a Twisted peer accepts."""

LARGE_NUMBER: Final = 1 << 56
"""From here on a number is read apart from the others: eight digits fit any machine's integer."""

WORDS: Final = (
    b"None class dereference reference dictionary function instance list module persistent tuple unpersistable "
    b"copy cache cached remote local lcache version login password challenge logged_in not_logged_in cachemessage "
    b"message answer error decref decache uncache"
).split()

VOCABULARY: Final[tuple[bytes, ...]] = (b"", *WORDS)  # number -> word; 0 is not a word


@dataclass(frozen=True, slots=True)
class Dialect:
    """What both ends agree on in the greeting: whether words are numbers, and how large a token may be."""

    name: bytes
    has_vocabulary: bool
    string_bytes: int
    list_items: int


LIKEWISE_1: Final = Dialect(b"likewise-1", True, 2**31 - 1, 2**31 - 1)
PB: Final = Dialect(b"pb", True, SIZE_LIMIT, SIZE_LIMIT)
NONE: Final = Dialect(b"none", False, SIZE_LIMIT, SIZE_LIMIT)
DIALECTS: Final = (LIKEWISE_1, PB, NONE)  # in the order a server of ours offers them


def _folds() -> tuple[tuple[int, int, int], ...]:
    """
    For 64 bytes that hold a digit of 7 bits each: masks of the lower and the upper one of each two neighbours, and the
    gap between them. Closing it makes pairs of 14 bits out of digits, then fours of 28, until all are one number.
    """
    steps = []
    for width in (1, 2, 4, 8, 16, 32):  # bytes; width bits of each are gaps
        lower = sum(((1 << 7 * width) - 1) << place for place in range(0, 512, 16 * width))
        steps.append((lower, lower << 8 * width, width))
    return tuple(steps)


FOLDS: Final = _folds()
MANY_DIGITS: Final = 16  # from here on the folds, six steps for any number, are faster than a step for each digit


def base128(number: int) -> bytes:
    """The digits of a number >= 0, least significant first; zero is one digit."""
    if number < 128:
        return bytes((number,))
    bits = number.bit_length()
    if 7 * MANY_DIGITS < bits <= 448:
        for lower, upper, gap in reversed(FOLDS):
            number = number & lower | number << gap & upper
        return number.to_bytes((bits + 6) // 7, "little")
    digits = bytearray()
    while number:
        digits.append(number & 0x7F)
        number >>= 7
    return bytes(digits)


def from_base128(digits: bytes) -> int:
    """The number that these digits spell; no digits spell 0."""
    if MANY_DIGITS < len(digits) <= 64:
        number = int.from_bytes(digits, "little")
        for lower, upper, gap in FOLDS:
            number = number & lower | (number & upper) >> gap
        return number
    number = 0
    for digit in reversed(digits):
        number = number << 7 | digit
    return number


VOCAB_TOKENS: Final[dict[bytes, bytes]] = {word: base128(i) + b"\x87" for i, word in enumerate(VOCABULARY) if i}
"""word -> its whole token in a dialect with a vocabulary. Payloads that equal a word go this way too."""
