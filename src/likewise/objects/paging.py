"""
Large things in pages: pieces that are sent one after the other, so that other messages pass between them.

Twisted's messages: ``gotPage`` with each piece, then ``endedPaging``, called on a collector that the receiver has
passed along. Both ends work with a Twisted peer at the other.

Who waits for pages is told in any case: of the last one, of one too many, of the end of the connection, and, because a
sender that has given up just forgets the collector, when the sender lets go of that.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, Final

from ..bounded import weight
from ..errors import ConnectionClosed, Error
from ..jelly.context import Caller
from ..limits import Limits
from .by_reference import Referenceable

PAGE_BYTES: Final = 65_536  # of one page, unless said otherwise; a Twisted peer takes 655,360 at the most
UNDER_WAY: Final = 8  # pages sent and not yet acknowledged
FORGOTTEN: Final = "the sender has let go of the collector before the last page"


def pages_of(source: bytes | bytearray | memoryview | str | BinaryIO, size: int = PAGE_BYTES) -> Iterator[Any]:
    """The pieces of a byte string, a text or a binary file, ``size`` bytes (of a text: characters) each."""
    if size < 1:
        raise ValueError(f"a page holds 1 byte or more, not {size}")
    if isinstance(source, (bytes, bytearray, memoryview, str)):
        for start in range(0, len(source), size):
            piece = source[start : start + size]
            yield piece if isinstance(piece, str) else bytes(piece)
        return
    while piece := source.read(size):
        yield piece


class PageCollector(Referenceable):
    """
    What the sender of pages is given: it puts them in a list, and calls ``callback`` with that when there are no more.

    ``most_bytes`` is how much all pages together may take here, by default ``Limits().paged_bytes``. With one page more
    all are dropped, ``failed`` is called with the error, and the sender gets that too, if it asks. Either is called
    once; pages that come later are refused.
    """

    def __init__(
        self,
        callback: Callable[[list[Any]], object],
        most_bytes: float | None = None,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        self.pages: list[Any] = []
        self.callback = callback
        self.failed = failed
        self.most_bytes = Limits().paged_bytes if most_bytes is None else most_bytes
        self._taken = 0
        self._has_ended = False

    def remote_gotPage(self, page: Any) -> None:
        if self._has_ended:
            raise Error("no more pages are taken")
        self._taken += weight((page,), self.most_bytes)
        if self._taken > self.most_bytes:
            self._has_ended = True
            self.pages = []
            error = Error(f"the pages take over {self.most_bytes:,} bytes: the receiver takes no more (limits.paged_bytes)")
            if self.failed is not None:
                self.failed(error)
            raise error
        self.pages.append(page)

    def remote_endedPaging(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self.callback(self.pages)


def when_forgotten(collector: PageCollector, call: Callable[[], object]) -> None:
    """
    Have ``call()`` run when the peer, and everybody here, has let go of a collector: no page can come any more.

    Who waits must not hold the collector itself, then.
    """
    weakref.finalize(collector, call).atexit = False


def expect_pages(
    caller: Caller | None,
    settle: Callable[[list[Any]], object],
    reject: Callable[[Exception], object],
    most_bytes: float | None = None,
    make: type[PageCollector] = PageCollector,
) -> tuple[PageCollector, Callable[[], object]]:
    """
    A collector to pass to a sender, and what to call when nobody waits for its pages any more.

    ``settle(pages)`` is called with all of them, or ``reject(error)`` when they can't come: too many, forgotten, the
    connection of ``caller`` has ended. More than one of them may be. The collector must not be kept here.
    """

    def lost() -> None:
        reject(ConnectionClosed("the connection ended before the last page"))

    def forgotten() -> None:
        if caller is not None and caller.is_closed:  # which forgets everything
            lost()
        else:
            reject(Error(FORGOTTEN))

    if most_bytes is None and caller is not None:
        most_bytes = caller.limits.paged_bytes
    if caller is not None:
        caller.notify_on_disconnect(lost)
    collector = make(settle, most_bytes, reject)
    when_forgotten(collector, forgotten)

    def stop() -> None:
        if caller is not None:
            caller.dont_notify_on_disconnect(lost)

    return collector, stop


async def send_pages(
    collector: Any, source: bytes | bytearray | memoryview | str | BinaryIO, page_bytes: int = PAGE_BYTES
) -> None:
    """
    Send something in pages to a collector that the peer has passed; return when all are there.

    A few pages are under way at a time, so a slow receiver slows this and takes no memory here. A receiver that waits
    is told when this fails, or is cancelled.

    Raises:
        likewise.RemoteError, likewise.Error: the collector refused a page.
        ConnectionClosed: the connection ended first.
        NotSendable: a page is larger than the peer takes.
    """
    waiting: deque[Any] = deque()
    try:
        for page in pages_of(source, page_bytes):
            if len(waiting) == UNDER_WAY:
                await waiting.popleft()
            waiting.append(collector.callRemote("gotPage", page))
        while waiting:
            await waiting.popleft()
    finally:
        for result in waiting:  # one has failed, and is raised; of the others nobody wants to hear
            collector._caller.driver.unheard(result)
    await collector.callRemote("endedPaging")


async def get_all_pages(
    reference: Any, name: str, /, *args: Any, most_bytes: float | None = None, **kwargs: Any
) -> list[Any]:
    """
    Call a remote method whose first argument is a page collector; the list of pages.

    ``most_bytes`` is how much is taken, all pages together, by default ``limits.paged_bytes`` of the connection.

    Raises:
        Exception: what the method raised.
        likewise.Error: too much came, or the sender has let go of the collector before the last page.
        ConnectionClosed: the connection ended before the last page.
    """
    caller = reference._caller
    collected = caller.driver.new_result(0)
    caller.driver.unheard(collected)  # the method may fail first
    settle, reject = partial(caller.driver.settle, collected), partial(caller.driver.reject, collected)
    collector, stop = expect_pages(caller, settle, reject, most_bytes)
    try:
        called = reference.callRemote(name, collector, *args, **kwargs)
        del collector  # the peer holds it
        await called
        pages: list[Any] = await collected
        return pages
    finally:
        stop()


__all__ = ("PageCollector", "expect_pages", "get_all_pages", "send_pages")
