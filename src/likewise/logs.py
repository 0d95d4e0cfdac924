"""
What is logged about peers, in bounds: who can have one line written can have a million written.

Drivers log through a :class:`Throttle`, one for each endpoint. Beyond ``limits.log_lines`` lines in :data:`SECONDS`
lines are counted instead of written, and one line tells how many of which kind there were.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from .errors import chain_of, is_small, outline

SECONDS: Final = 10.0

Later = Callable[[float, Callable[[], None]], object]


class Throttle:
    """
    Writes to ``log``, at most ``lines`` lines in :data:`SECONDS` and a summary.

    ``later(seconds, function)`` of each call is how the driver has something run later.
    """

    __slots__ = ("_left", "_lines", "_log", "_runs", "_unwritten")

    def __init__(self, log: logging.Logger, lines: int) -> None:
        self._log = log
        self._lines = self._left = lines
        self._unwritten: Counter[str] = Counter()  # kind -> how many; the kinds are our own words, hence few
        self._runs = False

    def warning(self, later: Later, kind: str, text: str, *args: object) -> None:
        """One line of this kind, or one more that is counted."""
        if self._may_write(later, kind):
            self._log.warning(text, *args)

    def failure(self, later: Later, kind: str, error: BaseException, text: str, *args: object) -> None:
        """
        As :meth:`warning`, an error with its traceback.

        The error itself goes to the handlers only where printing it is cheap: one that holds what a peer sent may
        have no end.
        """
        if not self._may_write(later, kind):
            return
        if all(is_small(each) for each in chain_of(error)):
            self._log.error(text, *args, exc_info=error)
        else:
            self._log.error(text + "\n%s", *args, outline(error))

    def flush(self) -> None:
        """Tell now what was counted."""
        if self._unwritten:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self._unwritten.most_common())
            self._log.error("not logged, over limits.log_lines in %g s: %s", SECONDS, kinds)
            self._unwritten.clear()

    def _may_write(self, later: Later, kind: str) -> bool:
        if not self._runs:
            self._runs = True
            later(SECONDS, self._begin_anew)
        if self._left:
            self._left -= 1
            return True
        self._unwritten[kind] += 1
        return False

    def _begin_anew(self) -> None:
        self._runs = False
        self._left = self._lines
        self.flush()


__all__ = ("Throttle",)
