"""
One thread for what may wait for a disk, so that no message does.

One, and not the loop's own: what peers cause must not take the threads that the application waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_thread: ThreadPoolExecutor | None = None


def run_on_file_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
    """Run ``work()`` on the thread, which it must not be left by an exception, and then ``done(what it returned)`` here."""
    global _thread
    if _thread is None:
        _thread = ThreadPoolExecutor(1, "likewise-files")

    def ended(future: asyncio.Future[Any]) -> None:
        if not future.cancelled():
            done(future.result())

    loop.run_in_executor(_thread, work).add_done_callback(ended)


__all__ = ("run_on_file_thread",)
