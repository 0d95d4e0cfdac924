"""
What waits to be sent: messages are written into it, and taken out once for each turn of the driver's loop.

A message that can't be written leaves nothing behind: no bytes, and no counts in the tables. What an application's
hook sends while another message is being written goes behind that message, which was begun first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any

from ..bounded import clip
from ..errors import ConnectionClosed, NotSendable
from ..jelly.encoder import Encoder
from ..limits import Limits
from ..wire.framer import Framer
from ..wire.sink import LARGE_PIECE
from ..wire.tokens import PB, Dialect
from ..wire.writer import Pieces, gather, spell_out, write_expression
from .callbacks import run_callbacks
from .ceilings import ceilings_for
from .events import Driver
from .tables import Tables

IDLE_ENCODERS_KEPT = 4
# Encoders that wait for the next message, of whatever session: to make one costs more than to write a small message, and one
# for each session would lie idle with its buffer. A message takes its encoder out, for a hook may write another meanwhile.
_idle: list[Encoder] = []


class Outbox:
    """
    The messages of one connection on their way out.

    ``may_send``: calls and answers may be written, for a dialect is agreed on and the session has not ended.
    ``answer_bytes`` counts the answers taken out; the driver sets it back when the peer has read them. ``ceilings`` are
    what the peer takes. ``thread`` is the only one that may send, if :meth:`keep_to_thread` was called.
    """

    __slots__ = (
        "_after",
        "_check",
        "_driver",
        "_has_answers",
        "_has_peer_limits",
        "_is_over",
        "_may_wait",
        "_pieces",
        "_tables",
        "_writing",
        "answer_bytes",
        "ceilings",
        "has_large",
        "may_send",
        "thread",
    )

    def __init__(self, driver: Driver, tables: Tables, encoder: type[Encoder] = Encoder) -> None:
        self.ceilings = ceilings_for(PB, encoder)
        self._has_peer_limits = False
        self.may_send = self._is_over = False
        self.answer_bytes = 0
        self.thread = 0
        self._check: Callable[[str], object] | None = None
        self._driver = driver
        self._tables = tables
        self._pieces: Pieces | None = None
        self.has_large = self._has_answers = False  # what is in _pieces
        self._may_wait = False  # all that waits is published, and its flush may be some milliseconds off
        self._writing = 0  # messages being written now, one inside a hook of another
        self._after: list[Pieces | Callable[[], object]] | None = None

    def open(self, dialect: Dialect) -> None:
        """Both ends agreed on a dialect for the first time: the session may send."""
        self.speak(dialect)
        self.may_send = True

    def speak(self, dialect: Dialect, peer_limits: Limits | None = None) -> None:
        """What both ends agreed on, and what the peer has said of its Limits: it is sent nothing that is over those."""
        self._has_peer_limits = peer_limits is not None
        self.ceilings = ceilings_for(dialect, self.ceilings.encoder, peer_limits)

    @property
    def dialect(self) -> Dialect:
        """What both ends speak, ``pb`` until they have agreed."""
        return self.ceilings.dialect

    def take_peer_limits(self, peer_limits: Limits) -> bool:
        """The peer says what it takes: once. Whether this was the first time."""
        if self._has_peer_limits:
            return False
        self.speak(self.dialect, peer_limits)
        return True

    def write(
        self, pieces: Pieces, value: Any, kwargs: dict[str, Any] | None, perspective: Any, make: Any = None
    ) -> bool:
        """
        Append one jelly to a message, or with ``kwargs`` the two of a call; whether a large string is among them.

        ``make`` makes an encoder for this once.

        Raises:
            NotSendable: a value can't cross. The tables are as before: what was counted for the peer is taken back.
        """
        tables, ceilings = self._tables, self.ceilings
        outer, tables.journal = tables.journal, None
        was_open = self.may_send
        try:
            encoder = _idle.pop()
        except IndexError:  # other threads have loops of their own
            encoder = None
        if make is not None:
            encoder = make(tables, perspective, ceilings.depth, ceilings.at_most)
        elif encoder is None or type(encoder) is not ceilings.encoder:
            encoder = ceilings.encoder(tables, perspective, ceilings.depth, ceilings.at_most)
        else:
            encoder.begin(tables, perspective, ceilings.depth, ceilings.at_most)
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
            is_to_be_framed = encoder.may_be_too_deep or encoder.items_at_most > ceilings.items_limit
            written = encoder.written()
            if is_to_be_framed or len(written) > 1 or len(written[0]) > ceilings.bytes_limit:
                ceilings.measure([*pieces, *written], is_to_be_framed)
            pieces += written
            has_large = len(written) > 1 or len(written[0]) >= LARGE_PIECE
            if was_open and not self.may_send:
                raise ConnectionClosed("a hook of what was to be sent has ended the connection")
            return has_large
        except BaseException:
            stops = [partial(entry.stop, self._driver) for entry in tables.undo()]
            run_callbacks(self._driver, "running stoppedObserving", stops)
            raise
        finally:
            tables.journal = outer
            self._writing -= 1
            encoder.let_go()
            if len(_idle) < IDLE_ENCODERS_KEPT and make is None:
                _idle.append(encoder)
            if self._after is not None and not self._writing and not self._pieces:
                self._driver.output_ready()  # nobody may queue the message that they wait for

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

    def jelly(self, value: Any, perspective: Any = None, make: Any = None) -> Pieces:
        """
        One value as it would lie on the wire, for a driver that sends it later; what it refers to is counted now.

        ``make`` makes another encoder than this outbox's.

        Raises:
            NotSendable: it can't cross; nothing was counted.
        """
        pieces: Pieces = []
        self.write(pieces, value, None, perspective, make)
        return pieces

    def send(self, message: list[Any]) -> None:
        """
        Send a message that is an s-expression already. Nothing in it is counted, and nothing waits for an answer.

        Raises:
            NotSendable: banana can't carry it; nothing was sent.
        """
        if not self._is_over:
            pieces: Pieces = []
            write_expression(pieces, message, PB)
            self.queue(pieces, True)

    def behind(self, function: Callable[[], object]) -> None:
        """Run this at once or, where a message is being written, when that is queued, or could not be written."""
        if not self._writing:
            function()
            return
        if self._after is None:
            self._after = []
        self._after.append(function)

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
        if not self.ceilings.dialect.has_vocabulary and self.may_send:
            scratch = Framer(Limits.trusted())
            scratch.speak(PB)
            pieces = spell_out(pieces, scratch)
        out = gather(pieces) if self.has_large else [b"".join(pieces)]
        if self._has_answers:
            self.answer_bytes += sum(map(len, out))
        self.has_large = self._has_answers = self._may_wait = False
        return out

    def keep_to_thread(self, check: Callable[[str], object]) -> None:
        """
        From now on nothing is sent on another thread than this one, but what ``check(what)`` lets pass: it raises
        WrongThread, or else the loop has moved to that thread, which is the only one then.
        """
        self.thread = get_ident()
        self._check = check

    def check_thread(self, method: str | bytes | None = None, what: str = "notifyOnDisconnect()") -> None:
        """A call of ``method`` is about to be made, or else ``what`` is about to be done. Raises WrongThread."""
        if self._check is not None and self.thread != get_ident():
            self._check(f"callRemote({clip(method)})" if method is not None else what)
            self.thread = get_ident()

    @property
    def pieces_waiting(self) -> int:
        """How many pieces wait."""
        return len(self._pieces) if self._pieces is not None else 0

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process, here or at the driver; not for the hot path."""
        after = [piece for each in self._after or () if isinstance(each, list) for piece in each]
        return sum(map(len, [*(self._pieces or ()), *after])) + (self._driver.unsent_bytes() if self.may_send else 0)

    def queue_spelled(self, pieces: Pieces) -> None:
        """Send one message to a peer with which no vocabulary is agreed yet."""
        scratch = Framer(Limits.trusted())
        scratch.speak(PB)
        self.queue(spell_out(pieces, scratch), True)

    def clear(self) -> None:
        """The connection has ended: nothing more goes out."""
        self.may_send = False
        self._is_over = True
        self._pieces = None
        self._after = None

    def _queue_after(self) -> None:
        after, self._after = self._after or (), None
        for each in after:
            if isinstance(each, list):
                self.queue(each, True)
            else:
                each()
