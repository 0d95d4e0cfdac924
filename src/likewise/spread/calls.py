"""
The calls of one connection, both ways: what its core needs of Twisted's reactor.

Our own give a Deferred each. What a method of ours returns is answered at once, or when its Deferred has fired.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure

from .. import errors
from ..bounded import clip, text_of
from ..broker.events import CallReceived
from ..errors import ConnectionClosed, LimitExceeded, NotExecuted, NotSendable
from ..jelly.context import Luid
from ..serving.calls import CallHandler
from . import file_thread
from .awaited import is_unhandled, quiet
from .deferreds import Deferreds
from .failures import Answer, CopyableFailure
from .faults import BananaError, DeadReferenceError, Error, PBConnectionLost, refused, translated
from .flavors import note_arguments
from .reports import FailureOfPeer
from .streams import WithSpreadStreams

OPTIONS = frozenset(("pbcallback", "pberrback", "pbanswer"))


class DeferredCalls(WithSpreadStreams):
    """``protocol`` is the connection as its user knows it, ``line`` what carries its bytes."""

    __slots__ = ("protocol",)
    ends = ()  # nothing that a peer asks for ends a program of Twisted
    awaits_first_step = False  # a coroutine takes its first step at once here
    backlog: Deferreds | None

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.backlog = self.unread = self.streams = None
        self.one_way_failures = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing is run or answered any more."""
        return bool(self.protocol.disconnected or self.broker.is_closed)

    # --- our own calls

    def send(
        self, luid: Luid, name: Any, args: tuple[Any, ...], kw: dict[str, Any], perspective: Any, to_cache: bool = False
    ) -> Any:
        """Make a call; see :meth:`RemoteReference.callRemote`."""
        want_answer = True
        callbacks: tuple[Any, Any] | None = None
        if kw and not OPTIONS.isdisjoint(kw):
            if "pbcallback" in kw or "pberrback" in kw:
                log.msg('warning! using deprecated "pbcallback"')
                callbacks = kw.pop("pbcallback", None), kw.pop("pberrback", None)
            if "pbanswer" in kw:
                assert callbacks is None, "You can't specify a no-answer requirement."
                want_answer = bool(kw.pop("pbanswer"))
        core, line = self.broker, self.line
        if core.is_closed or self.protocol.disconnected:
            raise DeadReferenceError("Calling Stale Broker")
        line.depth += 1  # as ``with line:``, which takes two calls more
        try:
            result = core.call(luid, name, args, kw, perspective, want_answer, to_cache)
        except NotSendable as error:
            known = refused(error)
            if isinstance(known, BananaError):
                core.spend_request()
                raise known from None
            return defer.fail(Failure(known))
        except Exception as error:
            return defer.fail(Failure(translated(error)))
        finally:
            line.depth -= 1
            if line.has_more and not line.depth:
                line.flush()
        if self.backlog is not None:
            self.backlog.called()
        if callbacks is not None:
            result.addCallbacks(*(each or (lambda x: x) for each in callbacks))
        return result

    def new_result(self, request: int) -> Answer:
        return Answer()

    def unheard(self, result: Answer) -> None:
        result.is_unheard = True

    def settle(self, result: defer.Deferred[Any], value: Any) -> None:
        if not result.called:
            line = self.line
            depth, line.depth = line.depth, 0  # what follows is the application's
            try:
                result.callback(value)
            finally:
                line.depth = depth

    def reject(self, result: Answer, error: Any) -> None:
        if result.called:
            return
        line = self.line
        is_lost = isinstance(error, ConnectionClosed)
        if is_lost:
            error = PBConnectionLost(line.reason)
        depth, line.depth = line.depth, 0
        try:
            result.errback(error if isinstance(error, Failure) else FailureOfPeer(translated(error)))
        finally:
            line.depth = depth
        if is_unhandled(result) and ((is_lost and result.is_unheard) or not self.may_log("errors that nobody handles")):
            quiet(result)

    # --- what the core has to send

    def output_ready(self) -> None:
        line = self.line
        if line.is_flushing:
            line.has_more = True
        else:
            line.flush()

    output_may_wait = output_ready

    def release_ready(self) -> None:
        self.line.release_ready()

    def unsent_bytes(self) -> int:
        unsent: int = self.line.unsent_bytes()
        return unsent

    def write_answers(self) -> None:
        """What the core has to say is written at once."""

    # --- calls of the peer

    def new_backlog(self) -> Deferreds:
        return Deferreds(self, self.broker, self.broker.limits)

    def call_method(self, call: CallReceived) -> Any:
        if call.is_raw:
            return call.target.remoteMessageReceived(self.protocol, call.name, call.args, call.kwargs)
        method = call.target.find_remote_method(call.name)
        try:
            return method(*call.args, **call.kwargs)
        except TypeError:
            note_arguments(self, method, call.args, call.kwargs)
            raise

    def answer(self, call: CallReceived, value: Any) -> None:
        line = self.line
        line.depth += 1
        try:
            CallHandler.answer(self, call, value)
        finally:
            line.depth -= 1
            if line.has_more and not line.depth:
                line.flush()

    def fail(self, call: CallReceived, error: BaseException) -> None:
        failed: Failure = error if isinstance(error, Failure) else CopyableFailure(translated(error))
        # Where it waited for the peer that has gone, that is no fault of its own.
        is_lost = self.protocol.disconnected and failed.check(ConnectionClosed)
        is_expected = failed.check(Error, errors.Error) is not None
        is_quiet = is_lost or is_expected or not self.may_log("failures of methods")
        if not is_quiet and call.want_answer:
            log.msg("Peer will receive following PB traceback:", isError=True)
        with self.line:
            self.broker.fail(call, failed)  # of a one-way call it sends nothing; a mirror counts it
        if not call.want_answer and not is_lost:
            if is_expected:
                self.one_way_failed(clip(call.name), failed.value or Error())
            else:
                self.one_way_failures += 1
        if not is_quiet:
            self.log_failure(failed)

    def refuse(self, call: CallReceived, error: NotExecuted) -> None:
        """Fail a call that was not run."""
        if self.may_log("calls not run"):
            log.msg(f"{clip(call.name)} was not run: {text_of(error)}")
        if call.want_answer:
            with self.line:
                self.broker.fail(call, CopyableFailure(translated(error)))

    def orphan_ended(self) -> None:
        """A call has ended after its connection has."""
        admitted = self.line.admitted
        if admitted is not None and self.protocol.disconnected:
            admitted.orphan_ended()

    def drop(self, error: LimitExceeded) -> None:
        """The peer asks for more than it may."""
        self.line.give_up(error)

    def connection_lost(self) -> None:
        """What waits is never started: nobody is left to be answered. What runs may end."""
        if self.backlog is not None:
            self.backlog.connection_lost()

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """Run ``work()`` where it may wait for a disk, then ``done(what it returned)`` here."""
        if self.line.admitted is None:  # in memory, where all is done when it has been delivered
            done(work())
        else:
            file_thread.run_on_reactor_thread(self, work, done)


__all__ = ("DeferredCalls",)
