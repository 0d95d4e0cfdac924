"""What the log says of calls that failed here, and of connections that this end gave up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CallError, ConnectionClosed, RemoteProtocolError

if TYPE_CHECKING:
    from ..broker.events import CallReceived
    from .connection import Connection


def method_failed(connection: Connection, call: CallReceived, error: BaseException, number: int) -> None:
    """
    The method that a peer called has raised; ``number`` is what the peer was given to find it by, 0 for nothing.

    What a caller is to know it is told. Of a one-way call this log is the only one that tells.
    """
    if isinstance(error, CallError):
        if not call.want_answer:
            one_way_failed(connection, call.name, error)
        return
    if not call.want_answer:
        connection.one_way_failures += 1
    log, later, peer = connection._endpoint.log, connection._loop.call_later, connection.peer
    if isinstance(error, ConnectionClosed) and connection.broker.is_closed:  # it waited for the peer that has gone: no fault
        log.note(later, "calls that ended with their connection", "%s: %s ended with its connection", peer, call.name)
        return
    text = f"%s: failure #{number} in %s" if number else "%s: failure in %s"
    log.failure(later, "failures of methods", error, text, peer, call.name)


def one_way_failed(connection: Connection, name: str, error: BaseException) -> None:
    """A call whose caller asked for no answer came to nothing: no such method, arguments that are refused, a CallError."""
    connection.one_way_failures += 1
    text, kind = "%s: one-way call of %s failed: %s: %s", type(error).__qualname__
    log, later = connection._endpoint.log, connection._loop.call_later
    log.warning(later, "one-way calls that failed", text, connection.peer, name, kind, error)


def dropped(connection: Connection, error: RemoteProtocolError) -> None:
    """This end has ended the connection."""
    log, later = connection._endpoint.log, connection._loop.call_later
    log.warning(later, "connections dropped", "%s: dropped: %s", connection.peer, error)


__all__ = ("dropped", "method_failed", "one_way_failed")
