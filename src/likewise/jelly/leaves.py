"""
The values that hold no others in their tokens: Decimals, dates and times, what goes by an id, what is meant again.
"""

from __future__ import annotations

from typing import Any

from ..bounded import clip, text_of
from ..errors import InsecureJelly
from ..limits import BYTES, ITEMS
from ..wire import native
from ..wire.keys import keyed
from ..wire.tokens import LARGE_NUMBER, VOCABULARY
from .basics import plain_decimal, plain_time, read_basic
from .context import ReceivingTables
from .graph import ENDLESS, Graph, Pending

WORDS = VOCABULARY  # number -> word
BYTES_OF_SET, BYTES_OF_MEMBER, BYTES_OF_REFERENCE = BYTES["set"], BYTES["member"], BYTES["reference"]
ITEMS_OF_SET, ITEMS_OF_REFERENCE = ITEMS["set"], ITEMS["reference"]
ITEMS_OF_TIME, ITEMS_OF_DECIMAL, ITEMS_OF_ODD = ITEMS["time"], ITEMS["decimal"], ITEMS["odd"]


class Leaves(Graph):
    """The part of a decoder that reads them."""

    __slots__ = ("_exponent_limit", "perspective", "tables")
    _exponent_limit: int
    perspective: Any
    tables: ReceivingTables | None

    def _basic(self, code: int, count: int, start: int) -> Any:
        """A Decimal, a date or a time: fast where it is spelled as nearly all are."""
        data = self._data
        pos = self.pos
        if code != 44 and count > 1 and data[pos] < 0x80 and data[pos + 1] == 0x82:  # STRING, DECIMAL
            numbers = native.decimal_numbers(data, pos + 2, data[pos])
            self.pos = pos + 2 + data[pos]
            next_large = self._next_large
            zone = None if count == 2 else [self.read_expression() for _ in range(count - 2)]
            plain = plain_time(code, numbers, zone) if numbers is not None else None
            if plain is not None:
                self._spend(ITEMS_OF_TIME, start)
                return plain
            self.pos = pos
            self._next_large = next_large
        items = [self.read_expression() for _ in range(count - 1)]
        if code == 44 and count == 3:  # DECIMAL
            plain = plain_decimal(items, self._exponent_limit)
            if plain is not None:
                self._spend(ITEMS_OF_DECIMAL, start)
                return plain
        self._spend(ITEMS_OF_ODD, start)
        try:
            return read_basic(code, items, self._exponent_limit)
        except InsecureJelly as error:
            raise self._refuse(start, text_of(error)) from None

    def _again(self, count: int, start: int) -> Any:
        """``(dereference n)``"""
        kind = self._token() if count == 2 else 0
        number = self._number
        if (kind != 0x81 and kind != 0x85) or number >= LARGE_NUMBER:  # INT, LONGINT
            raise self._refuse(start, "(dereference n) takes a number")
        key = keyed(number)
        if self._references is None or key not in self._references:
            raise self._refuse(start, f"dereference of {clip(number)}, which nothing defines")
        value = self._references[key]
        self._unfolded += ENDLESS if self._sizes is None else self._sizes.get(key, ENDLESS)
        if type(value) is Pending:
            self._has_pending = True
            if self._reused is None:
                self._reused = []
            self._reused.append(value)
        elif isinstance(value, (tuple, frozenset)):
            self._unfold(value, start)
        return value

    def _by_id(self, code: int, count: int, start: int) -> Any:
        """``(remote luid)``, ``(local luid)``, ``(cached luid)``, ``(lcache luid)``"""
        kind = self._token() if count == 2 else 0x80
        luid: Any = self._body(kind) if kind != 0x80 else None  # LIST
        if type(luid) is not int and type(luid) is not bytes:
            raise self._refuse(start, f"({WORDS[code].decode()} id) takes an id")
        tables = self.tables
        if tables is None:
            raise self._refuse(start, f"({WORDS[code].decode()} ...) means nothing outside a connection")
        if code == 16 or code == 15:  # REMOTE, CACHED
            self._spend(ITEMS_OF_REFERENCE, start)
            self.weight += BYTES_OF_REFERENCE
        try:
            if code == 16:  # REMOTE
                return tables.reference(luid, self.perspective)
            if code == 17:  # LOCAL
                return tables.local(luid)
            if code == 15:  # CACHED
                return tables.mirror(luid)
            return tables.original(luid)
        except InsecureJelly as error:
            raise self._refuse(start, text_of(error)) from None

    def _spelled(self, code: int, count: int, start: int) -> Any:
        items = [self.read_expression() for _ in range(count - 1)]
        if len(items) == 1 and isinstance(items[0], bytes):
            if code == 40:  # UNICODE
                try:
                    return items[0].decode()
                except UnicodeDecodeError:
                    raise self._refuse(start, "a str that is not UTF-8") from None
            if items[0] in (b"true", b"false"):
                return items[0] == b"true"
        raise self._refuse(start, "a malformed str or bool")

    def _spend_on_set(self, count: int) -> None:
        self._spend(ITEMS_OF_SET, self.pos)
        self.weight += BYTES_OF_SET + BYTES_OF_MEMBER * count
