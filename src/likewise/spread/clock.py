"""The reactor, asked for only when there is a use for it: importing it installs one, and the choice is the application's."""

from __future__ import annotations

from typing import Any


def the_reactor() -> Any:
    """The reactor that the application has chosen, or Twisted's own choice."""
    from twisted.internet import reactor

    return reactor


__all__ = ("the_reactor",)
