"""
Values that ``likewise-1`` has a form for and PB has not: complex numbers, fractions, UUIDs, bytearrays, time zones.

Each is ``(TAG STATE)``, with a state of built-in types. A memoryview goes as the bytes that it shows. Enums and named
tuples, which are classes of the application, are in modules of their own; aware times are with the others in :mod:`.basics`.
"""

from __future__ import annotations

import datetime
import fractions
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, Final

from ..bounded import text_of
from ..errors import NotSendable
from ..limits import FRACTION_BITS, FRACTION_HASH, ITEMS, UUID_HASH
from .checks import ARRIVES
from .context import Writing
from .forms import FORMS, HASH_COSTS, ValueForm, form_taker
from .plans import Incoming
from .zones import zone_of, zone_parts

COMPLEX: Final = b"likewise.complex"
FRACTION: Final = b"likewise.Fraction"
UUID: Final = b"likewise.UUID"
BYTEARRAY: Final = b"likewise.bytearray"
ZONE: Final = b"likewise.timezone"


def _written(tag: bytes, state_of: Callable[[Any], Any], has_identity: bool = False) -> Callable[[Writing, Any], None]:
    """What writes ``(tag state)``; only what has an identity is remembered, to be meant again."""

    def write(encoder: Writing, value: Any) -> None:
        encoder.begin_form(value if has_identity else None, 2)
        encoder.encode(tag)
        encoder.encode(state_of(value))

    return write


def _fraction_state(value: fractions.Fraction) -> tuple[int, int]:
    numerator, denominator = value.numerator, value.denominator
    if max(numerator.bit_length(), denominator.bit_length()) > FRACTION_BITS:
        raise NotSendable(f"a Fraction whose numerator or denominator has over {FRACTION_BITS} bits: send str(x)")
    return numerator, denominator


def _write_view(encoder: Writing, view: memoryview) -> None:
    try:
        if view.itemsize != 1:
            raise NotSendable(f"a memoryview of items of {view.itemsize} bytes: send it as bytes, with .cast('B')")
        data = view.tobytes()
    except ValueError as error:
        raise NotSendable(f"a memoryview that can't be read: {text_of(error)}") from None
    encoder.encode(data)


# --- reading: state -> value; ValueError, TypeError or OverflowError where it does not fit


def _read_complex(decoder: Any, state: Any) -> complex:
    if type(state) is not tuple or [type(part) for part in state] != [float, float]:
        raise ValueError("two floats are expected")
    return complex(*state)


def _read_fraction(decoder: Any, state: Any) -> fractions.Fraction:
    if type(state) is not tuple or [type(part) for part in state] != [int, int] or state[1] <= 0:
        raise ValueError("two integers are expected, the second above 0")
    if max(state[0].bit_length(), state[1].bit_length()) > FRACTION_BITS:
        raise ValueError(f"a numerator or denominator of over {FRACTION_BITS} bits")
    return fractions.Fraction(*state)


def _read_uuid(decoder: Any, state: Any) -> uuid.UUID:
    if type(state) is not bytes or len(state) != 16:
        raise ValueError("16 bytes are expected")
    return uuid.UUID(bytes=state)


def _read_bytearray(decoder: Any, state: Any) -> bytearray:
    if type(state) is not bytes:
        raise ValueError("bytes are expected")
    return bytearray(state)


def _read_zone(decoder: Any, state: Any) -> datetime.tzinfo:
    if type(state) is not tuple:
        raise ValueError("a tuple is expected")
    return zone_of(state)


FORMS.update({
    complex: ValueForm(_written(COMPLEX, lambda value: (value.real, value.imag))),
    fractions.Fraction: ValueForm(_written(FRACTION, _fraction_state)),
    uuid.UUID: ValueForm(_written(UUID, lambda value: value.bytes)),
    bytearray: ValueForm(_written(BYTEARRAY, bytes, True)),
    memoryview: ValueForm(_write_view),
    datetime.timezone: ValueForm(_written(ZONE, zone_parts)),
    zoneinfo.ZoneInfo: ValueForm(_written(ZONE, zone_parts)),
})  # fmt: skip

HASH_COSTS.update({complex: 1, fractions.Fraction: FRACTION_HASH, uuid.UUID: UUID_HASH})
ARRIVES.update((complex, fractions.Fraction, uuid.UUID, bytearray, datetime.timezone, zoneinfo.ZoneInfo))

VALUES: Final[dict[bytes, Incoming]] = {
    COMPLEX: form_taker(COMPLEX, _read_complex, 0),
    FRACTION: form_taker(FRACTION, _read_fraction, ITEMS["fraction"]),
    UUID: form_taker(UUID, _read_uuid, ITEMS["uuid"]),
    BYTEARRAY: form_taker(BYTEARRAY, _read_bytearray, 0),
    ZONE: form_taker(ZONE, _read_zone, 0),
}
"""tag -> how it is read."""

__all__ = ("VALUES",)
