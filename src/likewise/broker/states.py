"""
Who may send what, when: legal moves as data. What is absent is a violation and ends the connection.

The server speaks first and offers dialects; the client answers with the first that it knows, and may send on without
waiting. From then on both may send everything. A version of the protocol other than 6 ends the connection; a peer that
never says its version is served all the same, as Twisted does.
"""

from __future__ import annotations

import enum
from typing import Final

from ..bounded import text_of
from ..errors import ENDS_THE_PROGRAM, CallError, ConnectionClosed, LikewiseError, LocalProtocolError


class Side(enum.Enum):
    """Which end of the connection somebody is."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Side:
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class State(enum.Enum):
    """How far the greeting of a line is."""

    GREETING = "greeting"  # the server has yet to offer dialects
    CHOOSING = "choosing"  # the client has yet to choose one
    OPEN = "open"  # both may send everything


class Move(enum.Enum):
    """A message of the greeting."""

    OFFER = "offer of dialects"
    CHOICE = "choice of a dialect"


MAY_SEND: Final[dict[tuple[State, Side, Move], State]] = {
    (State.GREETING, Side.SERVER, Move.OFFER): State.CHOOSING,
    (State.CHOOSING, Side.CLIENT, Move.CHOICE): State.OPEN,
}


def following(state: State, sender: Side, move: Move) -> State | None:
    """The state after ``sender`` makes ``move``, or ``None`` if it may not."""
    return MAY_SEND.get((state, sender, move))


def not_open(is_closed: bool, reason: BaseException | None) -> LikewiseError:
    """The error for a call over a session that has ended, or that has no dialect yet."""
    if is_closed:
        return closed_error(reason)
    return LocalProtocolError("no dialect is agreed yet: wait until the connection is open")


def closed_error(reason: BaseException | None) -> ConnectionClosed:
    """The error for a call over a connection that has ended, for that reason."""
    why = f": {text_of(reason, 500)}" if reason is not None else ""
    error = ConnectionClosed(f"the connection has ended{why}")
    error.__cause__ = reason
    return error


def for_caller(error: BaseException) -> BaseException:
    """
    What a waiting call gets for what an application's hook raised: itself, or a CallError that says what it was.

    A Future takes any exception, and whoever awaits one that holds a CancelledError believes to have been cancelled.
    """
    if isinstance(error, (Exception, *ENDS_THE_PROGRAM)):
        return error
    raised = CallError(f"a hook of the application raised {type(error).__name__}: {text_of(error, 500)}")
    raised.__cause__ = error
    return raised
