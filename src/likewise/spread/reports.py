"""Failures that hold what a peer sent, as the log and whoever else prints them may show them."""

from __future__ import annotations

from typing import Any

from twisted.python import log
from twisted.python.failure import Failure

from ..bounded import one_line, outline, text_of
from ..logs import indented
from .failures import for_log


def log_failure(broker: Any, failed: Failure, why: str | None = None) -> None:
    """Write a Failure to the log, or one that says it in short, and have its bytes counted."""
    short = for_log(failed)
    log.err(short, why)
    broker.wrote(len(short.getTraceback()))


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


__all__ = ("FailureOfPeer", "log_failure")
