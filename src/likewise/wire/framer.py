"""
Chunks of a stream -> whole top-level frames, every ceiling checked before anything is built or awaited.

The framer walks over tokens once, as they arrive, and keeps only how many items each open list still lacks. It never
looks at a byte twice: what a chunk ends in the middle of is remembered, not scanned again, so any cutting of the
stream costs linear time. A frame is handed on as a piece of the chunk itself where it lies within one.

Byte strings of :data:`LARGE_STRING` bytes or more are lifted out of the frame while they arrive, into the very object that
the application gets.
"""

from __future__ import annotations

import functools
from io import BytesIO

from ..bounded import clip
from ..errors import LimitExceeded, RemoteProtocolError
from ..limits import Limits
from . import native
from .arriving import Arriving
from .tokens import NONE, Dialect

LARGE_STRING = 65_536  # bytes: from here on a copy costs more than the bookkeeping that avoids it
OVER_ANY_CEILING = 1 << 60  # stands for any number that no ceiling allows
BOUNDS_KEPT = 64  # sets of bounds of which framers share one: an endpoint has a few


class Frame:
    """
    One whole top-level expression: ``data[start:end]``, and the large strings lifted out of it, in order.

    In ``data`` a lifted string is its header alone. ``items`` counts the tokens.
    """

    __slots__ = ("data", "end", "items", "large", "start")

    data: bytes
    start: int
    end: int
    large: list[bytes] | None
    items: int


def new_frame(data: bytes, start: int, end: int, large: list[bytes] | None, items: int) -> Frame:
    """A new Frame: apart from the class, because passing five arguments to one costs more than setting them."""
    frame = Frame()
    frame.data = data
    frame.start = start
    frame.end = end
    frame.large = large
    frame.items = items
    return frame


class Bounds:
    """What one frame may be: the ceilings of ``limits``, three of them as low as a dialect has them. Framers share one."""

    __slots__ = ("depth", "frame_bytes", "frame_items", "limits", "list_items", "prefix_digits", "string_bytes")

    def __init__(self, limits: Limits, frame_bytes: int, string_bytes: int, list_items: int) -> None:
        self.limits = limits
        self.prefix_digits = limits.prefix_digits
        self.frame_items = limits.frame_items
        self.depth = limits.depth
        self.frame_bytes = frame_bytes
        self.string_bytes = string_bytes
        self.list_items = list_items


@functools.lru_cache(BOUNDS_KEPT)
def greeting_bounds(limits: Limits) -> Bounds:
    """What holds until a dialect is spoken."""
    most = limits.greeting_bytes
    return Bounds(limits, most, min(most, NONE.string_bytes), min(most, NONE.list_items))


@functools.lru_cache(BOUNDS_KEPT)
def full_bounds(limits: Limits, dialect: Dialect) -> Bounds:
    """What holds once this dialect is spoken."""
    sizes = min(limits.string_bytes, dialect.string_bytes), min(limits.list_items, dialect.list_items)
    return Bounds(limits, limits.frame_bytes, *sizes)


class Framer:
    """
    Feed it chunks, take whole frames.

    Until :meth:`speak` names a dialect it is in the greeting: no vocabulary, small frames. After an error it must
    not be used again; frames that were whole before the fault were handed out before it is raised.
    """

    __slots__ = (
        "_arriving",
        "_body",
        "_bounds",
        "_chunk",
        "_items",
        "_large",
        "_left",
        "_missing",
        "_open",
        "_pos",
        "_scanned",
        "_skip",
        "_start",
        "_vocabulary",
    )

    def __init__(self, limits: Limits) -> None:
        self._bounds = greeting_bounds(limits)
        self._chunk = b""  # what is being scanned, from _pos on
        self._pos = 0
        self._start = 0  # where the frame being scanned begins in _chunk
        self._body: BytesIO | None = None  # what earlier chunks held of that frame; it gives away its bytes without a copy
        self._scanned = 0  # bytes of that frame in earlier chunks and in lifted strings
        self._left = 1  # items the innermost open list still lacks; the top level lacks one
        self._open: list[int] | None = None  # the same for the lists around it; there is none between two chunks
        self._items = 0
        self._large: list[bytes] | None = None
        self._arriving: Arriving | None = None  # what has come of a large string
        self._missing = 0  # bytes that it still lacks
        self._skip = 0  # bytes that the string at the end of the last chunk still lacks
        self._vocabulary = False

    @property
    def limits(self) -> Limits:
        """The ceilings that hold."""
        return self._bounds.limits

    def hold_to(self, limits: Limits) -> None:
        """Other ceilings, from the next frame on; those that a dialect lowers hold when :meth:`speak` is called next."""
        before = self._bounds
        self._bounds = Bounds(limits, before.frame_bytes, before.string_bytes, before.list_items)

    def speak(self, dialect: Dialect) -> None:
        """The greeting is over: from the next frame on this dialect and the full ceilings hold."""
        self._vocabulary = dialect.has_vocabulary
        self._bounds = full_bounds(self._bounds.limits, dialect)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream. Frames that were not asked for yet come before them, at the cost of a copy."""
        if self._pos < len(self._chunk):  # the start of a token that the last chunk ended in the middle of
            chunk = self._chunk[self._pos :] + chunk
            self._keep(self._pos)
        elif self._chunk:
            self._keep(self._pos)
        self._chunk = chunk
        self._pos = self._start = 0

    def next_frame(self) -> Frame | None:
        """
        The next whole frame, or ``None`` until more is fed.

        Raises:
            LimitExceeded: a ceiling is passed; nothing was reserved for what exceeds it.
            RemoteProtocolError: a byte that starts no token, or a word outside the vocabulary.
        """
        if self._missing and not self._lift():
            return None
        if self._pos >= len(self._chunk) and self._left:
            return None
        if self._left and not self._scan():
            return None
        chunk, start, end = self._chunk, self._start, self._pos
        if self._body is not None:
            self._body.write(chunk[start:end])
            chunk = self._body.getvalue()
            start, end = 0, len(chunk)
            self._body = None
        frame = new_frame(chunk, start, end, self._large, self._items)
        self._start = self._pos
        self._scanned = self._items = 0
        self._left = 1
        self._large = None
        if self._pos == len(self._chunk):
            self._chunk = b""
            self._pos = self._start = 0
            self._open = None
        return frame

    def _keep(self, end: int) -> None:
        """Put what the chunk holds of an unfinished frame aside."""
        if end > self._start:
            if self._body is None:
                self._body = BytesIO()
            whole = self._start == 0 and end == len(self._chunk)
            self._body.write(self._chunk if whole else self._chunk[self._start : end])
            self._scanned += end - self._start

    def _scan(self) -> bool:
        """
        Walk to the end of the frame; whether it was reached. On ``False`` more bytes are needed.

        It is one long function because every token passes here: to call another for each costs more than to read it.
        """
        if self._open is None:
            self._open = []
        data = self._chunk
        size = len(data)
        pos = self._pos
        left = self._left
        vocabulary = self._vocabulary
        if self._skip:
            pos += min(self._skip, size - pos)
            self._skip -= pos - self._pos
            self._pos = pos
            if self._skip:
                self._check_size(pos)
                return False
            self._close(left - 1)
            left = self._left
            if not left:
                self._check_size(pos)
                return True
        while True:
            if pos >= size:
                break
            token = pos
            kind = data[pos]
            number = shift = 0
            while kind < 0x80 and shift < 56:
                number |= kind << shift
                shift += 7
                pos += 1
                if pos >= size:
                    break
                kind = data[pos]
            if kind < 0x80:  # cut off by the end of the chunk, or of more than eight digits
                pos = self._long_prefix(token)
                if pos < 0:
                    pos = token
                    break
                kind = data[pos]
                number = self._number(token, pos)
            elif shift > 7 and pos - token > self._bounds.prefix_digits:
                raise LimitExceeded("prefix_digits", pos - token, self._bounds.prefix_digits)
            pos += 1
            if kind == 0x80:  # LIST
                if number > self._bounds.list_items:
                    raise LimitExceeded("list_items", number, self._bounds.list_items)
                self._items += number
                if self._items > self._bounds.frame_items:
                    raise LimitExceeded("frame_items", self._items, self._bounds.frame_items)
                if number:
                    if len(self._open) >= self._bounds.depth:
                        raise LimitExceeded("depth", len(self._open) + 1, self._bounds.depth)
                    self._open.append(left)
                    left = number
                    # Most lists of jelly are (unicode "..."), or pairs that begin with one: step over what is known.
                    if number == 2 and pos < size:
                        if data[pos] == 7:
                            if native.starts_with(data, b"\x07\x82unicode", pos):
                                left = 1
                                pos += 9
                        elif data[pos] == 2 and native.starts_with(data, b"\x02\x80\x07\x82unicode", pos):
                            pos = self._known_key(pos)
                            left = 1 if pos < 0 else 2
                            pos = -pos if pos < 0 else pos
                    continue
            elif kind == 0x82:  # STRING
                if number > self._bounds.string_bytes:
                    raise LimitExceeded("string_bytes", number, self._bounds.string_bytes)
                if number >= 65_536:  # LARGE_STRING
                    self._begin_large(number, pos)
                    left -= 1
                    self._close(left)
                    if not self._lift():
                        return False
                    data = self._chunk
                    size = len(data)
                    pos = self._pos
                    left = self._left
                    if not left:
                        return True
                    continue
                if number > size - pos:
                    self._skip = number - (size - pos)
                    pos = size
                    break
                pos += number
            elif kind == 0x87:  # VOCAB
                if not 0 < number < 32 or not vocabulary:
                    raise RemoteProtocolError(f"no word {clip(number)} in the vocabulary of this dialect")
            elif kind == 0x84:  # FLOAT
                if size - pos < 8:
                    pos = token
                    break
                pos += 8
            elif kind > 0x87:
                raise RemoteProtocolError(f"type byte {kind:#04x} starts no token")
            left -= 1
            while not left:
                if not self._open:
                    self._check_size(pos)
                    self._pos = pos
                    self._left = 0
                    return True
                left = self._open.pop() - 1
        self._check_size(size)
        self._pos = pos
        self._left = left
        return False

    def _known_key(self, pos: int) -> int:
        """
        Where the text behind ``(unicode`` at ``pos`` ends, as a negative number; ``pos`` if it is long or not all there.
        """
        data = self._chunk
        length = pos + 11
        if length + 1 >= len(data) or data[length] >= 0x80 or data[length + 1] != 0x82:  # STRING
            return pos
        end = length + 2 + data[length]
        if end > len(data) or len(self._open or ()) >= self._bounds.depth or self._items + 2 > self._bounds.frame_items:
            return pos
        self._items += 2
        return -end

    def _close(self, left: int) -> None:
        """Note what is left after an item, closing the lists that it completes."""
        while not left and self._open:
            left = self._open.pop() - 1
        self._left = left

    def _check_size(self, pos: int) -> None:
        if self._scanned + pos - self._start > self._bounds.frame_bytes:
            raise LimitExceeded("frame_bytes", self._scanned + pos - self._start, self._bounds.frame_bytes)

    def _long_prefix(self, token: int) -> int:
        """Where the type byte of the token at ``token`` lies, or -1 if it has not arrived."""
        data = self._chunk
        pos = token
        last = min(len(data), token + self._bounds.prefix_digits + 1)
        while pos < last:
            if data[pos] >= 0x80:
                return pos
            pos += 1
        if pos - token > self._bounds.prefix_digits:
            raise LimitExceeded("prefix_digits", pos - token, self._bounds.prefix_digits)
        return -1

    def _number(self, token: int, end: int) -> int:
        """What the digits spell, or OVER_ANY_CEILING for anything that long; padding zeros are no fault."""
        data = self._chunk
        number = 0
        shift = 0
        pos = token
        while pos < end:
            digit = data[pos]
            if digit:
                if shift >= 56:
                    return OVER_ANY_CEILING
                number |= digit << shift
            shift += 7
            pos += 1
        return number

    def _begin_large(self, number: int, pos: int) -> None:
        """A large string begins at ``pos``: what came before it is put aside, as the frame's own bytes."""
        self._check_size(pos + number)
        self._keep(pos)
        self._pos = self._start = pos
        self._missing = number
        self._scanned += number

    def _lift(self) -> bool:
        """Take what the chunk holds of the large string that is arriving; whether it is whole now."""
        data, pos = self._chunk, self._pos
        missing = self._missing
        piece = data[pos : pos + missing] if pos or missing < len(data) else data
        self._missing = missing - len(piece)
        self._pos = self._start = pos + len(piece)
        if self._missing or self._arriving is not None:
            if self._arriving is None:
                self._arriving = Arriving(missing)
            self._arriving.write(piece)
            if self._missing:
                return False
            piece = self._arriving.whole()
            self._arriving = None
        if self._large is None:
            self._large = []
        self._large.append(piece)
        return True

    @property
    def held_bytes(self) -> int:
        """Bytes kept here until more arrives, or until the frames among them are asked for."""
        return self._scanned - self._missing + len(self._chunk)

    @property
    def is_between_frames(self) -> bool:
        """Whether nothing of an unfinished frame is held."""
        is_inside = self._body is not None or self._missing or self._skip or self._open or self._left != 1
        return not is_inside and self._start == self._pos >= len(self._chunk)


__all__ = ("Frame", "Framer", "new_frame")
