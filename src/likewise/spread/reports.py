"""What is logged about a connection, and the Failures that hold what a peer sent, as a log may show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.python import log
from twisted.python.failure import Failure

from ..bounded import one_line, outline, text_of
from ..logs import indented
from . import aside
from .factory_account import AdmittedBroker
from .failures import for_log


class WithReports:
    """The part of a Broker that tells the log. ``one_way_failures`` counts calls that failed with nobody else told."""

    one_way_failures = 0
    _admitted: AdmittedBroker | None

    def may_log(self, kind: str) -> bool:
        """Whether one more line about this peer may be logged; how many were not is told later."""
        return self._admitted is None or self._admitted.may_log(kind)

    def log_failure(self, failed: Failure, why: str | None = None) -> None:
        """Write a Failure to the log, or one that says it in short, and have its bytes counted."""
        short = for_log(failed)
        log.err(short, why)
        if self._admitted is not None:
            self._admitted.wrote(len(short.getTraceback()))

    def report(self, doing: str, error: BaseException) -> None:
        """A hook of the application has raised where nobody can be told."""
        if self.may_log(f"errors while {doing}"):
            self.log_failure(error if isinstance(error, Failure) else Failure(error), f"while {doing}")

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """A call whose caller asked for no answer came to nothing."""
        self.one_way_failures += 1
        if self.may_log("one-way calls that failed"):
            log.msg(f"one-way call of {name} failed: {type(error).__qualname__}: {one_line(text_of(error, 1_000))}")

    def aside(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """Run ``work()`` where it may wait for a disk, then ``done(what it returned)`` here."""
        if self._admitted is None:  # in memory, where all is done when it has been delivered
            done(work())
        else:
            aside.run_on_reactor_thread(self, work, done)


class FailureOfPeer(Failure):
    """
    An exception of a class of ours that a peer sent, in the Failure that its call ends with.

    Who drops the Deferred has Twisted log it: printed, it is bounded, and nothing in it begins a line or moves a cursor.
    """

    def printTraceback(self, file: Any = None, elideFrameworkCode: Any = False, detail: Any = "default") -> None:
        """Write what happened, indented."""
        (log.logfile if file is None else file).write(indented(outline(self.value)) + "\n")  # type: ignore[arg-type]

    printBriefTraceback = printTraceback
    printDetailedTraceback = printTraceback

    def getErrorMessage(self) -> str:
        """The text of the exception, at most 10,000 characters of it."""
        return text_of(self.value)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} {type(self.value).__qualname__}: {one_line(self.getErrorMessage())}>"


__all__ = ("FailureOfPeer", "WithReports")
