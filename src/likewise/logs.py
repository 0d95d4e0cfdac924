"""
What is logged about peers, in bounds: who can have one line written can have a million written.

Drivers log through a :class:`Throttle`, one for each endpoint. Beyond ``limits.log_lines`` lines in :data:`SECONDS`
lines are counted instead of written, and one line tells how many of which kind there were.

A peer chooses a part of many texts, of an exception's above all: no such part begins a line, or moves a cursor.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Final

from .bounded import chain_of, is_small, one_line, outline

SECONDS: Final = 10.0

Later = Callable[[float, Callable[[], None]], object]


class Allowance:
    """
    So many ``lines`` in :data:`SECONDS`, and a summary of the others, which ``tell`` is called with.

    ``later(seconds, function)`` of each call is how the driver has something run later.
    """

    __slots__ = ("_left", "_lines", "_runs", "_tell", "_unwritten")

    def __init__(self, lines: int, tell: Callable[[str], object]) -> None:
        self._lines = self._left = lines
        self._tell = tell
        self._unwritten: Counter[str] = Counter()  # kind -> how many; the kinds are our own words, hence few
        self._runs = False

    def may_write(self, later: Later, kind: str) -> bool:
        """Whether to write one more line; if not, it has been counted."""
        if not self._runs:
            self._runs = True
            later(SECONDS, self._begin_anew)
        if self._left:
            self._left -= 1
            return True
        self._unwritten[kind] += 1
        return False

    def flush(self) -> None:
        """Tell now what was counted."""
        if self._unwritten:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self._unwritten.most_common())
            self._unwritten.clear()
            self._tell(f"not logged, over limits.log_lines in {SECONDS:g} s: {kinds}")

    def _begin_anew(self) -> None:
        self._runs = False
        self._left = self._lines
        self.flush()


class Throttle(Allowance):
    """Writes to ``log`` what it may."""

    __slots__ = ("_log",)

    def __init__(self, log: logging.Logger, lines: int) -> None:
        super().__init__(lines, log.error)
        self._log = log

    def warning(self, later: Later, kind: str, text: str, *args: object) -> None:
        """One line of this kind, or one more that is counted."""
        if self.may_write(later, kind):
            self._log.warning(text, *map(_shown, args), stacklevel=2)

    def note(self, later: Later, kind: str, text: str, *args: object) -> None:
        """As :meth:`warning`, what is no fault."""
        if self.may_write(later, kind):
            self._log.info(text, *map(_shown, args), stacklevel=2)

    def failure(self, later: Later, kind: str, error: BaseException, text: str, *args: object) -> None:
        """
        As :meth:`warning`, an error with its traceback.

        The error itself goes to the handlers only where printing it is cheap: one that holds what a peer sent may
        have no end. What they print is the text made here.
        """
        if not self.may_write(later, kind) or not self._log.isEnabledFor(logging.ERROR):
            return
        is_cheap = all(is_small(each) for each in chain_of(error))
        place = self._log.findCaller(stacklevel=2)
        record = self._log.makeRecord(
            self._log.name,
            logging.ERROR,
            place[0],
            place[1],
            text,
            tuple(map(_shown, args)),
            (type(error), error, error.__traceback__) if is_cheap else None,
            place[2],
        )
        record.exc_text = indented("".join(traceback.format_exception(error)) if is_cheap else outline(error))
        self._log.handle(record)


class Seldom:
    """Writes one error in :data:`SECONDS` to ``log``: for faults of the set-up that a peer meets as often as it likes."""

    __slots__ = ("_clock", "_log", "_next")

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._next = 0.0

    def error(self, text: str, *args: object) -> None:
        """Write it, unless one was written lately."""
        now = self._clock()
        if now >= self._next:
            self._next = now + SECONDS
            self._log.error(text, *map(_shown, args), stacklevel=2)


def indented(text: str) -> str:
    """A traceback none of whose lines begins where those of a log do."""
    return "\n".join("  " + one_line(line) for line in text.rstrip("\n").split("\n"))


def _shown(value: object) -> object:
    return value if isinstance(value, (int, float)) else one_line(str(value))


__all__ = ("Allowance", "Seldom", "Throttle", "indented")
