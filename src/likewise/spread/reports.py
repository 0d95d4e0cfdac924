"""What is logged about a connection, and the Failures that hold what a peer sent, as a log may show them."""

from __future__ import annotations

from typing import Any

from twisted.python import log
from twisted.python.failure import Failure

from ..bounded import one_line, outline, text_of
from ..logs import indented
from ..serving.calls import CallHandler
from .failures import for_log


class WithReports(CallHandler):
    """
    The part of a connection's calls that tells the log. ``one_way_failures`` counts the calls of the peer that failed with
    nobody there to be told, ``line`` is the connection's.
    """

    __slots__ = ("line", "one_way_failures")
    line: Any
    one_way_failures: int

    def may_log(self, kind: str) -> bool:
        """Whether one more line about this peer may be logged; how many were not is told later."""
        admitted = self.line.admitted
        return admitted is None or bool(admitted.may_log(kind))

    def log_failure(self, failed: Failure, why: str | None = None) -> None:
        """Write a Failure to the log, or one that says it in short, and have its bytes counted."""
        short = for_log(failed)
        log.err(short, why)
        if self.line.admitted is not None:
            self.line.admitted.wrote(len(short.getTraceback()))

    def report(self, doing: str, error: BaseException) -> None:
        """A hook of the application has raised where nobody can be told."""
        if self.may_log(f"errors while {doing}"):
            self.log_failure(error if isinstance(error, Failure) else Failure(error), f"while {doing}")

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """A call whose caller asked for no answer came to nothing."""
        self.one_way_failures += 1
        if self.may_log("one-way calls that failed"):
            log.msg(f"one-way call of {name} failed: {type(error).__qualname__}: {one_line(text_of(error, 1_000))}")


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
