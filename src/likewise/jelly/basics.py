"""
The built-in types that are rare on the wire, a row each: how a value is written and how it is read.

The frequent ones (None, bool, int, float, bytes, str, list, tuple, dict, set, frozenset) are in the encoder and the
decoder themselves, because they are the hot path.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Callable
from typing import Final

from ..bounded import clip
from ..errors import InsecureJelly, NotSendable
from ..limits import NAN_DIGITS
from ..wire.reader import Expression
from ..wire.tokens import LIKEWISE_1, Dialect
from ..wire.writer import bytes_token, int_token, list_head
from . import atoms
from .cures import OF_SOME, no_form
from .zones import tokens_of, zone_of

LONGEST_TIME: Final = 64  # bytes of a date or time text; the longest honest one has 40
NO_NUMBER: Final = re.compile(rb"-?(?:Infinity|s?NaN(?:[1-9][0-9]{0,%d})?)" % (NAN_DIGITS - 1))  # a Decimal that is none


class Unpersistable:
    """Stands for what a Twisted peer could not send; ``reason`` is its text. Never sent by us."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Unpersistable({clip(self.reason)})"


# --- writing: type -> the whole atom


def _require_ours(dialect: Dialect, value: object, what: str) -> None:
    """Raise NotSendable unless the peer is one of ours, which has a form for what some values are."""
    if dialect.name != LIKEWISE_1.name:
        raise NotSendable(no_form(OF_SOME[what], "", type(value), dialect))


def _fields(*numbers: int) -> bytes:
    return bytes_token(" ".join(map(str, numbers)).encode())


def _moment(word: bytes, value: datetime.datetime | datetime.time, dialect: Dialect, *numbers: int) -> bytes:
    """A datetime or a time: its numbers, behind them its fold where it has one; and its zone, where it has one."""
    if value.fold:
        _require_ours(dialect, value, "fold")
        numbers = (*numbers, 1)
    if value.tzinfo is None:
        return b"\x02\x80" + word + _fields(*numbers)
    _require_ours(dialect, value, "zone")
    count, zone = tokens_of(value.tzinfo)
    return list_head(2 + count) + word + _fields(*numbers) + zone


def _write_datetime(value: datetime.datetime, dialect: Dialect) -> bytes:
    date = value.year, value.month, value.day
    return _moment(b"\x08\x82datetime", value, dialect, *date, value.hour, value.minute, value.second, value.microsecond)


def _write_date(value: datetime.date, dialect: Dialect) -> bytes:
    return b"\x02\x80\x04\x82date" + _fields(value.year, value.month, value.day)


def _write_time(value: datetime.time, dialect: Dialect) -> bytes:
    return _moment(b"\x04\x82time", value, dialect, value.hour, value.minute, value.second, value.microsecond)


def _write_timedelta(value: datetime.timedelta, dialect: Dialect) -> bytes:
    return b"\x02\x80\x09\x82timedelta" + _fields(value.days, value.seconds, value.microseconds)


def _write_decimal(value: decimal.Decimal, dialect: Dialect) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        _require_ours(dialect, value, "infinity" if value.is_infinite() else "nan")
        if len(digits) > NAN_DIGITS:
            raise NotSendable(f"a NaN with {len(digits)} digits: at most {NAN_DIGITS} cross")
        return b"\x02\x80\x07\x82decimal" + bytes_token(str(value).encode())
    if len(digits) > 135:  # 448 bits are 134 decimal digits and a bit: of 135 some fit
        raise NotSendable(f"a Decimal of {len(digits)} digits: the wire carries at most 134")
    number = int("".join(map(str, digits)))
    if sign and not number:
        _require_ours(dialect, value, "zero")
        return b"\x04\x80\x07\x82decimal" + int_token(0) + int_token(exponent) + int_token(1)
    return b"\x03\x80\x07\x82decimal" + int_token(-number if sign else number) + int_token(exponent)


WRITE: Final[dict[type, Callable[..., bytes]]] = {
    datetime.datetime: _write_datetime,
    datetime.date: _write_date,
    datetime.time: _write_time,
    datetime.timedelta: _write_timedelta,
    decimal.Decimal: _write_decimal,
}
"""
type -> the whole atom of a value; NotSendable where it can't cross.

The second argument is the dialect: likewise-1 has forms for a fold, for time zones, for the sign of zero, and for what is no
number.
"""


# --- reading: word -> value from the list's other items


def _numbers(items: list[Expression], least: int, most: int) -> list[int]:
    if len(items) != 1:
        raise ValueError("one short text is expected")
    return _numbers_in(items[0], least, most)


def _numbers_in(text: Expression, least: int, most: int) -> list[int]:
    if not isinstance(text, bytes) or len(text) > LONGEST_TIME:
        raise ValueError("one short text is expected")
    numbers = [int(field) for field in text.split()]
    if not least <= len(numbers) <= most:
        raise ValueError(f"{len(numbers)} numbers")
    return numbers


def _folded(numbers: list[int], count: int) -> tuple[list[int], int]:
    """The numbers of a time, of which there are ``count``, and the fold, which stands behind them where it is 1."""
    if numbers[count:] not in ([], [1]):
        raise ValueError("a fold that is not 1")
    return numbers[:count], len(numbers[count:])


def _zone(items: list[Expression]) -> datetime.tzinfo | None:
    """The zone of a time, which stands behind its text where it has one."""
    return zone_of(items[1:]) if len(items) > 1 else None


def _read_datetime(items: list[Expression], limit: int) -> datetime.datetime:
    (numbers, fold), zone = _folded(_numbers_in(items[0], 3, 8), 7), _zone(items)
    year, month, day, hour, minute, second, microsecond = (numbers + [0] * 4)[:7]
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _read_date(items: list[Expression], limit: int) -> datetime.date:
    year, month, day = _numbers(items, 3, 3)
    return datetime.date(year, month, day)


def _read_time(items: list[Expression], limit: int) -> datetime.time:
    (numbers, fold), zone = _folded(_numbers_in(items[0], 0, 5), 4), _zone(items)
    hour, minute, second, microsecond = (numbers + [0] * 4)[:4]
    return datetime.time(hour, minute, second, microsecond, zone, fold=fold)


def _read_timedelta(items: list[Expression], limit: int) -> datetime.timedelta:
    days, seconds, microseconds = _numbers(items, 3, 3)
    return datetime.timedelta(days, seconds, microseconds)


def _read_decimal(items: list[Expression], limit: int) -> decimal.Decimal:
    if len(items) == 1:
        return _no_number(items[0])
    number, exponent, *negative = items
    if not isinstance(number, int) or not isinstance(exponent, int) or (negative and (number or negative != [1])):
        raise ValueError("two integers are expected, and a third, 1, for the sign of zero")
    if abs(exponent) > limit:
        raise ValueError(f"decimal_exponent: {clip(exponent)} is over the ceiling of {limit}")
    return decimal.Decimal((int(number < 0 or bool(negative)), decimal.Decimal(abs(number)).as_tuple().digits, exponent))


def _no_number(text: Expression) -> decimal.Decimal:
    """An infinity, or a NaN with the digits that it may have."""
    if not isinstance(text, bytes) or not NO_NUMBER.fullmatch(text):
        raise ValueError("two integers are expected, or what is no number")
    return decimal.Decimal(text.decode())


def _read_unpersistable(items: list[Expression], limit: int) -> Unpersistable:
    (reason,) = items
    return Unpersistable(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else clip(reason))


READ: Final[dict[int, Callable[[list[Expression], int], object]]] = {
    atoms.DATETIME_CODE: _read_datetime,
    atoms.DATE_CODE: _read_date,
    atoms.TIME_CODE: _read_time,
    atoms.TIMEDELTA_CODE: _read_timedelta,
    atoms.DECIMAL_CODE: _read_decimal,
    atoms.UNPERSISTABLE_CODE: _read_unpersistable,
}
"""word -> value; ValueError, TypeError or OverflowError where the items don't fit. The int is the exponent's ceiling."""


# --- reading, fast: how nearly all of them are spelled; whatever is odd about them is left to the table above

PLAIN_TIMES: Final[dict[int, tuple[int, Callable[..., object]]]] = {
    atoms.DATETIME_CODE: (7, datetime.datetime),
    atoms.DATE_CODE: (3, datetime.date),
    atoms.TIME_CODE: (4, datetime.time),
    atoms.TIMEDELTA_CODE: (3, datetime.timedelta),
}
EXACT: Final = decimal.Context(prec=1_000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)  # no number here is rounded by it
EXPONENTS: Final = {number: decimal.Decimal(number) for number in range(-64, 65)}


ZONED: Final = frozenset((atoms.DATETIME_CODE, atoms.TIME_CODE))


def plain_time(code: int, numbers: list[int], zone: list[Expression] | None) -> object:
    """A date or time of just these numbers, all that belong to it, in the zone that stands for; ``None`` if they are not."""
    count, kind = PLAIN_TIMES[code]
    if len(numbers) != count:
        return None
    try:
        if zone is None:
            return kind(*numbers)
        return kind(*numbers, zone_of(zone)) if code in ZONED else None
    except (ValueError, OverflowError):
        return None


def plain_decimal(items: list[Expression], limit: int) -> object:
    """A Decimal of an int that is not 0, and an exponent; ``None`` if they are not."""
    number, exponent = items
    if type(number) is not int or not number or type(exponent) is not int or not -limit <= exponent <= limit:
        return None
    known = EXPONENTS.get(exponent)
    return EXACT.scaleb(decimal.Decimal(number), decimal.Decimal(exponent) if known is None else known)


def read_basic(code: int, items: list[Expression], exponent_limit: int) -> object:
    """
    The value of a rare built-in type from the items after its word.

    Raises:
        InsecureJelly: the items do not spell one.
    """
    try:
        return READ[code](items, exponent_limit)
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        word = next(word for word, number in atoms.CODES.items() if number == code)
        raise InsecureJelly(f"a malformed {word.decode()}: {error}") from None
