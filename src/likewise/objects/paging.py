"""
Large things in pages: pieces that are sent one after the other, so that other messages pass between them.

Twisted's messages: ``gotPage`` with each piece, then ``endedPaging``, called on a collector that the receiver has
passed along. Both ends work with a Twisted peer at the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from ..errors import ConnectionClosed, Error
from .by_reference import Referenceable

PAGE_BYTES: Final = 65_536  # of one page, unless said otherwise; a Twisted peer takes 655,360 at the most
UNDER_WAY: Final = 8  # pages sent and not yet acknowledged


def pages_of(source: bytes | bytearray | memoryview | str | BinaryIO, size: int = PAGE_BYTES) -> Iterator[Any]:
    """The pieces of a byte string, a text or a binary file, ``size`` bytes (of a text: characters) each."""
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

    ``most_bytes`` is how much all pages together may hold (of text: characters); one page more fails at the sender,
    and ``failed`` is called with the error.
    """

    def __init__(
        self,
        callback: Callable[[list[Any]], object],
        most_bytes: int | None = None,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        self.pages: list[Any] = []
        self.callback = callback
        self._left = most_bytes
        self._failed = failed

    def remote_gotPage(self, page: Any) -> None:
        if self._left is not None:
            self._left -= len(page) if isinstance(page, (bytes, str)) else 0
            if self._left < 0:
                error = Error("too many pages: the receiver takes no more")
                if self._failed is not None:
                    self._failed(error)
                raise error
        self.pages.append(page)

    def remote_endedPaging(self) -> None:
        self.callback(self.pages)


async def send_pages(
    collector: Any, source: bytes | bytearray | memoryview | str | BinaryIO, page_bytes: int = PAGE_BYTES
) -> None:
    """
    Send something in pages to a collector that the peer has passed; return when all are there.

    A few pages are under way at a time, so a slow receiver slows this and takes no memory here.

    Raises:
        likewise.RemoteError, likewise.Error: the collector refused a page.
        ConnectionClosed: the connection ended first.
    """
    waiting: deque[Any] = deque()
    for page in pages_of(source, page_bytes):
        if len(waiting) == UNDER_WAY:
            await waiting.popleft()
        waiting.append(collector.callRemote("gotPage", page))
    while waiting:
        await waiting.popleft()
    await collector.callRemote("endedPaging")


async def get_all_pages(reference: Any, name: str, /, *args: Any, most_bytes: int | None = None, **kwargs: Any) -> list[Any]:
    """
    Call a remote method whose first argument is a page collector; the list of pages.

    ``most_bytes`` is how much is taken, all pages together.

    Raises:
        Exception: what the method raised; what :class:`PageCollector` refuses.
        ConnectionClosed: the connection ended before the last page.
    """
    driver = reference._caller.driver
    collected = driver.new_result()

    def lost(_: Any) -> None:
        driver.reject(collected, ConnectionClosed("the connection ended before the last page"))

    collector = PageCollector(
        lambda pages: driver.settle(collected, pages), most_bytes, lambda error: driver.reject(collected, error)
    )
    reference.notifyOnDisconnect(lost)
    try:
        await reference.callRemote(name, collector, *args, **kwargs)
        pages: list[Any] = await collected
        return pages
    finally:
        driver.unheard(collected)
        try:
            reference.dontNotifyOnDisconnect(lost)
        except ValueError:  # it has been called
            pass


__all__ = ("PageCollector", "get_all_pages", "send_pages")
