"""
Tokens out of a whole frame. The framer has checked every token, so reading cannot run past the end.

The decoder of objects is a :class:`Reader` that knows jelly; used alone it reads the head of a message and plain
s-expressions.
"""

from __future__ import annotations

from ..errors import RemoteProtocolError
from . import native
from .framer import Frame
from .tokens import LARGE_NUMBER, VOCABULARY, from_base128

Leaf = int | float | bytes
Expression = Leaf | list["Expression"]

WORDS = VOCABULARY  # number -> word


class Reader:
    """A place in a frame; it moves over the tokens as they are read."""

    __slots__ = ("_big", "_data", "_large", "_next_large", "_number", "end", "pos")

    def __init__(self, frame: Frame) -> None:
        self.open_frame(frame)

    def open_frame(self, frame: Frame) -> None:
        """Begin at the start of a frame."""
        self._data = frame.data
        self.pos = frame.start  # where the next token begins
        self.end = frame.end
        self._large = frame.large
        self._next_large = 0
        self._number = 0  # of the last token, if it is below LARGE_NUMBER
        self._big = 0  # of the last token, if it is not

    @property
    def at_end(self) -> bool:
        """Whether the whole frame has been read."""
        return self.pos >= self.end

    def read_list(self) -> int:
        """
        Step into a list; how many items follow.

        Raises:
            RemoteProtocolError: something else than a list comes here.
        """
        if self._token() != 0x80:  # LIST
            raise RemoteProtocolError("a list was expected here")
        return self._number

    def read_word(self) -> bytes:
        """The next token, which must be a byte string or a word of the vocabulary."""
        kind = self._token()
        if kind == 0x87:  # VOCAB
            return WORDS[self._number]
        if kind != 0x82:  # STRING
            raise RemoteProtocolError("a word was expected here, as a byte string")
        return self._string(self._number)

    def read_int(self) -> int:
        """The next token, which must be an integer."""
        kind = self._token()
        if kind == 0x81 and self._number < LARGE_NUMBER:  # INT
            return self._number
        leaf = self._body(kind) if kind != 0x80 else b""  # LIST
        if not isinstance(leaf, int):
            raise RemoteProtocolError("an integer was expected here")
        return leaf

    def read_leaf(self) -> Leaf:
        """The next token, which must not be a list."""
        kind = self._token()
        if kind == 0x80:  # LIST
            raise RemoteProtocolError("a list came where none may be")
        return self._body(kind)

    def read_expression(self) -> Expression:
        """The next expression as nested lists, byte strings, ints and floats; depth is bounded by the framer."""
        kind = self._token()
        if kind != 0x80:  # LIST
            return self._body(kind)
        return [self.read_expression() for _ in range(self._number)]

    def _token(self) -> int:
        """Step over the digits and the type byte of the token here: the type; its number is kept for who asks."""
        data = self._data
        pos = self.pos
        kind = data[pos]
        number = shift = 0
        while kind < 0x80 and shift < 56:
            number |= kind << shift
            shift += 7
            pos += 1
            kind = data[pos]
        if kind < 0x80:
            return self._long_token()
        self.pos = pos + 1
        self._number = number
        return kind

    def _long_token(self) -> int:
        """The same for a token of more than eight digits."""
        data = self._data
        first = pos = self.pos
        while data[pos] < 0x80:
            pos += 1
        self.pos = pos + 1
        number = native.natural(data, first, pos) if pos - first <= 64 else from_base128(data[first:pos])
        self._number = number if number < LARGE_NUMBER else LARGE_NUMBER
        self._big = number
        return data[pos]

    def _body(self, kind: int) -> Leaf:
        """The value of the token whose type has just been read, which is no list; steps over its body."""
        if kind == 0x81 or kind == 0x85:  # INT, LONGINT
            return self._number if self._number < LARGE_NUMBER else self._big
        if kind == 0x82:  # STRING
            return self._string(self._number)
        if kind == 0x87:  # VOCAB
            return WORDS[self._number]
        if kind == 0x84:  # FLOAT
            value = native.double_at(self._data, self.pos)
            self.pos += 8
            return value
        return -self._number if self._number < LARGE_NUMBER else -self._big  # NEG, LONGNEG

    def _string(self, size: int) -> bytes:
        if size >= 65_536:  # lifted out by the framer
            assert self._large is not None
            lifted = self._large[self._next_large]
            self._next_large += 1
            return lifted
        start = self.pos
        self.pos = start + size
        return self._data[start : self.pos]


__all__ = ("Expression", "Leaf", "Reader")
