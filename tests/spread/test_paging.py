"""Pagers and collectors of likewise.spread: what goes wrong ends, for who sends pages and for who waits for them."""

from __future__ import annotations

import io
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer

import likewise
from likewise.spread import pb, util
from tests.spread.ends import Logged, Pair


class Pages(util.Pager):
    """Sends what an iterator yields."""

    def __init__(self, collector: Any, pages: Any, *args: Any) -> None:
        self.pages = iter(pages)
        super().__init__(collector, *args)

    def nextPage(self) -> Any:
        page = next(self.pages)
        if page is None:
            self.stopPaging()
            return b"last"
        return page


def failing() -> Any:
    yield b"one"
    raise ValueError("no second page")


class Root(pb.Root):
    def __init__(self) -> None:
        self.pagers: list[Any] = []
        self.ended: list[Any] = []

    def remote_pages(self, collector: Any, kind: str) -> None:
        pages = {
            "good": [b"one", b"two", None],
            "failing": failing(),
            "unsendable": [b"one", lambda: None, None],
            "endless": iter(lambda: b"x" * 100, None),
        }[kind]
        self.pagers.append(Pages(collector, pages, self.ended.append, kind))

    def remote_file(self, collector: Any, size: int) -> None:
        self.pagers.append(util.FilePager(collector, io.BytesIO(b"x" * size), self.ended.append, "file"))

    def remote_broken_file(self, collector: Any) -> None:
        file = io.BytesIO()
        file.close()
        util.FilePager(collector, file)

    def remote_hold(self, collector: Any) -> None:
        self.pagers.append(collector)


class SmallBroker(pb.Broker):
    limits = likewise.Limits(paged_bytes=2_000)


@pytest.fixture
def root() -> Root:
    return Root()


@pytest.fixture
def pair(root: Root) -> Pair:
    return Pair(root)


def waiting(pair: Pair, *args: Any) -> list[Any]:
    """What the Deferred of getAllPages ends in, once it has."""
    got: list[Any] = []
    util.getAllPages(pair.root, *args).addBoth(got.append)
    return got


def test_pages_arrive_and_the_sender_is_told(pair: Pair, root: Root) -> None:
    got = waiting(pair, "pages", "good")
    pair.carry()
    assert got == [[b"one", b"two", b"last"]] and root.ended == ["good"]
    assert pair.server.transport.producer is None
    assert pair.client.disconnects == []


@pytest.mark.parametrize(("kind", "logged"), [("failing", "ValueError"), ("unsendable", "InsecureJelly")])
def test_a_page_that_fails_ends_its_pager_and_nothing_else(pair: Pair, root: Root, kind: str, logged: str) -> None:
    with Logged() as log:
        bad, good = waiting(pair, "pages", kind), waiting(pair, "pages", "good")
        pair.carry()
    assert log.types() == [logged]
    assert good == [[b"one", b"two", b"last"]]
    assert bad[0].check(pb.Error) and "let go of the collector" in bad[0].getErrorMessage()
    assert root.ended == ["good"] and pair.server.pageProducers == []
    assert pair.server.transport.producer is None


def test_a_file_that_can_not_be_read_fails_the_call(pair: Pair) -> None:
    with Logged() as log:
        got = waiting(pair, "broken_file")
        pair.carry()
    assert got[0].check(ValueError) and log.types() == ["ValueError"]
    assert pair.server.pageProducers == [] and pair.server.transport.producer is None


def test_who_waits_is_told_that_too_much_came(root: Root) -> None:
    factory = pb.PBClientFactory()
    factory.protocol = SmallBroker
    pair = Pair(root, client=factory)
    got = waiting(pair, "pages", "endless")
    written, pair.client.transport.written = b"".join(pair.client.transport.written), []
    pair.server.dataReceived(written)
    for _ in range(100):
        if got:
            break
        pair.server.resumeProducing()
        written, pair.server.transport.written = b"".join(pair.server.transport.written), []
        pair.client.dataReceived(written)
    assert got[0].check(pb.Error) and "2,000 bytes" in got[0].getErrorMessage()


def test_a_collector_of_one_s_own_logs_that_too_much_came() -> None:
    got: list[Any] = []
    collector = util.CallbackPageCollector(got.append, 1_200)
    with Logged() as log:
        for _ in range(9):
            collector.remote_gotPage(b"x" * 40)
        for _ in range(3):
            with pytest.raises(likewise.Error):
                collector.remote_gotPage(b"x" * 40)
        collector.remote_endedPaging()
    assert log.types() == ["Error"] and got == [] and collector.pages == []


def test_the_end_of_the_connection_ends_both_sides(pair: Pair, root: Root) -> None:
    got = [waiting(pair, "hold"), waiting(pair, "file", 1_000_000)]
    written, pair.client.transport.written = b"".join(pair.client.transport.written), []
    pair.server.dataReceived(written)
    pager = root.pagers[1]
    pair.server.resumeProducing()
    assert pager.producer is not None and pair.server.pageProducers == [pager]
    pair.lose()
    assert [each[0].type for each in got] == [pb.PBConnectionLost] * 2
    assert pager.producer is None and pager.chunks == [] and pager.collector is None
    assert pair.server.pageProducers == [] and root.ended == []
    with pytest.raises(pb.DeadReferenceError):
        util.getAllPages(pair.root, "hold")


def test_the_call_itself_may_fail(pair: Pair) -> None:
    with Logged():
        got = waiting(pair, "nothing_of_the_kind")
        pair.carry()
    assert got[0].type == b"twisted.spread.flavors.NoSuchMethod"
    assert pair.client.disconnects == []


def test_who_waits_may_stop_waiting(pair: Pair, root: Root) -> None:
    waits = util.getAllPages(pair.root, "hold")
    got: list[Any] = []
    waits.addBoth(got.append)
    pair.carry()
    waits.cancel()
    assert got[0].check(defer.CancelledError) and pair.client.disconnects == []
    root.pagers[0].callRemote("endedPaging")
    pair.carry()
    assert len(got) == 1


def test_a_local_object_may_send_pages() -> None:
    class Local(util.LocalAsRemote):
        def sync_pages(self, collector: Any) -> str:
            collector.remote_gotPage(b"x")
            collector.remote_endedPaging()
            return "whatever"

        def async_none(self, collector: Any) -> None:
            pass

    got: list[Any] = []
    util.getAllPages(Local(), "pages").addBoth(got.append)
    util.getAllPages(Local(), "none").addBoth(got.append)
    assert got[0] == [b"x"] and got[1].check(pb.Error)
