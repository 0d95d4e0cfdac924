"""
What waits to be sent: messages are written into it, and taken out once for each turn of the driver's loop.

A message that can't be written leaves nothing behind: no bytes, and no counts in the tables. What an application's
hook sends while another message is being written goes behind that message, which was begun first.
"""

from __future__ import annotations

from typing import Any

from ..errors import ConnectionClosed, LimitExceeded, NotSendable
from ..jelly.encoder import Encoder
from ..limits import Limits
from ..wire.framer import Framer
from ..wire.sink import LARGE_PIECE
from ..wire.tokens import PB, Dialect
from ..wire.writer import Pieces, gather, spell_out
from .events import Driver
from .tables import Tables

IDLE_KEPT = 4
_idle: list[Encoder] = []  # to be used again, by whatever message is next
JELLY_MARGIN = 4  # lists of limits.depth that the message itself and the innermost atom take
HEAD_ITEMS = 16  # of limits.frame_items, at most: what stands in a message besides its jellies


class Outbox:
    """
    The messages of one connection on their way out.

    ``is_open`` is kept by the broker: calls and answers may be written. ``answer_bytes`` counts the answers taken out;
    the driver sets it back when the peer has read them.
    """

    __slots__ = (
        "_after",
        "_at_most",
        "_bytes_limit",
        "_depth",
        "_driver",
        "_encoder",
        "_has_answers",
        "_items_limit",
        "_limits",
        "_may_wait",
        "_pieces",
        "_tables",
        "_writing",
        "answer_bytes",
        "dialect",
        "has_large",
        "is_open",
    )

    def __init__(self, driver: Driver, tables: Tables, limits: Limits, encoder: type[Encoder] = Encoder) -> None:
        self._encoder = encoder
        self._limits = limits
        # What stays below these needs no measuring, whatever stands before and around it.
        self._bytes_limit = limits.frame_bytes // 2
        self._items_limit = limits.frame_items - HEAD_ITEMS
        self.speak(PB)
        self.is_open = False
        self.answer_bytes = 0
        self._driver = driver
        self._tables = tables
        self._depth = limits.depth - JELLY_MARGIN
        self._pieces: Pieces | None = None
        self.has_large = self._has_answers = False  # what is in _pieces
        self._may_wait = False  # all that waits is published, and its flush may be some milliseconds off
        self._writing = 0  # messages being written now, one inside a hook of another
        self._after: list[Pieces] | None = None

    def speak(self, dialect: Dialect) -> None:
        """What both ends agreed on. The peer is taken to have the ceilings that hold here: a larger message would end it."""
        limits = self._limits
        self.dialect: Dialect = dialect
        sizes = min(dialect.string_bytes, limits.string_bytes), min(dialect.list_items, limits.list_items)
        self._at_most = Dialect(dialect.name, dialect.has_vocabulary, *sizes)

    def write(
        self, pieces: Pieces, value: Any, kwargs: dict[str, Any] | None, perspective: Any, make: Any = None
    ) -> bool:
        """
        Append one jelly to a message, or with ``kwargs`` the two of a call; whether a large string is among them.

        ``make`` makes an encoder for this once.

        Raises:
            NotSendable: a value can't cross. The tables are as before: what was counted for the peer is taken back.
        """
        tables = self._tables
        outer, tables.journal = tables.journal, None
        was_open = self.is_open
        try:
            encoder = _idle.pop()
        except IndexError:  # other threads have loops of their own
            encoder = None
        if make is not None:
            encoder = make(tables, perspective, self._depth, self._at_most)
        elif encoder is None or type(encoder) is not self._encoder:
            encoder = self._encoder(tables, perspective, self._depth, self._at_most)
        else:
            encoder.begin(tables, perspective, self._depth, self._at_most)
        self._writing += 1
        try:
            try:
                if kwargs is None:
                    encoder.encode(value)
                else:
                    encoder.encode_arguments(value)
                    encoder.encode_keywords(kwargs)
            except RecursionError:  # the pure build, called from deep within an application
                raise NotSendable("nested deeper than Python's recursion limit allows here") from None
            is_to_be_framed = encoder.may_be_too_deep or encoder.items_at_most > self._items_limit
            written = encoder.written()
            if is_to_be_framed or len(written) > 1 or len(written[0]) > self._bytes_limit:
                self._measure([*pieces, *written], is_to_be_framed)
            pieces += written
            has_large = len(written) > 1 or len(written[0]) >= LARGE_PIECE
            if was_open and not self.is_open:
                raise ConnectionClosed("a hook of what was to be sent has ended the connection")
            return has_large
        except BaseException:
            for entry in tables.undo():
                entry.stop(self._driver)
            raise
        finally:
            tables.journal = outer
            self._writing -= 1
            encoder.let_go()
            if len(_idle) < IDLE_KEPT and make is None:
                _idle.append(encoder)
            if self._after is not None and not self._writing and not self._pieces:
                self._driver.output_ready()  # nobody may queue the message that they wait for

    def _measure(self, pieces: Pieces, is_to_be_framed: bool) -> None:
        """Refuse here what a peer with these ceilings would end the connection for."""
        limits = self._limits
        size = sum(map(len, pieces))
        if size > limits.frame_bytes:
            raise NotSendable(f"a message of {size:,} bytes: at most {limits.frame_bytes:,} are sent (limits.frame_bytes)")
        if is_to_be_framed:
            framer = Framer(limits)
            framer.speak(self.dialect if self.dialect.has_vocabulary else PB)
            framer.feed(b"".join(pieces))
            try:
                framer.next_frame()
            except LimitExceeded as error:
                raise NotSendable(f"a message that no peer with limits as here would take: {error}") from None

    def queue(self, pieces: Pieces, has_large: bool = False) -> None:
        """Send these pieces, one message; the list is this outbox's from now on."""
        if self._writing:
            if self._after is None:
                self._after = []
            self._after.append(pieces)
            return
        is_news = not self._pieces or self._may_wait
        self._may_wait = False
        if has_large:
            self.has_large = True
        if self._pieces is None:
            self._pieces = pieces
        else:
            self._pieces += pieces
        if is_news:  # last, for a driver may write at once
            self._driver.output_ready()
        if self._after is not None:
            self._queue_after()

    def queue_answer(self, pieces: Pieces, has_large: bool = False) -> None:
        """The same for an answer, which is counted until the peer has read it."""
        self._has_answers = True
        self.queue(pieces, has_large)

    def queue_shared(self, head: bytes, tail: bytes) -> None:
        """Send one message whose ``tail`` goes to others as well; it may wait a little, so that several share a write."""
        if self._writing:
            self.queue([head, tail])
            return
        is_news = not self._pieces
        if self._pieces is None:
            self._pieces = [head, tail]
        else:
            self._pieces.append(head)
            self._pieces.append(tail)
        if len(tail) >= LARGE_PIECE:
            self.has_large = True
        if is_news:
            self._may_wait = True
            self._driver.output_may_wait()

    def take(self) -> Pieces:
        """All that waits, joined; large strings are pieces of their own. Empty when there is nothing."""
        if self._after is not None and not self._writing:
            self._queue_after()
        pieces, self._pieces = self._pieces, None
        if pieces is None:
            return []
        if not self.dialect.has_vocabulary and self.is_open:
            scratch = Framer(Limits.trusted())
            scratch.speak(PB)
            pieces = spell_out(pieces, scratch)
        out = gather(pieces) if self.has_large else [b"".join(pieces)]
        if self._has_answers:
            self.answer_bytes += sum(map(len, out))
        self.has_large = self._has_answers = self._may_wait = False
        return out

    @property
    def pieces_waiting(self) -> int:
        """How many pieces wait."""
        return len(self._pieces) if self._pieces is not None else 0

    def queue_spelled(self, pieces: Pieces) -> None:
        """Send one message to a peer with which no vocabulary is agreed yet."""
        scratch = Framer(Limits.trusted())
        scratch.speak(PB)
        self.queue(spell_out(pieces, scratch), True)

    def clear(self) -> None:
        """The connection has ended: nothing more goes out."""
        self.is_open = False
        self._pieces = None
        self._after = None

    def _queue_after(self) -> None:
        after, self._after = self._after or (), None
        for pieces in after:
            self.queue(pieces, True)
