"""
What must be given back of a message that could not be decoded.

Every ``(remote n)``, ``(cached n)`` and ``(tag n state)`` on the wire was counted by the peer when it was sent. If the
receiver stops in the middle, what lies behind that place was counted for nobody: it has to be released, or the peer
keeps objects and observers for as long as the connection lasts.
"""

from __future__ import annotations

from ..wire.framer import Frame, new_frame
from ..wire.reader import Reader
from ..wire.tokens import LARGE_NUMBER

DICTIONARY_WORD = b"dictionary"
REMOTE_WORD = b"remote"
CACHED_WORD = b"cached"
NO_TAGS = frozenset((b"reference", b"decimal", b"tuple", b"list", b"set", b"frozenset"))  # words that a number may follow


class Salvage(Reader):
    """Walks over the jellies from the reader's place to the frame's end; nothing is built."""

    __slots__ = ("caches", "not_before", "references")

    def __init__(self, frame: Frame, start: int, not_before: int) -> None:
        Reader.__init__(self, new_frame(frame.data, start, frame.end, frame.large, frame.items))
        self.not_before = not_before
        self.references: list[int] = []
        self.caches: list[int] = []

    def walk(self) -> Salvage:
        """Collect the ids of what was not taken, in the order they lie."""
        while not self.at_end:
            self._expression(False)
        return self

    def _long_token(self) -> int:
        """A token of more than eight digits: its number if that can be a size or an id, for no other is of use here."""
        data = self._data
        pos = self.pos
        number = shift = 0
        while data[pos] < 0x80:
            if data[pos] and number < LARGE_NUMBER:
                number = number | data[pos] << shift if shift < 56 else LARGE_NUMBER
            shift += 7
            pos += 1
        self.pos = pos + 1
        self._number = number
        self._big = LARGE_NUMBER
        return data[pos]

    def _expression(self, is_pair: bool) -> None:
        kind = self._token()
        if kind != 0x80:  # LIST
            self._body(kind)
            return
        number = self._number
        place = self.pos
        items_read = 0
        word: object = None
        if number and not is_pair:
            kind = self._token()
            items_read = 1
            if kind == 0x80:  # LIST
                for _ in range(self._number):
                    self._expression(False)
            else:
                word = self._body(kind)
        if type(word) is bytes and number - items_read in (1, 2):
            items_read += self._id(word, number, place)
        for _ in range(number - items_read):
            self._expression(word == DICTIONARY_WORD)

    def _id(self, word: bytes, count: int, place: int) -> int:
        """Note the id of ``(word id ...)`` if it is one; how many items were read (1 or 0)."""
        start = self.pos
        kind = self._token()
        if kind != 0x81 and kind != 0x85:  # INT, LONGINT
            self.pos = start
            return 0
        number = self._number
        if place >= self.not_before:
            if word == REMOTE_WORD and count == 2:
                self.references.append(number)
            elif word == CACHED_WORD if count == 2 else word not in NO_TAGS:
                self.caches.append(number)
        return 1
