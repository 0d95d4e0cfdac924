"""
The calls of one connection's peer that take their time, and those that wait to be started.

What may start, what waits and what is refused is the rule of :mod:`likewise.serving.flow`; here it meets the driver's
clock. Both drivers derive their own from :class:`Backlog`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..broker.core import Broker
from ..broker.events import CallReceived
from ..errors import LimitExceeded, NotExecuted
from ..limits import Limits
from .flow import ArgumentBytes, Flow, not_run, overdue_error, stuck_error
from .turns import SLICE, Turns


class CallRunner(Protocol):
    """What is needed of the connection."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing is run or answered any more."""

    @property
    def awaits_first_step(self) -> bool:
        """Whether no other call may start in this turn of the loop, since the last one has yet to."""

    def run(self, call: CallReceived) -> None:
        """Run a method and answer with what it returns, now or later."""

    def answer(self, call: CallReceived, value: Any) -> None:
        """A method has returned."""

    def fail(self, call: CallReceived, error: BaseException) -> None:
        """A method has raised."""

    def orphan_ended(self) -> None:
        """A call has ended after its connection has."""

    def refuse(self, call: CallReceived, error: NotExecuted) -> None:
        """Fail a call that was not run, and log that."""

    def give_back(self, call: CallReceived) -> None:
        """Fail a call that was not run, since its caller has given up on it."""

    def drop(self, error: Any) -> None:
        """End the connection."""

    def write_answers(self) -> None:
        """Write what has gathered if it is much."""


class Timer(Protocol):
    """What is to happen later."""

    def cancel(self) -> object: ...


class Clock(Protocol):
    """A driver's event loop, as far as it is asked for the time that is to pass."""

    def call_later(self, seconds: float, function: Callable[[], None]) -> Timer: ...


class Loop(Clock, Protocol):
    """A driver's event loop."""

    turns: Turns

    def now(self) -> float: ...
    def call_soon(self, function: Callable[[], None]) -> object: ...


class Backlog:
    """``running`` and ``waiting`` are numbers of calls."""

    __slots__ = ("_broker", "_clock", "_connection", "_flow", "_is_closing", "_is_starting", "_limits", "_timer")

    def __init__(
        self, connection: CallRunner, broker: Broker, limits: Limits, everybody: ArgumentBytes, clock: Loop
    ) -> None:
        self._connection = connection
        self._broker = broker
        self._clock = clock
        self._limits = limits
        self._flow = Flow(limits, everybody, lambda: broker.unanswered, self._drop)
        self._timer: Timer | None = None
        self._is_closing = self._is_starting = False

    @property
    def running(self) -> int:
        return self._flow.running

    def take(self, call: CallReceived) -> None:
        """Run a call now or later, or refuse it."""
        flow = self._flow
        if self._is_closing:
            self._refuse([call], closing_error())
        elif not flow.may_have_to_wait:
            self._connection.run(call)
        elif (refused := flow.put_aside(call)) is not None:
            self._refuse([call], refused)
        else:
            if self._timer is None:
                self._timer = self._clock.call_later(self._limits.waiting_seconds, self._look)
            self.start_calls()

    def begin(self, call: CallReceived) -> None:
        """A call that has started takes its time."""
        self._flow.begin(call)

    def end(self, call: CallReceived, value: Any, error: BaseException | None) -> None:
        """Such a call has ended: answer it."""
        connection = self._connection
        if self._broker.is_closed:
            connection.orphan_ended()
        if error is None:
            connection.answer(call, value)
        else:
            connection.fail(call, error)
        self._flow.end(call)
        if self._flow.waiting:
            self.start_calls()

    def hold(self, is_held: bool) -> None:
        """Start no call while the peer leaves its answers unread."""
        self._flow.hold(is_held)
        if not is_held:
            self.start_calls()

    def cancel(self, request: int) -> None:
        """The caller has given up on a call: forget it if it waits, end it if it runs."""
        call = self._flow.forget(request)
        if call is not None:
            call.args = call.kwargs = None
            self._connection.give_back(call)
        else:
            self.cancel_call(request)

    def called(self) -> None:
        """A call was made to the peer: what runs may wait for it now, and what waits need wait no longer."""
        if self._flow.waiting:
            self._clock.call_soon(self.start_calls)

    def start_calls(self) -> None:
        """Start the calls that need wait no more, one after another; let others have the loop if this takes long."""
        flow, connection, clock = self._flow, self._connection, self._clock
        if self._is_starting or connection.is_ended:
            return
        self._is_starting = True
        ends = clock.now() + SLICE
        try:
            while not connection.is_ended and not connection.awaits_first_step:
                call = flow.next_call()
                if call is None:
                    self._refuse(flow.stuck(), stuck_error())
                    return
                connection.run(call)
                connection.write_answers()
                if clock.now() > ends:
                    clock.turns.take_turns(self.start_calls)
                    return
        finally:
            self._is_starting = False

    def close(self) -> None:
        """Start no more calls: refuse those that wait and those that come."""
        self._is_closing = True
        self._refuse(self._flow.clear(), closing_error())

    def connection_lost(self) -> None:
        """What waits is never started: nobody is left to be answered. What runs may end."""
        self._flow.leave()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def cancel_call(self, request: int) -> None:
        """End the call of this number if it runs; only a driver that hears of it need know how."""

    def cancel_running(self) -> None:
        """End the calls that run; the driver knows how."""

    def _drop(self, error: LimitExceeded) -> None:
        if not self._connection.is_ended:
            self._connection.drop(error)
        self.cancel_running()

    def _look(self) -> None:
        """Some calls wait: for too long?"""
        self._timer = None
        self._refuse(self._flow.overdue(), overdue_error(self._limits))
        if self._flow.waiting:
            self._timer = self._clock.call_later(self._limits.waiting_seconds, self._look)

    def _refuse(self, calls: Iterable[CallReceived], error: NotExecuted) -> None:
        for call in calls:
            call.args = call.kwargs = None
            self._connection.refuse(call, error)


def closing_error() -> NotExecuted:
    """For calls that come while the connection is being closed."""
    return not_run("the connection is being closed")


__all__ = ("Backlog", "Clock", "CallRunner", "Loop", "Timer")
