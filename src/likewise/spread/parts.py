"""
S-expressions for classes that read themselves, one of which may be nested in another a hundred times.

What such a class is given is written and read once, whatever is nested in it: each list knows where in the frame it lies,
so a part is read from there, and a class within it gets the very lists that are here already. Only where a class has
changed what it was given, or made a list of its own, is that written anew; a message pays for that out of
:data:`~likewise.limits.REWRITTEN` times its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ..errors import InsecureJelly
from ..limits import DEEPEST, KIB, REWRITTEN
from ..wire.framer import LARGE_STRING, Frame, new_frame
from ..wire.tokens import LARGEST_INT, LIKEWISE_1
from ..wire.writer import Pieces, bytes_token, int_token, list_head, string_head, write_expression


class WrittenPart(list[Any]):
    """A list of an s-expression, and where it lies in the frame that was written for it."""

    __slots__ = ("end", "large_end", "large_start", "start", "written")

    def __init__(self, written: WrittenParts) -> None:
        super().__init__()
        self.written = written
        self.start = self.end = self.large_start = self.large_end = 0


def _changing(name: str) -> Callable[..., Any]:
    method = getattr(list, name)

    def change(self: WrittenPart, *args: Any, **kwargs: Any) -> Any:
        self.written.is_changed = True
        return method(self, *args, **kwargs)

    return change


CHANGING = (
    "__delitem__",
    "__iadd__",
    "__imul__",
    "__setitem__",
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
)
for _name in CHANGING:
    setattr(WrittenPart, _name, _changing(_name))


class WrittenParts:
    """
    An s-expression in two forms: as :class:`WrittenPart` lists, and as a frame.

    ``left`` is how many bytes may still be written for this message, in a list that all that is written for it share;
    ``None`` for the first, whose size decides.
    """

    def __init__(self, expression: Any, left: list[int] | None = None) -> None:
        self.left = left
        self.is_changed = False
        self.behind_tag: dict[int, WrittenPart] = {}  # place behind the first item of a list -> that list
        self._data = bytearray()
        self._large: list[bytes] = []
        self._items = 0
        self._large_size = self._size = 0
        self.top = self._write(expression)
        self._charge()
        self.data = bytes(self._data)
        if left is None:
            self.left = [REWRITTEN * max(self._size, 64 * KIB)]

    def frame_of(self, part: WrittenPart) -> Frame:
        """The part, to be read."""
        return new_frame(self.data, part.start, len(self.data), self._large[part.large_start :], self._items)

    def frame_behind(self, part: WrittenPart) -> Frame:
        """What follows the part, to be read on."""
        return new_frame(self.data, part.end, len(self.data), self._large[part.large_end :], self._items)

    def _write(self, expression: Any) -> WrittenPart:
        around: list[tuple[WrittenPart, Iterator[Any]]] = []
        part, items = self._begin(expression), iter(expression)
        while True:
            for item in items:
                if isinstance(item, (list, tuple)):
                    around.append((part, items))
                    if len(around) > DEEPEST:
                        raise InsecureJelly("an s-expression that is nested too deep")
                    inner = self._begin(item)
                    list.append(part, inner)
                    part, items = inner, iter(item)
                    break
                self._leaf(item)
                list.append(part, item)
                if len(part) == 1:
                    self.behind_tag[len(self._data)] = part
            else:
                part.end, part.large_end = len(self._data), len(self._large)
                if not around:
                    return part
                part, items = around.pop()

    def _begin(self, items: Any) -> WrittenPart:
        part = WrittenPart(self)
        part.start, part.large_start = len(self._data), len(self._large)
        self._put(list_head(len(items)))
        return part

    def _leaf(self, item: Any) -> None:
        if type(item) is bytes:
            if len(item) < LARGE_STRING:
                self._put(bytes_token(item))
                return
            self._put(string_head(len(item)))
            self._large.append(item)
            self._large_size += len(item)
            self._charge()
        elif type(item) is int and -LARGEST_INT <= item <= LARGEST_INT:
            self._put(int_token(item))
        else:
            pieces: Pieces = []
            write_expression(pieces, item, LIKEWISE_1)
            self._put(b"".join(pieces))

    def _put(self, token: bytes) -> None:
        self._data += token
        self._items += 1
        if not self._items % 1_024:  # a token is short
            self._charge()

    def _charge(self) -> None:
        """Pay for what was written since the last time."""
        size = len(self._data) + self._large_size
        grown, self._size = size - self._size, size
        if self.left is not None:
            self.left[0] -= grown
            if self.left[0] < 0:
                raise InsecureJelly(f"read anew over {REWRITTEN} times, by classes that change what they read")


current: Final[dict[int, WrittenParts]] = {}
"""id of a decoder -> the expression that a class is just reading parts of, through it."""


__all__ = ("WrittenPart", "WrittenParts", "current")
