"""What holds for every event loop: its thread is the only one, and some exceptions end it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from ..errors import WrongThread


def end_loop(loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
    """
    Have the loop end by this KeyboardInterrupt or SystemExit in its next turn, as asyncio ends for a task that raises it.

    Raised out of a protocol's method it would end the loop of asyncio, but with uvloop the connection alone.
    """
    loop.call_soon(_raise, error)


def _raise(error: BaseException) -> NoReturn:
    raise error


def check_thread(loop: asyncio.AbstractEventLoop, what: str) -> None:
    """
    Refuse to be used outside of a loop that runs: nothing would happen until something else wakes it, and no table of a
    connection is safe there. A loop that stands still may be used by whoever will run it.

    Raises:
        WrongThread: the loop runs, on another thread.
    """
    if loop.is_running() and asyncio._get_running_loop() is not loop:
        raise WrongThread(what)


__all__ = ("check_thread", "end_loop")
