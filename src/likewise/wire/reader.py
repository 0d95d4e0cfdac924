"""
Tokens out of a whole frame. The framer has checked every token, so reading cannot run past the end.

The decoder of objects is a :class:`Reader` that knows jelly; used alone it reads the head of a message and plain
s-expressions.
"""

from __future__ import annotations

import struct

from ..errors import RemoteProtocolError
from .framer import Frame
from .tokens import VOCABULARY, from_base128

Leaf = int | float | bytes
Expression = Leaf | list["Expression"]

WORDS = VOCABULARY  # number -> word
_double = struct.Struct("!d").unpack_from


class Reader:
    """A place in a frame; it moves over the tokens as they are read."""

    __slots__ = ("_data", "_large", "_next_large", "_pos", "end")

    def __init__(self, frame: Frame) -> None:
        self._data = frame.data
        self._pos = frame.start
        self.end = frame.end
        self._large = frame.large
        self._next_large = 0

    @property
    def place(self) -> int:
        """Where in the frame's data the next token begins."""
        return self._pos

    @property
    def at_end(self) -> bool:
        """Whether the whole frame has been read."""
        return self._pos >= self.end

    def read_list(self) -> int:
        """
        Step into a list; how many items follow.

        Raises:
            RemoteProtocolError: something else than a list comes here.
        """
        number, kind = self._prefix()
        if kind != 0x80:
            raise RemoteProtocolError("a list was expected here")
        return number

    def read_bytes(self) -> bytes:
        """The next token, which must be a byte string or a word of the vocabulary."""
        leaf = self.read_leaf()
        if not isinstance(leaf, bytes):
            raise RemoteProtocolError("a byte string was expected here")
        return leaf

    def read_int(self) -> int:
        """The next token, which must be an integer."""
        leaf = self.read_leaf()
        if not isinstance(leaf, int):
            raise RemoteProtocolError("an integer was expected here")
        return leaf

    def read_leaf(self) -> Leaf:
        """The next token, which must not be a list."""
        number, kind = self._prefix()
        if kind == 0x80:
            raise RemoteProtocolError("a list came where none may be")
        return self._body(number, kind)

    def read_expression(self) -> Expression:
        """The next expression as nested lists, byte strings, ints and floats; depth is bounded by the framer."""
        number, kind = self._prefix()
        if kind != 0x80:
            return self._body(number, kind)
        return [self.read_expression() for _ in range(number)]

    def _prefix(self) -> tuple[int, int]:
        """Number and type byte of the token here; steps over both."""
        data = self._data
        first = pos = self._pos
        while data[pos] < 0x80:
            pos += 1
        self._pos = pos + 1
        if pos == first + 1:
            return data[first], data[pos]
        return from_base128(data[first:pos]), data[pos]

    def _body(self, number: int, kind: int) -> Leaf:
        """The value of a token that is no list; steps over its body."""
        if kind == 0x81 or kind == 0x85:  # INT, LONGINT
            return number
        if kind == 0x82:  # STRING
            return self._string(number)
        if kind == 0x87:  # VOCAB
            return WORDS[number]
        if kind == 0x84:  # FLOAT
            value: float = _double(self._data, self._pos)[0]
            self._pos += 8
            return value
        return -number  # NEG, LONGNEG

    def _string(self, size: int) -> bytes:
        if size >= 65_536:  # lifted out by the framer
            assert self._large is not None
            lifted = self._large[self._next_large]
            self._next_large += 1
            return lifted
        start = self._pos
        self._pos = start + size
        return self._data[start : self._pos]


__all__ = ("Expression", "Leaf", "Reader")
