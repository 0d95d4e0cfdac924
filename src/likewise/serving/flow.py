"""
The rule of back-pressure, once for both drivers: which of the peer's calls start, which wait, which are refused.

Reading never stops for it. Answers, errors, releases and the end of the line are always taken, since one of them may
be what this end waits for; only *calls* wait, in the order in which they came. Two ends that stop reading from each
other would wait for each other for ever.

A call waits while ``limits.running_calls`` calls are running, while those hold ``limits.argument_bytes`` or more, and
while the peer leaves ``limits.unread_answers`` bytes of answers unread. A running call that itself waits for the peer
does not count: what the peer must do to answer it may be behind the very call that waits. As nobody can tell which of
the running calls those are, each unanswered call to the peer stands for one.

A call is refused, with an error that says that it was not run, where too many wait already, and where none of those
that run can end before it starts. A peer that leaves its answers unread and has :data:`REFUSALS_UNREAD` calls refused
meanwhile is dropped: the errors would be unread, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ..broker.events import CallReceived
from ..errors import LimitExceeded, NotExecuted
from ..limits import Limits
from .account import NOTICED_BYTES

RUNNING_BYTES: Final = 2_048  # of a call that runs, besides its arguments: its coroutine, its task, what it waits for
WAITING_BYTES: Final = 512  # of a call that waits, besides its arguments
REFUSALS_UNREAD: Final = 1_000  # calls refused while the peer reads nothing: some 300 bytes each are queued for it


class ArgumentBytes:
    """The arguments that the calls of all connections of one endpoint hold, ``limits.all_argument_bytes`` at the most."""

    __slots__ = ("_ceiling", "_holders", "_total")

    def __init__(self, limits: Limits) -> None:
        self._ceiling = max(limits.all_argument_bytes, limits.argument_bytes)
        self._holders: dict[Flow, int] = {}
        self._total = 0

    def hold(self, flow: Flow, size: int) -> Flow | None:
        """
        Note what the calls of one connection hold. Returns the one whose calls are to be ended for it, if any: the largest.

        It may be one whose connection has gone while its calls run on. What it holds is not counted any more.
        """
        self._total += size - self._holders.pop(flow, 0)
        if size:
            self._holders[flow] = size
        if self._total <= self._ceiling:
            return None
        largest = max(self._holders, key=self._holders.__getitem__)
        self._total -= self._holders.pop(largest)
        return largest

    def excess(self) -> LimitExceeded:
        """Why that connection has to go."""
        return LimitExceeded("all_argument_bytes", self._ceiling + 1, self._ceiling)


class Flow:
    """
    The calls of one connection's peer: how many run, and those that wait.

    ``unanswered()`` tells how many of this end's calls the peer has not answered; ``drop(error)`` ends the connection, if
    it is there, and the calls that run.
    """

    __slots__ = (
        "_all",
        "_by_request",
        "_drop",
        "_has_moved",
        "_is_dropped",
        "_is_held",
        "_is_noted",
        "_limits",
        "_refused",
        "_running_bytes",
        "_unanswered",
        "_waiting",
        "_waiting_bytes",
        "running",
    )

    def __init__(
        self, limits: Limits, everybody: ArgumentBytes, unanswered: Callable[[], int], drop: Callable[[LimitExceeded], None]
    ) -> None:
        self.running = 0
        self._limits = limits
        self._all = everybody
        self._unanswered = unanswered
        self._drop = drop
        self._waiting: OrderedDict[int, CallReceived] = OrderedDict()  # by id(), in the order in which they came
        self._by_request: dict[str, CallReceived] = {}  # text: where it lies in the table is not the peer's to choose
        self._running_bytes: int = 0
        self._waiting_bytes: int = 0
        self._refused = 0  # calls, while the peer leaves its answers unread
        self._is_held = self._is_noted = self._is_dropped = self._has_moved = False

    @property
    def waiting(self) -> int:
        """How many calls wait to be started."""
        return len(self._waiting)

    @property
    def may_have_to_wait(self) -> bool:
        """Whether the next call is to go through :meth:`put_aside` and :meth:`next_call`; cheap, and true too often."""
        limits = self._limits
        return (
            self._is_held
            or self.running >= limits.running_calls
            or self._running_bytes >= limits.argument_bytes
            or bool(self._waiting)
        )

    def hold(self, is_held: bool) -> None:
        """Start no call while the peer leaves its answers unread."""
        self._is_held = is_held
        self._refused = 0

    # --- calls that run

    def begin(self, call: CallReceived) -> None:
        """A call has started and takes its time."""
        self.running += 1
        self._running_bytes += call.weight + RUNNING_BYTES
        self._account()

    def end(self, call: CallReceived) -> None:
        """Such a call has ended."""
        self.running -= 1
        self._running_bytes -= call.weight + RUNNING_BYTES
        self._has_moved = True
        self._account()

    # --- calls that wait

    def put_aside(self, call: CallReceived) -> NotExecuted | None:
        """Have a call wait behind the others; or why it is refused."""
        refused = self._no_room_for(call)
        if refused is not None:
            self._refused += 1
            if self._is_held and self._refused > REFUSALS_UNREAD:
                self._drop(LimitExceeded("unread_answers", self._limits.unread_answers + 1, self._limits.unread_answers))
            return refused
        self._waiting[id(call)] = call
        if call.want_answer:
            self._by_request[str(call.request)] = call
        self._waiting_bytes += call.weight + WAITING_BYTES
        self._account()
        return None

    def _no_room_for(self, call: CallReceived) -> NotExecuted | None:
        limits = self._limits
        if self.running + len(self._waiting) >= limits.running_calls + limits.waiting_calls:
            return not_run(f"{len(self._waiting)} calls wait already (limits.waiting_calls of the end that was called)")
        weight = call.weight + WAITING_BYTES
        if self._waiting and self._waiting_bytes + weight > limits.argument_bytes:
            held = f"{self._waiting_bytes:,} bytes"
            return not_run(f"calls that wait hold {held} of arguments (limits.argument_bytes of the end that was called)")
        return None

    def next_call(self) -> CallReceived | None:
        """The call to start now, if one may be started."""
        if not self._waiting or self._is_held or self._running_bytes >= self._limits.argument_bytes:
            return None
        if self._busy() >= self._limits.running_calls:
            return None
        return self._take()

    def stuck(self) -> list[CallReceived]:
        """The calls to refuse: they can't be started before one that runs has ended, and all that run wait for the peer."""
        is_full = self._running_bytes >= self._limits.argument_bytes
        if self._waiting and is_full and not self._is_held and not self._busy():
            return self.clear()
        return []

    def overdue(self) -> list[CallReceived]:
        """
        The calls to refuse because none of those that run has ended since this was last asked.

        Ask every ``limits.waiting_seconds``. While answers are unread the peer is what is waited for; it has its own time.
        """
        if self._is_held or self._has_moved:
            self._has_moved = False
            return []
        return self.clear()

    def clear(self) -> list[CallReceived]:
        """Let go of all calls that wait; they are the caller's to refuse, if anybody is there to be told."""
        calls = list(self._waiting.values())
        self._waiting.clear()
        self._by_request.clear()
        self._waiting_bytes = 0
        self._account()
        return calls

    def leave(self) -> None:
        """The connection has ended: what waits is never started. What runs may run on, and counts until it ends."""
        self.clear()

    def forget(self, request: int) -> CallReceived | None:
        """Take back the call of this number if it waits."""
        call = self._by_request.pop(str(request), None)
        if call is None:
            return None
        del self._waiting[id(call)]
        self._waiting_bytes -= call.weight + WAITING_BYTES
        self._account()
        return call

    def _take(self) -> CallReceived:
        _, call = self._waiting.popitem(last=False)
        if call.want_answer and self._by_request.get(str(call.request)) is call:
            del self._by_request[str(call.request)]
        self._waiting_bytes -= call.weight + WAITING_BYTES
        self._has_moved = True
        self._account()
        return call

    def _busy(self) -> int:
        """How many of the calls that run do not wait for the peer, as far as is known."""
        return max(0, self.running - self._unanswered())

    def _account(self) -> None:
        held = self._running_bytes + self._waiting_bytes
        if self._is_dropped or (
            held < NOTICED_BYTES and not self._is_noted
        ):  # most calls: so little need not be told to anybody
            return
        self._is_noted = held >= NOTICED_BYTES
        largest = self._all.hold(self, held if self._is_noted else 0)
        if largest is not None:
            largest._is_dropped = True
            largest._drop(self._all.excess())


def not_run(why: str) -> NotExecuted:
    """The error for a call that is refused before it has started."""
    return NotExecuted(f"the call was not run: {why}")


def overdue_error(limits: Limits) -> NotExecuted:
    """For calls that :meth:`Flow.overdue` names."""
    return not_run(
        f"{limits.running_calls} calls are running, and for {limits.waiting_seconds:g} s none of them has ended "
        f"(limits.running_calls and limits.waiting_seconds of the end that was called)"
    )


def stuck_error() -> NotExecuted:
    """For calls that :meth:`Flow.stuck` names."""
    return not_run(
        "the calls that are running wait for the caller and hold too much (limits.argument_bytes of the end that was called)"
    )


__all__ = ("ArgumentBytes", "Flow", "not_run", "overdue_error", "stuck_error")
