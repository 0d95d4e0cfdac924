"""Pages: sent whenever the transport can take one."""

from __future__ import annotations

from typing import Any

from twisted.python import log

from .lazy import Lazy


class WithPages:
    """The part of a Broker that asks pagers for their pages; while there are any it is its transport's pull producer."""

    transport: Any
    disconnected: int
    line: Any
    calls: Any
    pageProducers: Any = Lazy(list)

    def registerPageProducer(self, pager: Any) -> None:
        """Have a pager send a page whenever the transport can take one."""
        self.pageProducers.append(pager)
        if len(self.pageProducers) == 1:
            self.begin_paging()

    def begin_paging(self) -> None:
        """Ask for pages, if there are any, and as soon as the transport has no other producer."""
        if self.pageProducers and not self.line.pressure.is_producer:
            self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """The transport has sent everything: one page of each pager."""
        self.line.pressure.drained()
        for pager in self.pageProducers[::-1]:
            try:
                pager.sendNextPage()
                if pager.stillPaging():
                    continue
            except BaseException as error:
                if not self.disconnected:
                    self.calls.report("sending pages: no more of them are sent", error)
                abandon(pager)
            if pager in self.pageProducers:
                self.pageProducers.remove(pager)
        if not self.pageProducers:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Nothing to do: pages are sent when asked for."""

    def stopProducing(self) -> None:
        """The transport has gone: no pages are asked for any more."""
        pagers, self.pageProducers = self.pageProducers, []
        for pager in pagers:
            abandon(pager)


def abandon(pager: Any) -> None:
    """Have a pager let go of what it holds; one that is not derived from ours need not know how."""
    let_go = getattr(pager, "abandon", None)
    if let_go is not None:
        try:
            let_go()
        except BaseException:
            log.err()


__all__ = ("WithPages", "abandon")
