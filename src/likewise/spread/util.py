"""Pages, and objects that are local but called as if they were not."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet import defer, interfaces
from twisted.protocols import basic
from twisted.python import log
from twisted.python.failure import Failure
from zope.interface import implementer

from ..objects.paging import PageCollector, expect_pages
from . import pb
from .failures import Answer
from .faults import translated


class LocalMethod:
    """One method of a local object; calling it is ``local.callRemote(name, ...)``."""

    def __init__(self, local: Any, name: str) -> None:
        self.local = local
        self.name = name

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return self.local.callRemote(self.name, *args, **kw)


class LocalAsRemote:
    """
    An object that is called by ``callRemote`` although it is here.

    ``callRemote("x")`` runs ``sync_x`` and returns what that returns, or ``async_x`` and returns a Deferred of it.
    """

    reportAllTracebacks: Any = 1

    def callRemote(self, name: str, *args: Any, **kw: Any) -> Any:
        """Run ``sync_<name>`` or ``async_<name>``."""
        method = getattr(self, "sync_" + name, None)
        if method is not None:
            return method(*args, **kw)
        try:
            return defer.succeed(getattr(self, "async_" + name)(*args, **kw))
        except BaseException:
            failed = Failure()
            if self.reportAllTracebacks:
                failed.printTraceback()
            return defer.fail(failed)

    def remoteMethod(self, name: str) -> LocalMethod:
        """One method, to be called later."""
        return LocalMethod(self, name)


class LocalAsyncForwarder:
    """Forwards ``callRemote`` to a local object, as far as an interface of it goes."""

    def __init__(self, forwarded: Any, interfaceClass: Any, failWhenNotImplemented: Any = 0) -> None:
        assert interfaceClass.providedBy(forwarded)
        self.forwarded = forwarded
        self.interfaceClass = interfaceClass
        self.failWhenNotImplemented = failWhenNotImplemented

    def _callMethod(self, method: str, *args: Any, **kw: Any) -> Any:
        return getattr(self.forwarded, method)(*args, **kw)

    def callRemote(self, method: str, *args: Any, **kw: Any) -> defer.Deferred[Any]:
        """A Deferred of what the method returns; of ``None``, or failed, if the interface does not have it."""
        if self.interfaceClass.queryDescriptionFor(method):
            return defer.maybeDeferred(self._callMethod, method, *args, **kw)
        if self.failWhenNotImplemented:
            return defer.fail(Failure(NotImplementedError(f"No Such Method in Interface: {method}")))
        return defer.succeed(None)


class Pager:
    """
    Sends something in pages to a collector at the peer, as fast as the transport takes them.

    Override :meth:`nextPage`. ``callback(*args, **kw)`` runs when all is sent. If a page can't be made or can't cross,
    that is logged, and the collector is let go of without a last page: the peer must not take a part for the whole.
    """

    _stillPaging: Any = 1

    def __init__(self, collector: Any, callback: Any = None, *args: Any, **kw: Any) -> None:
        self._prepare(collector, callback, args, kw)
        collector.broker.registerPageProducer(self)

    def _prepare(self, collector: Any, callback: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        self.callback = callback if callable(callback) else None
        self.callbackArgs = args
        self.callbackKeyword = kw
        self.collector = collector

    def stillPaging(self) -> Any:
        """Whether there is more to send; tells the collector and the callback if not."""
        if not self._stillPaging:
            self.collector.callRemote("endedPaging", pbanswer=False)
            if self.callback is not None:
                self.callback(*self.callbackArgs, **self.callbackKeyword)
        return self._stillPaging

    def sendNextPage(self) -> None:
        """Send one page."""
        self._send(self.nextPage())

    def _send(self, page: Any) -> None:
        sent = self.collector.callRemote("gotPage", page, pbanswer=False)
        if isinstance(sent, defer.Deferred) and sent.called:  # it could not be written
            failures: list[Failure] = []
            sent.addErrback(failures.append)
            if failures:
                failures[0].raiseException()

    def nextPage(self) -> Any:
        """The next page; call :meth:`stopPaging` with the last one."""
        raise NotImplementedError

    def stopPaging(self) -> None:
        """There are no more pages."""
        self._stillPaging = 0

    def abandon(self) -> None:
        """Nothing more will be asked for: the connection has ended, or a page could not be sent."""
        self.stopPaging()
        self.collector = None


class StringPager(Pager):
    """Sends a string in pieces."""

    def __init__(self, collector: Any, st: Any, chunkSize: int = 8192, callback: Any = None, *args: Any, **kw: Any) -> None:
        self.string = st
        self.pointer = 0
        self.chunkSize = chunkSize
        Pager.__init__(self, collector, callback, *args, **kw)

    def nextPage(self) -> Any:
        page = self.string[self.pointer : self.pointer + self.chunkSize]
        self.pointer += self.chunkSize
        if self.pointer >= len(self.string):
            self.stopPaging()
        return page


@implementer(interfaces.IConsumer)
class FilePager(Pager):
    """Sends a file in pieces; at most one lies here at a time."""

    producer: Any = None

    def __init__(self, collector: Any, fd: Any, callback: Any = None, *args: Any, **kw: Any) -> None:
        self.chunks: list[bytes] = []
        self._prepare(collector, callback, args, kw)
        self.startProducing(fd)  # before it is asked for a page: the transport asks again only when it has sent one
        collector.broker.registerPageProducer(self)

    def startProducing(self, fd: Any) -> None:
        """Begin to read the file."""
        self.deferred = basic.FileSender().beginFileTransfer(fd, self)
        self.deferred.addBoth(lambda _: self.stopPaging())

    def registerProducer(self, producer: Any, streaming: Any) -> None:
        """The file is read piece by piece, when asked for."""
        self.producer = producer
        if not streaming:
            self.producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The file has been read."""
        self.producer = None

    def write(self, chunk: bytes) -> None:
        """A piece of the file."""
        self.chunks.append(chunk)

    def sendNextPage(self) -> None:
        """Send the piece that is here, and have the next one read."""
        if self.chunks:
            page = self.chunks.pop(0)
            self.producer.resumeProducing()
            self._send(page)

    def abandon(self) -> None:
        super().abandon()
        self.chunks.clear()
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()


class CallbackPageCollector(PageCollector, pb.Referenceable):
    """
    Takes pages, and calls ``callback`` with the list of them when there are no more.

    ``most_bytes`` is how much they may take together, by default ``likewise.Limits().paged_bytes``; ``failed`` is
    called with the error if they take more. Where it is not given, that is logged.
    """

    def __init__(self, callback: Any, most_bytes: float | None = None, failed: Any = None) -> None:
        super().__init__(callback, most_bytes, log.err if failed is None else failed)


def getAllPages(referenceable: Any, methodName: str, *args: Any, **kw: Any) -> defer.Deferred[list[Any]]:
    """
    Call a remote method whose first argument is a page collector; a Deferred of the list of pages.

    It fails as the call does, with :class:`.pb.PBConnectionLost` if the connection ends, and with :class:`.pb.Error` if
    the pages take more than the connection's ``limits.paged_bytes``, or the sender lets go of the collector too early.
    """
    core = getattr(getattr(referenceable, "broker", None), "core", None)  # a LocalAsRemote has none
    collected = Answer()
    if core is not None:
        settle, reject = partial(core.driver.settle, collected), partial(core.driver.reject, collected)
    else:
        settle, reject = partial(_give, collected), partial(_fail, collected)
    collector, stop = expect_pages(core, settle, reject, make=CallbackPageCollector)
    try:
        called = referenceable.callRemote(methodName, collector, *args, **kw)
    except BaseException:
        stop()
        collected.addErrback(lambda _: None)  # nobody gets it, nor need know that no pages come
        raise
    del collector  # the peer holds it
    if isinstance(called, defer.Deferred):  # a LocalAsRemote may return anything
        called.addErrback(reject)

    def settled(result: Any) -> Any:
        stop()
        return result

    return collected.addBoth(settled)


def _give(collected: defer.Deferred[list[Any]], pages: list[Any]) -> None:
    if not collected.called:
        collected.callback(pages)


def _fail(collected: defer.Deferred[list[Any]], why: Any) -> None:
    if not collected.called:
        collected.errback(why if isinstance(why, Failure) else Failure(translated(why)))


__all__ = [
    "CallbackPageCollector",
    "FilePager",
    "LocalAsRemote",
    "LocalAsyncForwarder",
    "LocalMethod",
    "Pager",
    "StringPager",
    "getAllPages",
]
