"""
The calls of a peer, run and answered by one rule under both drivers: each is answered once, now or later, by what its
method returned or by why there is no such thing.

Calls that may not start yet are put aside (:mod:`likewise.serving.flow`).
"""

from __future__ import annotations

from typing import Any, Final

from ..broker.core import Broker
from ..broker.events import CallReceived, Later, can_be_awaited
from ..errors import ENDS_THE_PROGRAM, NotExecuted, NotSendable
from .unread import Unread

NEVER_AWAITABLE: Final = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict))
"""Types of most answers, none of which can be awaited: to look here costs less than to ask."""


class CallHandler:
    """
    The calls of one session's peer. A driver derives its own, which says how a method is called, how something is awaited,
    and what the log is told.

    ``broker`` is the session; ``backlog`` holds the calls that take their time, and is made with the first of them;
    ``unread`` is there while the peer does not read.
    """

    __slots__ = ("backlog", "broker", "unread")
    ends: tuple[type[BaseException], ...] = ENDS_THE_PROGRAM  # what a method may raise that fails its call and is raised on
    backlog: Any  # the driver's own kind of Backlog, or None
    broker: Broker
    unread: Unread | None

    # --- what a driver adds

    def call_method(self, call: CallReceived) -> Any:
        """Find the method, call it, and return what it returns."""
        raise NotImplementedError

    def new_backlog(self) -> Any:
        """A Backlog; its ``run_on(call, value)`` waits for what can be awaited and then answers the call."""
        raise NotImplementedError

    def fail(self, call: CallReceived, error: BaseException) -> None:
        """A method has raised, or what it returned can't be had: tell the caller, and the log where that has to know."""
        raise NotImplementedError

    def answer_refused(self, call: CallReceived, error: NotSendable) -> None:
        """What a method returned can't cross. The caller was told; this is for the log."""

    # --- calls that have come

    @property
    def running(self) -> int:
        """How many calls of the peer run."""
        return self.backlog.running if self.backlog is not None else 0

    def backlog_made(self) -> Any:
        """What holds the calls that take their time."""
        if self.backlog is None:
            self.backlog = self.new_backlog()
        return self.backlog

    def hold(self) -> None:
        """Start no more calls, until the peer has read what it was answered."""
        self.backlog_made().hold(True)

    def run(self, call: CallReceived) -> None:
        """Run a method and answer with what it returns, now or later."""
        try:
            value = self.call_method(call)
        except BaseException as error:
            self.fail(call, error)
            if isinstance(error, self.ends):
                raise
            return
        if type(value) in NEVER_AWAITABLE or not (isinstance(value, Later) or can_be_awaited(value)):
            if call.want_answer:
                self.answer(call, value)
        elif isinstance(value, Later):
            value.called(self, call)
        else:
            self.backlog_made().run_on(call, value)

    def answer(self, call: CallReceived, value: Any) -> None:
        """A method has returned."""
        try:
            refused = self.broker.answer(call, value)
        except BaseException as error:  # a hook of the value that was to be sent
            self.fail(call, error)
            if isinstance(error, self.ends):
                raise
            return
        if refused is not None:
            self.answer_refused(call, refused)
        if self.unread is not None:
            self.unread.consider()

    def give_back(self, call: CallReceived) -> None:
        """Fail a call whose caller has given up on it before it was run."""
        self.broker.fail(call, NotExecuted("the call was not run: its caller has cancelled it"))


__all__ = ("NEVER_AWAITABLE", "CallHandler")
