"""
Where a message is put together: bytes in a row, and behind them what is to stand before them after all.

The encoder learns only late that a part is shared. ``(reference n`` then goes before what has been written, which is a
pure prefix: it is noted with its place, and put in at the end. Large byte strings are not copied: they stay pieces of
their own.

The compiled build writes into the buffer's memory. What does so is a few lines of C each in sink.pxd, called only where
``_compiled`` is true: ``append``, ``append_float``, ``append_natural``, ``append_ascii``, ``used``, ``taken``, ``empty``.
There is no Python that Cython makes this of: to grow a bytearray costs a call into Python for each token.
"""

from __future__ import annotations

import struct
import types

from .tokens import VOCABULARY

LARGE_PIECE = 65_536  # bytes: a piece of at least this size is not joined with its neighbours

_double = struct.Struct("!d").pack
# Whether a word of the vocabulary has so many bytes and begins so: 128 flags for each length up to 13.
FIRSTS = bytes(
    any(len(word) == size and word[0] == first for word in VOCABULARY if word) for size in range(14) for first in range(128)
)


class Sink:
    """One message on its way to bytes."""

    __slots__ = ("_data", "_parts", "_prefixes", "_sealed")

    def __init__(self) -> None:
        self._data = bytearray()  # on the compiled build it is longer than what is written
        self.begin()

    def begin(self) -> None:
        """Start on another message, as new."""
        if _compiled:
            empty(self)  # type: ignore[name-defined]  # noqa: F821
        elif self._data:
            self._data = bytearray()
        self._sealed = 0  # bytes of _parts
        self._parts: list[bytes] | None = None  # what lies before _data: large strings, and what came between them
        self._prefixes: list[tuple[int, bytes]] | None = None

    @property
    def place(self) -> int:
        """Where the next byte will be, insertions not counted."""
        return self._sealed + self._size()

    def put(self, piece: bytes) -> None:
        """Write these bytes."""
        if _compiled:
            append(self, piece)  # type: ignore[name-defined]  # noqa: F821
        else:
            self._data += piece

    def put_float(self, number: float) -> None:
        """Write the token of a float."""
        if _compiled:
            append_float(self, number)  # type: ignore[name-defined]  # noqa: F821
        else:
            self._data += b"\x84" + _double(number)

    def put_natural(self, number: int) -> None:
        """Write the INT token of a number of at most 31 bits, which must not be negative."""
        if _compiled:
            append_natural(self, number)  # type: ignore[name-defined]  # noqa: F821
            return
        data = self._data
        while number >= 0x80:
            data.append(number & 0x7F)
            number >>= 7
        data.append(number)
        data.append(0x81)

    def put_ascii(self, head: bytes, text: str) -> bool:
        """
        Write ``head`` and the string token of a text, if that is short and plain; whether it was.

        On the pure build nothing is: what it takes to find out costs as much as to write it.
        """
        if _compiled:
            return append_ascii(self, head, text)  # type: ignore[name-defined,no-any-return]  # noqa: F821
        return False

    def put_large(self, piece: bytes | memoryview) -> None:
        """Write these bytes, of which there are many, without copying them; a memoryview must be a flat one of bytes."""
        if self._parts is None:
            self._parts = []
        before = self._taken()
        if before:
            self._parts.append(before)
        self._parts.append(piece)  # type: ignore[arg-type]  # all that is done with pieces does for a memoryview, too
        self._sealed += len(before) + len(piece)

    def insert(self, place: int, prefix: bytes) -> None:
        """Have these bytes stand before what was written at ``place``."""
        if self._prefixes is None:
            self._prefixes = []
        self._prefixes.append((place, prefix))

    def take(self) -> list[bytes]:
        """All that was written, as few pieces; the sink begins anew."""
        if self._parts is None and self._prefixes is None:
            return [self._taken()]
        parts = self._parts or []
        parts.append(self._taken())
        if self._prefixes is not None:
            parts = self._with_prefixes(parts)
        self.begin()
        return parts

    def _with_prefixes(self, parts: list[bytes]) -> list[bytes]:
        prefixes = sorted(self._prefixes or ())
        out: list[bytes] = []
        start = done = 0
        for part in parts:
            end = start + len(part)
            pieces: list[bytes] = []
            last = 0
            while done < len(prefixes) and prefixes[done][0] < end:
                place, prefix = prefixes[done]
                pieces += (part[last : place - start], prefix)
                last = place - start
                done += 1
            out.append(b"".join([*pieces, part[last:]]) if pieces else part)
            start = end
        return out

    # --- what differs

    def _size(self) -> int:
        """How many bytes lie in the buffer."""
        if _compiled:
            return used(self)  # type: ignore[name-defined,no-any-return]  # noqa: F821
        return len(self._data)

    def _taken(self) -> bytes:
        """What lies in the buffer, which is empty then."""
        if _compiled:
            return taken(self)  # type: ignore[name-defined,no-any-return]  # noqa: F821
        data = bytes(self._data)
        self._data = bytearray()
        return data


COMPILED = _compiled = not isinstance(Sink.__init__, types.FunctionType)  # a plain function is one that Python interprets
