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
    """How far the conversation is."""

    GREETING = "greeting"  # the server has yet to offer dialects
    CHOOSING = "choosing"  # the client has yet to choose one
    OPEN = "open"
    CLOSED = "closed"


class Move(enum.Enum):
    """A message, as far as the states care."""

    OFFER = "offer of dialects"
    CHOICE = "choice of a dialect"
    MESSAGE = "message"


MAY_SEND: Final[dict[tuple[State, Side, Move], State]] = {
    (State.GREETING, Side.SERVER, Move.OFFER): State.CHOOSING,
    (State.CHOOSING, Side.CLIENT, Move.CHOICE): State.OPEN,
    (State.OPEN, Side.CLIENT, Move.MESSAGE): State.OPEN,
    (State.OPEN, Side.SERVER, Move.MESSAGE): State.OPEN,
}


def following(state: State, sender: Side, move: Move) -> State | None:
    """The state after ``sender`` makes ``move``, or ``None`` if it may not."""
    return MAY_SEND.get((state, sender, move))


def not_open(state: State, reason: BaseException | None) -> LikewiseError:
    """The error for a call in a state that has no calls."""
    if state is State.CLOSED:
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
