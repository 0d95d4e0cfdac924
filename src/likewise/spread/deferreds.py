"""The calls of one connection's peer that have returned a Deferred, and those that wait. Most connections have none."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer
from twisted.python.failure import Failure

from ..broker.core import Broker as Core
from ..broker.events import CallReceived
from ..limits import Limits
from ..serving.backlog import Backlog, CallRunner
from ..serving.flow import ArgumentBytes
from .awaited import as_deferred
from .clock import CLOCK


class Deferreds(Backlog):
    """As :class:`Backlog`, for Deferreds and whatever can be made one."""

    __slots__ = ("_answers",)

    def __init__(self, calls: CallRunner, core: Core, limits: Limits) -> None:
        super().__init__(calls, core, limits, ArgumentBytes(limits), CLOCK)
        self._answers: set[defer.Deferred[Any]] = set()

    def run_on(self, call: CallReceived, value: Any) -> None:
        """A method takes its time: it has returned a Deferred, a coroutine, or anything else that can be awaited."""
        call.args = call.kwargs = None  # else what came is held for as long as the answer takes
        answer = as_deferred(value)
        self._answers.add(answer)
        self.begin(call)
        answer.addCallbacks(self._succeeded, self._failed, callbackArgs=(call, answer), errbackArgs=(call, answer))

    def _succeeded(self, value: Any, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._answers.discard(answer)
        self.end(call, value, None)

    def _failed(self, failed: Failure, call: CallReceived, answer: defer.Deferred[Any]) -> None:
        self._answers.discard(answer)
        self.end(call, None, failed)

    def cancel_running(self) -> None:
        for answer in tuple(self._answers):
            answer.cancel()


__all__ = ("Deferreds",)
