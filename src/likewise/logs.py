"""
What is logged about peers, in bounds: who can have one line written can have a million written.

Drivers log through a :class:`Throttle`, one for each endpoint. Beyond ``limits.log_lines`` lines or ``limits.log_bytes``
bytes in :data:`ALLOWANCE_SECONDS` entries are counted instead of written, and one line tells how many of which kind there
were.

A peer chooses a part of many texts, of an exception's above all: no such part begins a line, or moves a cursor.

asyncio writes about peers, too: of a failed call that nobody looked at, of connections that can't be taken. A filter on
its logger, see :func:`restrain`, has those lines go through the Throttle of the endpoint that they are about.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import types
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from .bounded import clip, is_cheap, one_line, outline, text_of

ALLOWANCE_SECONDS: Final = 10.0
LONGEST_VALUE: Final = 2_000  # characters of one value in a line
TRACEBACK: Final = 8_000  # characters of an error with its traceback

CallLater = Callable[[float, Callable[[], None]], object]


class Allowance:
    """
    So many ``lines`` and ``size`` bytes in :data:`ALLOWANCE_SECONDS`, and a summary of the others, which ``tell`` is called
    with.

    ``later(seconds, function)`` of each call is how the driver has something run later; ``None`` where nothing can be.
    """

    __slots__ = ("_began", "_left", "_left_bytes", "_lines", "_runs", "_size", "_tell", "_unwritten")

    def __init__(self, lines: int, size: float, tell: Callable[[str], object]) -> None:
        self._lines = self._left = lines
        self._size = self._left_bytes = size
        self._tell = tell
        self._unwritten: Counter[str] = Counter()  # kind -> how many; the kinds are our own words, hence few
        self._runs = False
        self._began = time.monotonic()

    def may_write(self, later: CallLater | None, kind: str) -> bool:
        """Whether to write one more entry; if not, it has been counted."""
        now = time.monotonic()
        if now - self._began > (
            2 * ALLOWANCE_SECONDS if self._runs else ALLOWANCE_SECONDS
        ):  # no timer, or one of a loop that has ended
            self._begin_anew()
        if not self._runs and later is not None:
            self._runs = True
            later(ALLOWANCE_SECONDS, self._begin_anew)
        if self._left > 0 and self._left_bytes > 0:
            self._left -= 1
            return True
        self._unwritten[kind] += 1
        return False

    def wrote(self, size: int) -> None:
        """The entry has so many bytes. The last one may go over: an entry is bounded itself."""
        self._left_bytes -= size

    def flush(self) -> None:
        """Tell now what was counted."""
        if self._unwritten:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self._unwritten.most_common())
            over = "log_bytes" if self._left > 0 else "log_lines"
            self._unwritten.clear()
            self._tell(f"not logged, over limits.{over} in {ALLOWANCE_SECONDS:g} s: {kinds}")

    def _begin_anew(self) -> None:
        self.flush()
        self._runs = False
        self._began = time.monotonic()
        self._left = self._lines
        self._left_bytes = self._size


class Throttle(Allowance):
    """Writes to ``log`` what it may."""

    __slots__ = ("__weakref__", "_log", "mark")

    def __init__(self, log: logging.Logger, lines: int, size: float) -> None:
        super().__init__(lines, size, log.error)
        self._log = log
        self.mark = types.TracebackType(None, _shown_frame, -1, _shown_frame.f_lineno - 1)
        """What an error that came from a peer of this endpoint gets for a traceback, to be known by."""
        _marks[id(self.mark)] = self

    def warning(self, later: CallLater, kind: str, text: str, *args: object) -> None:
        """One line of this kind, or one more that is counted."""
        self._line(logging.WARNING, later, kind, text, args)

    def note(self, later: CallLater, kind: str, text: str, *args: object) -> None:
        """As :meth:`warning`, what is no fault."""
        self._line(logging.INFO, later, kind, text, args)

    def failure(self, later: CallLater, kind: str, error: BaseException, text: str, *args: object) -> None:
        """
        As :meth:`warning`, an error with its traceback.

        The error itself goes to the handlers only where printing it is cheap: one that holds what a peer sent may
        have no end. What they print is the text made here.
        """
        if not self._log.isEnabledFor(logging.ERROR) or not self.may_write(later, kind):
            return
        exc_info = (type(error), error, error.__traceback__) if is_cheap(error) else None
        self._write(logging.ERROR, text, args, exc_info, indented(outline(error, TRACEBACK)))

    def _line(self, level: int, later: CallLater, kind: str, text: str, args: tuple[object, ...]) -> None:
        if self._log.isEnabledFor(level) and self.may_write(later, kind):
            self._write(level, text, args)

    def _write(self, level: int, text: str, args: tuple[object, ...], exc_info: Any = None, exc_text: str = "") -> None:
        file, line, function, _ = self._log.findCaller(stacklevel=3 if exc_text else 4)
        shown = tuple(map(_shown, args))
        record = self._log.makeRecord(self._log.name, level, file, line, text, shown, exc_info, function)
        if exc_text:
            record.exc_text = exc_text
        self.wrote(len(record.getMessage()) + len(exc_text))
        self._log.handle(record)


class Seldom:
    """
    Writes one error in :data:`ALLOWANCE_SECONDS` to ``log``: for faults of the set-up, which a peer meets at will.
    """

    __slots__ = ("_clock", "_log", "_next")

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._next = 0.0

    def error(self, text: str, *args: object) -> None:
        """Write it, unless one was written lately."""
        now = self._clock()
        if now >= self._next:
            self._next = now + ALLOWANCE_SECONDS
            self._log.error(text, *map(_shown, args), stacklevel=2)


def indented(text: str) -> str:
    """A traceback none of whose lines begins where those of a log do."""
    return "\n".join("  " + one_line(line) for line in text.rstrip("\n").split("\n"))


def _shown(value: Any) -> object:
    """One value of a line: our own words and numbers as they are, the text of an error, of anything else a part."""
    kind = type(value)
    if kind is float or (kind is int and -1 << 64 < value < 1 << 64):
        return value
    if kind is str:
        text: str = value[:LONGEST_VALUE]
    elif issubclass(kind, BaseException):
        text = text_of(value, LONGEST_VALUE)
    else:
        text = clip(value)
    return one_line(text)[:LONGEST_VALUE]


# --- what asyncio says of peers

OUT_OF: Final = "socket.accept() out of system resource"

_marks: weakref.WeakValueDictionary[int, Throttle] = weakref.WeakValueDictionary()
_accepting: weakref.WeakKeyDictionary[Throttle, _Accepting] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def at_the_peer() -> Iterator[types.FrameType]:
    """The frame that stands innermost in the traceback of an error that came from a peer, which shows its line below."""
    # the peer sent this error: where it was raised there is known in its log
    yield sys._getframe()


_suspended = at_the_peer()  # as long as it is, its frame leads to no other, which would be kept with all it holds
_shown_frame = next(_suspended)


def throttle_of(error: BaseException) -> Throttle | None:
    """The Throttle of the endpoint whose peer sent this error; ``None`` for an error that no peer sent."""
    at = BaseException.__dict__["__traceback__"].__get__(error)
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return _marks.get(id(at))


def accepting(throttle: Throttle, sockets: Iterable[object], remedy: str) -> None:
    """The endpoint takes connections on these: of those that can't be taken its Throttle tells, and of the ``remedy``."""
    _accepting[throttle] = _Accepting(frozenset(f"socket: {each!r}" for each in sockets), remedy)


class _Accepting:
    """The sockets of an endpoint as asyncio prints them, and from when on one more line about them may be written."""

    __slots__ = ("next", "remedy", "sockets")

    def __init__(self, sockets: frozenset[str], remedy: str) -> None:
        self.sockets = sockets
        self.remedy = remedy
        self.next = 0.0


class _AboutPeers(logging.Filter):
    """Takes what asyncio logs about peers of ours out of its log, and puts as much of it there as may be."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or type(record.msg) is not str:
            return True
        if record.msg.startswith(OUT_OF):
            return self._cannot_accept(record, error)
        throttle = throttle_of(error)
        if throttle is None:
            return True
        if not throttle.may_write(None, "errors that nobody looked at"):
            return False
        what = record.msg.split("\n", 1)[0]
        record.msg, record.args = "%s: %s: %s", (what, type(error).__qualname__, _shown(error))
        record.exc_info = None
        at = error.__traceback__
        if at is not None and at.tb_next is not None:  # it went through code of the application
            record.exc_text = indented(outline(error, TRACEBACK))
        throttle.wrote(len(record.getMessage()) + len(record.exc_text or ""))
        return True

    def _cannot_accept(self, record: logging.LogRecord, error: BaseException) -> bool:
        lines, now = record.msg.split("\n"), time.monotonic()
        for throttle, its in tuple(_accepting.items()):
            if not its.sockets.isdisjoint(lines):
                if now < its.next or not throttle.may_write(None, "connections that could not be taken"):
                    return False
                its.next = now + ALLOWANCE_SECONDS
                record.msg, record.args = "connections wait to be taken: %s (%s)", (text_of(error, 200), its.remedy)
                record.exc_info = None
                throttle.wrote(len(record.getMessage()))
                return True
        return True


_filter = _AboutPeers()


def restrain() -> None:
    """Have asyncio's log go through the filter, once; called where the first endpoint is made."""
    logger = logging.getLogger("asyncio")
    with _lock:
        if _filter not in logger.filters:
            logger.addFilter(_filter)


__all__ = ("Allowance", "Seldom", "Throttle", "accepting", "indented", "restrain", "throttle_of")
