"""
Items of a stream on their way out: written one by one, as each is yielded, and sent together as the answer to one call.

What is yielded is written at once: whoever yields the same list again and again, changed in between, sends each state of
it. Small values that can't be changed may wait for one another, which is cheaper.

An answer is one jelly. So that numbers of references do not meet in it, an item in which something is shared ends it. An
item that begins a mirror, or that names what either end may release meanwhile, does so as well: it is sent at once, before
any change or release that may follow.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import NotSendable
from ..jelly.expressions import to_frame
from ..jelly.salvage import Salvage
from ..limits import Limits
from ..wire.sink import LARGE_PIECE
from ..wire.tokens import LARGE_NUMBER
from ..wire.writer import Pieces, int_token, list_head
from .core import Broker
from .entries import Observed
from .events import CallReceived
from .messages import ANSWER_HEAD

SHORT_ITEM: Final = 4_096  # bytes, or characters, of what may wait for others
NUMBER: Final = 9  # bytes that a small value is taken to need
LIST_OF_ONE: Final = b"\x02\x80\x08\x87"
LIST_WORD: Final = b"\x08\x87"
NAMED: Final = b"\x03\x80\x04\x87"  # (reference n X)
BY_ID: Final = (b"\x02\x80\x0f\x87", b"\x02\x80\x11\x87", b"\x02\x80\x12\x87")  # (cached n), (local n), (lcache n)
UNSHARED: Final = (bytes, str, int)  # in which nothing is shared, whatever it says
READER: Final = Limits.trusted()


class Batch:
    """
    What one call for items is going to be answered with.

    ``count`` and ``size`` are items and bytes that it holds. ``held`` is an item more that was written already and found
    to be too much for it: it begins the next one.
    """

    __slots__ = (
        "_broker",
        "_count_limit",
        "_is_closed",
        "_perspective",
        "_pieces",
        "_plain",
        "_size_limit",
        "count",
        "held",
        "size",
    )

    def __init__(self, broker: Broker, perspective: Any) -> None:
        self._broker = broker
        self._perspective = perspective
        self.held: Pieces | None = None
        self._begin()

    def _begin(self) -> None:
        limits, told = self._broker.limits, self._broker.outbox.ceilings.limits
        # A token takes two bytes at least, and the costliest values count as a dozen of them.
        self._size_limit = min(limits.stream_bytes, told.frame_bytes // 2, told.frame_items // 4)
        self._count_limit = min(told.list_items - 2, told.frame_items // 8)
        self._pieces: Pieces = []
        self._plain: list[Any] = []
        self._is_closed = False
        self.count = self.size = 0
        held, self.held = self.held, None
        if held is not None:
            self._append(held)

    def is_full(self, count: int) -> bool:
        """Whether no more should be put in, where ``count`` items are asked for."""
        return (
            self.count >= count
            or self.size >= self._size_limit
            or self.count >= self._count_limit
            or self._is_closed
            or self.held is not None
        )

    def add(self, item: Any) -> bool:
        """
        Put one more item in; not if it is full. ``False`` if this one has to begin the next answer: add it again, then.

        Raises:
            NotSendable: it can't cross. What was put in before stays.
        """
        kind = type(item)
        if kind is float or kind is bool or item is None or (kind is int and -LARGE_NUMBER < item < LARGE_NUMBER):
            self.size += NUMBER
        elif (kind is bytes or (kind is str and item.isascii())) and len(item) < SHORT_ITEM:
            self.size += len(item) + NUMBER
        else:
            return self._write(item)
        self._plain.append(item)
        self.count += 1
        return True

    def answer(self, call: CallReceived) -> None:
        """Send what is there as the answer to this call, and begin anew."""
        self._write_plain()
        pieces = [ANSWER_HEAD + int_token(call.request) + list_head(self.count + 1) + LIST_WORD, *self._pieces]
        outbox = self._broker.outbox
        if call.want_answer and outbox.may_send:
            outbox.queue_answer(pieces, any(len(piece) >= LARGE_PIECE for piece in pieces))
        else:
            self._give_back(self._pieces, self.count)
        self._begin()

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._write_plain()
        self._give_back(self._pieces, self.count)
        if self.held is not None:
            self._give_back(self.held, 1)
            self.held = None
        self._begin()

    def _write(self, item: Any) -> bool:
        tables = self._broker.tables
        observed = len(tables.observed)
        try:
            pieces = self._broker.outbox.jelly([item], self._perspective)
        except NotSendable as error:
            error.path = "item" + error.path.removeprefix("[0]")
            raise
        pieces[0] = pieces[0][len(LIST_OF_ONE) :]
        self._write_plain()
        is_last = type(item) not in UNSHARED and (len(tables.observed) > observed or _goes_at_once(pieces))
        if not self.count or self.size + sum(map(len, pieces)) <= self._size_limit:
            self._append(pieces, is_last)
        elif is_last:
            self._give_back(pieces, 1)
            self._is_closed = True
            return False
        else:
            self.held = pieces
        return True

    def _append(self, pieces: Pieces, is_last: bool = False) -> None:
        self._is_closed = is_last
        self._pieces += pieces
        self.size += sum(map(len, pieces))
        self.count += 1

    def _write_plain(self) -> None:
        plain = self._plain
        if plain:
            self._plain = []
            pieces = self._broker.outbox.jelly(plain, None)
            pieces[0] = pieces[0][len(list_head(len(plain) + 1) + LIST_WORD) :]
            self._pieces += pieces

    def _give_back(self, pieces: Pieces, count: int) -> None:
        """So many items were written and are not sent: take back what they have counted for the peer."""
        tables, driver = self._broker.tables, self._broker.driver
        if not count or self._broker.is_closed:
            return
        frame = to_frame(list_head(count + 1) + LIST_WORD + b"".join(pieces), READER)
        found = Salvage(frame, frame.start, 0).walk()
        for luid in found.references:
            tables.release(luid)
        for luid in found.caches:
            entry = tables.release_cache(luid)
            if isinstance(entry, Observed):
                entry.stop(driver)


def _goes_at_once(pieces: Pieces) -> bool:
    """Whether the bytes of an item may hold what must not wait for others, or meet them."""
    return any(NAMED in piece or any(head in piece for head in BY_ID) for piece in pieces)


__all__ = ("Batch",)
