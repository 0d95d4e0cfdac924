"""The reactor, asked for only when there is a use for it: importing it installs one, and the choice is the application's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..serving.turns import Turns


def the_reactor() -> Any:
    """The reactor that the application has chosen, or Twisted's own choice."""
    reactor = sys.modules.get("twisted.internet.reactor")  # where it is once it is installed; to import it costs more
    if reactor is None:
        from twisted.internet import reactor
    return reactor


class ReactorClock:
    """The reactor as what both drivers share needs it; times are in seconds."""

    def __init__(self) -> None:
        self.turns = Turns(self.now, self.call_soon)

    def now(self) -> float:
        """The time of the reactor's clock."""
        seconds: float = the_reactor().seconds()
        return seconds

    def call_soon(self, function: Callable[[], None]) -> Any:
        """Have it run in the next turn of the reactor."""
        return the_reactor().callLater(0, function)

    def call_later(self, seconds: float, function: Callable[[], None]) -> Any:
        """Have it run later; the result can be cancelled."""
        return the_reactor().callLater(seconds, function)


CLOCK = ReactorClock()


__all__ = ("CLOCK", "the_reactor")
