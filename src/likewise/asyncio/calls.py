"""
The calls of one session, both ways: what its Broker needs of an event loop.

The peer's calls run in the order of arrival: plain methods at once and without a task, all others in real tasks. Where
the first step of a task is not taken at once, the session handles nothing in between. Calls that may not start yet are
put aside (:mod:`likewise.serving.flow`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Protocol

from ..bounded import is_small, text_of
from ..broker.events import CallReceived
from ..errors import (
    CallError,
    ConnectionClosed,
    NotExecuted,
    NotSendable,
    ProtocolError,
)
from ..objects.rebuilt import settleable
from ..serving.calls import CallHandler
from . import file_thread
from .endpoint import Endpoint
from .results import CallFuture, look_at, settled
from .streams import StreamRunner
from .tasks import Tasks

PIECES = 128  # pieces of answers that gather before they are written, while more calls of the same chunk are handled


class Writer(Protocol):
    """The line of a session, as its calls see it."""

    def output_ready(self) -> None:
        """Something waits to be written: at the end of this turn."""

    def output_may_wait(self) -> None:
        """Something that is told to many waits to be written: some milliseconds later will do."""

    def flush(self) -> None:
        """Write what waits, now."""

    def unsent_bytes(self) -> int:
        """How many written bytes have not left this process."""

    def pump(self) -> None:
        """Handle the messages that are here."""

    def drop(self, error: ProtocolError) -> None:
        """End: the peer broke the protocol."""


class Calls(CallHandler):
    """
    The calls of one session, in both directions, under asyncio.

    ``endpoint`` is what it belongs to, ``loop`` where it runs, ``line`` what carries the session now.
    ``peer`` is the address at the other end, ``address`` the place in which that is counted (``None`` while it is not).
    ``is_ended``: nothing is handled any more, though the transport may still have to say so.
    """

    __slots__ = (
        "address",
        "awaits_first_step",
        "endpoint",
        "is_ended",
        "line",
        "loop",
        "one_way_failures",
        "peer",
        "streams",
    )

    backlog: Tasks | None

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        self.endpoint = endpoint
        self.loop = loop
        self.line: Writer | None = None
        self.backlog = None
        self.unread = None
        self.streams: StreamRunner | None = None  # made with the first iterator that the peer reads
        self.awaits_first_step = False  # nothing is handled in between: calls start in the order sent
        self.is_ended = False
        self.one_way_failures = 0
        self.peer = ""
        self.address: str | None = None

    # --- results of our own calls

    def new_result(self, request: int) -> asyncio.Future[Any]:
        if not request:
            return self.loop.create_future()
        result = CallFuture(loop=self.loop)
        result.core = self.broker
        result.request = request
        return result

    def unheard(self, result: asyncio.Future[Any]) -> None:
        result.add_done_callback(look_at)

    def settle(self, result: asyncio.Future[Any], value: Any) -> None:
        if not result.done():
            result.set_result(value)

    def reject(self, result: asyncio.Future[Any], error: BaseException) -> None:
        if not result.done():
            error = settleable(error)
            is_lost = isinstance(error, ConnectionClosed)
            result.set_exception(error if is_lost else BaseException.with_traceback(error, self.endpoint.log.mark))
            if is_lost or not is_small(error):
                result.exception()  # no warning of asyncio's, which would print it; the end is told otherwise

    # --- what the Broker has to send

    def output_ready(self) -> None:
        if self.line is not None:
            self.line.output_ready()

    def output_may_wait(self) -> None:
        if self.line is not None:
            self.line.output_may_wait()

    def release_ready(self) -> None:
        if self.loop.is_closed():
            return
        if threading.get_ident() == self.endpoint.thread:
            self.output_ready()
        else:
            try:
                self.loop.call_soon_threadsafe(self.output_ready)
            except RuntimeError:  # it closed in between: nobody is left to tell
                pass

    def unsent_bytes(self) -> int:
        return self.line.unsent_bytes() if self.line is not None else 0

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        file_thread.run_on_file_thread(self.loop, work, done)

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        if self.streams is None:
            self.streams = StreamRunner(self, self.loop)
        return self.streams.streams.source_of(iterator, perspective)

    def settled(self, result: asyncio.Future[Any]) -> asyncio.Future[Any] | None:
        return settled(self.loop, result)

    # --- calls of the peer

    def new_backlog(self) -> Tasks:
        return Tasks(self, self.broker, self.endpoint, self.loop)

    def call_method(self, call: CallReceived) -> Any:
        return run_method(call)

    def answer_refused(self, call: CallReceived, error: NotSendable) -> None:
        text, why = "%s: the answer to %s can't be sent: %s", text_of(error, 500)
        self.endpoint.log.warning(self.loop.call_later, "answers not sendable", text, self.peer, call.name, why)

    def fail(self, call: CallReceived, error: BaseException) -> None:
        """A method has raised."""
        if isinstance(error, asyncio.CancelledError):
            error = CallError(text_of(error, 500) or "the call was cancelled at the server")
        sent = self.broker.fail(call, error)
        self._log_failure(call, error, getattr(sent, "id", 0))
        self._consider_holding()

    def _consider_holding(self) -> None:
        if self.unread is not None:
            self.unread.consider()

    def refuse(self, call: CallReceived, error: NotExecuted) -> None:
        """Fail a call that was not run."""
        text, why = "%s: %s was not run: %s", text_of(error, 500)
        self.endpoint.log.warning(self.loop.call_later, "calls not run", text, self.peer, call.name, why)
        self.broker.fail(call, error)
        self._consider_holding()

    def write_answers(self) -> None:
        """Write what has gathered if it is much."""
        if self.line is not None and (self.broker.outbox.has_large or self.broker.outbox.pieces_waiting > PIECES):
            self.line.flush()

    def await_first_step(self) -> None:
        """A task was made that takes its first step in the next turn of the loop: handle nothing before it has."""
        if not self.awaits_first_step:
            self.awaits_first_step = True
            self.loop.call_soon(self._first_step_taken)

    def _first_step_taken(self) -> None:
        """The task that was made last has run up to where it waits: the next message may be handled."""
        self.awaits_first_step = False
        if self.line is not None:
            self.line.pump()
        self.backlog_made().start_calls()

    def orphan_ended(self) -> None:
        """A call has ended after its connection has."""
        if self.address is not None:
            self.endpoint.account.orphaned(self.address, -1)

    def drop(self, error: ProtocolError) -> None:
        """The peer asks for more than it may."""
        if self.line is not None:
            self.line.drop(error)

    # --- what the log says

    def report(self, doing: str, error: BaseException) -> None:
        """A hook of the application has raised where nobody can be told."""
        later = self.loop.call_later
        self.endpoint.log.failure(later, f"errors while {doing}", error, "%s: error while %s", self.peer, doing)

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """A call whose caller asked for no answer came to nothing: no such method, arguments refused, a CallError."""
        self.one_way_failures += 1
        text, kind = "%s: one-way call of %s failed: %s: %s", type(error).__qualname__
        log, later = self.endpoint.log, self.loop.call_later
        log.warning(later, "one-way calls that failed", text, self.peer, name, kind, error)

    def _log_failure(self, call: CallReceived, error: BaseException, number: int) -> None:
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
        log, later = self.endpoint.log, self.loop.call_later
        if isinstance(error, ConnectionClosed) and self.broker.is_closed:  # it waited for the peer that has gone: no fault
            kind = "calls that ended with their connection"
            log.note(later, kind, "%s: %s ended with its connection", self.peer, call.name)
            return
        text = f"%s: failure #{number} in %s" if number else "%s: failure in %s"
        log.failure(later, "failures of methods", error, text, self.peer, call.name)


def run_method(call: CallReceived) -> Any:
    """Run the method that a peer calls, in a context of its own."""
    context = copy_context()
    if call.kwargs:
        return context.run(call.method(), *call.args, **call.kwargs)
    return context.run(call.method(), *call.args)  # most calls: to pass an empty dictionary on costs as much as to make one


__all__ = ("Calls",)
