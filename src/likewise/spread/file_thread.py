"""What may wait for a disk runs on a thread of the reactor's, so that no message does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import threads


def run_on_reactor_thread(calls: Any, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
    """Run ``work()`` on a thread, and then ``done(what it returned)`` here."""

    def failed(why: Any) -> None:
        calls.report("going on behind a file", why.value)

    threads.deferToThread(work).addCallback(done).addErrback(failed)


__all__ = ("run_on_reactor_thread",)
