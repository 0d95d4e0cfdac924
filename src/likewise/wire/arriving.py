"""
What has come of a large string.

It grows as bytes come, so that nothing is reserved on a peer's word, and gives away what it holds without a copy. Pieces
that are kept and joined at the end need twice the memory: enough for the allocator to give it back to the system each time,
which costs more than all else here.

What is larger than allocators ever keep (32 MiB) is new memory each time, and the system takes 70 ms to hand out 100 MB of
it page by page. So the compiled build asks for large pages, once a part of the string is there; that takes 20 ms. Of memory
that is asked for the system gives only what is written to.
The few lines of C for it are in arriving.pxd and native.pxd; what they do is said here.
"""

from __future__ import annotations

import types
from io import BytesIO

VAST = 33_554_432  # bytes: from here on memory comes from the system each time
SHARE = 64  # so small a part of a string that has come is word enough for the rest


class Arriving:
    """The bytes of one string, of which ``size`` are to come."""

    __slots__ = ("_body", "_grows", "_size", "_taken")

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._grows = BytesIO()
        self._body = b""  # on the compiled build, and for what is vast: as long as it will be

    def write(self, piece: bytes) -> None:
        """The next of them."""
        if _compiled and self._size >= VAST and (self._taken + len(piece)) * SHARE >= self._size:
            put(self, piece)  # type: ignore[name-defined]  # noqa: F821  # it is in arriving.pxd
        else:
            self._grows.write(piece)
        self._taken += len(piece)

    def whole(self) -> bytes:
        """All of them; nothing may be written any more."""
        return self._body or self._grows.getvalue()


_compiled = not isinstance(Arriving.__init__, types.FunctionType)

__all__ = ("Arriving",)
