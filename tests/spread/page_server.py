"""A Twisted program that sends, takes and publishes: ``page_server.py PACKAGE`` says the port it listens on."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

from twisted.internet import reactor

PACKAGE = sys.argv[1]
pb, publish, util = (importlib.import_module(f"{PACKAGE}.{name}") for name in ("pb", "publish", "util"))


class Article(publish.Publishable):  # type: ignore[misc]
    __module__ = "pages"
    asked = 0

    def getStateToPublish(self) -> Any:
        Article.asked += 1
        return {"text": ["one", 2]}


class Root(pb.Root):  # type: ignore[misc]
    article = Article("an article")

    def remote_string(self, collector: Any, count: int, chunk: int) -> None:
        util.StringPager(collector, b"0123456789" * count, chunk)

    def remote_file(self, collector: Any, count: int) -> None:
        util.FilePager(collector, io.BytesIO(b"0123456789" * count))

    def remote_fail(self, collector: Any) -> None:
        raise pb.Error("no pages today")

    def remote_never(self, collector: Any) -> None:
        self.collector = collector

    def remote_forget(self, collector: Any) -> None:
        collector.callRemote("gotPage", b"the first, and then no more")

    def remote_file_later(self, collector: Any, data: bytes) -> None:
        reactor.callLater(0.05, util.FilePager, collector, io.BytesIO(data))

    def remote_hang_up(self, collector: Any) -> None:
        self.collector = collector
        reactor.callLater(0.05, collector.broker.transport.loseConnection)

    def remote_collector(self) -> Any:
        self.got: list[Any] = []
        return util.CallbackPageCollector(self.got.append)

    def remote_got(self) -> int:
        (pages,) = self.got
        return sum(map(len, pages))

    def remote_article(self) -> Any:
        return self.article

    def remote_asked(self) -> int:
        return Article.asked


port = reactor.listenTCP(0, pb.PBServerFactory(Root()), interface="127.0.0.1")
print("listening on", port.getHost().port, flush=True)
reactor.run()
