"""What the log says of calls that failed here, and of connections that this end gave up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import CallError, ConnectionClosed, RemoteProtocolError
from . import aside

if TYPE_CHECKING:
    from ..broker.core import Broker
    from ..broker.events import CallReceived
    from .endpoint import Endpoint


class WithReports:
    """The part of a Connection that tells the log."""

    __slots__ = ("one_way_failures",)

    _endpoint: Endpoint
    _loop: asyncio.AbstractEventLoop
    peer: str
    one_way_failures: int

    if TYPE_CHECKING:

        @property
        def broker(self) -> Broker: ...

        def abort(self, reason: BaseException | None = None) -> None: ...

    def report(self, doing: str, error: BaseException) -> None:
        """A hook of the application has raised where nobody can be told."""
        later = self._loop.call_later
        self._endpoint.log.failure(later, f"errors while {doing}", error, "%s: error while %s", self.peer, doing)

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """A call whose caller asked for no answer came to nothing: no such method, arguments refused, a CallError."""
        self.one_way_failures += 1
        text, kind = "%s: one-way call of %s failed: %s: %s", type(error).__qualname__
        log, later = self._endpoint.log, self._loop.call_later
        log.warning(later, "one-way calls that failed", text, self.peer, name, kind, error)

    def aside(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """Run ``work()`` where it may wait for a disk, then ``done(what it returned)`` here."""
        aside.run(self._loop, work, done)

    def _method_failed(self, call: CallReceived, error: BaseException, number: int) -> None:
        """
        The method that a peer called has raised; ``number`` is what the peer was given to find it by, 0 for nothing.

        What a caller is to know it is told. Of a one-way call this log is the only one that tells.
        """
        if isinstance(error, CallError):
            if not call.want_answer:
                self.one_way_failed(call.name, error)
            return
        if not call.want_answer:
            self.one_way_failures += 1
        log, later = self._endpoint.log, self._loop.call_later
        if isinstance(error, ConnectionClosed) and self.broker.is_closed:  # it waited for the peer that has gone: no fault
            kind = "calls that ended with their connection"
            log.note(later, kind, "%s: %s ended with its connection", self.peer, call.name)
            return
        text = f"%s: failure #{number} in %s" if number else "%s: failure in %s"
        log.failure(later, "failures of methods", error, text, self.peer, call.name)

    def _dropped(self, error: RemoteProtocolError) -> None:
        """This end has ended the connection."""
        log, later = self._endpoint.log, self._loop.call_later
        log.warning(later, "connections dropped", "%s: dropped: %s", self.peer, error)

    def _give_up(self, error: RemoteProtocolError) -> None:
        """The peer does not read: nothing is sent any more."""
        self._dropped(error)
        self.abort(error)


__all__ = ("WithReports",)
