"""The part of a Connection that has calls wait, or refuses them; see :mod:`likewise.serving.flow` for the rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from ..bounded import text_of
from ..broker.events import CallReceived
from ..errors import NotExecuted, RemoteProtocolError
from .streams import WithStreams
from .tasks import Tasks


class WithWaiting(WithStreams):
    """Calls that wait for the loop's next turn, for the peer to read, or for good."""

    __slots__ = ("_stall", "_written", "awaits_first_step")

    _address: str | None
    _stall: asyncio.TimerHandle | None
    _transport: asyncio.Transport | None
    _writing_is_paused: bool
    _written: int
    awaits_first_step: bool
    is_ended: bool

    if TYPE_CHECKING:

        def _backlog_made(self) -> Tasks: ...
        def _pump(self) -> None: ...

    def _consider_holding(self) -> None:
        """Start no more calls of a peer that leaves its answers unread."""
        limits = self._endpoint.limits
        if self._stall is None and self.broker.outbox.answer_bytes > limits.unread_answers and not self.is_ended:
            self._backlog_made().hold(True)
            self._await_reader()

    def _await_reader(self) -> None:
        self._written = 0
        unread = cast(asyncio.Transport, self._transport).get_write_buffer_size()
        self._stall = self._loop.call_later(self._endpoint.limits.stalled_seconds, self._stalled, unread)

    def _stalled(self, unread: int) -> None:
        """Drop the peer if it has read nothing for so long; ``unread`` bytes were, when the time began."""
        assert self._transport is not None
        if self._transport.get_write_buffer_size() < unread + self._written:
            self._await_reader()
            return
        self._stall = None
        seconds = self._endpoint.limits.stalled_seconds
        self._give_up(RemoteProtocolError(f"the peer left its answers unread for {seconds:g} s (limits.stalled_seconds)"))

    def refuse(self, call: CallReceived, error: NotExecuted) -> None:
        """Fail a call that was not run."""
        text, why = "%s: %s was not run: %s", text_of(error, 500)
        self._endpoint.log.warning(self._loop.call_later, "calls not run", text, self.peer, call.name, why)
        self.broker.fail(call, error)
        if self._writing_is_paused:
            self._consider_holding()

    def give_back(self, call: CallReceived) -> None:
        """Fail a call whose caller has given up on it before it was run."""
        self.broker.fail(call, NotExecuted("the call was not run: its caller has cancelled it"))

    def await_first_step(self) -> None:
        """A task was made that takes its first step in the next turn of the loop: handle nothing before it has."""
        if not self.awaits_first_step:
            self.awaits_first_step = True
            self._loop.call_soon(self._first_step_taken)

    def _first_step_taken(self) -> None:
        """The task that was made last has run up to where it waits: the next message may be handled."""
        self.awaits_first_step = False
        self._pump()
        self._backlog_made().start_calls()

    def orphan_ended(self) -> None:
        """A call has ended after its connection has."""
        if self._address is not None:
            self._endpoint.guard.orphaned(self._address, -1)


__all__ = ("WithWaiting",)
