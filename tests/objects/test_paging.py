"""Large things in pages: what is gathered, what it may take, and that who waits for pages is told in any case."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

import likewise
from likewise.objects.paging import pages_of

PATIENCE = 30


class Copied(likewise.Copyable, likewise.RemoteCopy):
    def __init__(self, data: Any) -> None:
        self.data = data


likewise.setUnjellyableForClass(Copied, Copied)


class Collector(likewise.PageCollector):
    """Counts how many pages it handles at once."""

    running = most = 0

    async def remote_gotPage(self, page: Any) -> None:  # type: ignore[override]
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        super().remote_gotPage(page)


class Root(likewise.Root):
    """Sends pages, well or badly, and takes some."""

    def __init__(self) -> None:
        self.kept: Any = None
        self.got: list[Any] = []
        self.connection: Any = None
        self.trouble: list[BaseException] = []

    def rootObject(self, broker: Any) -> Root:
        self.connection = broker
        return self

    async def remote_text(self, collector: Any, source: str) -> int:
        file = io.BytesIO(b"abc" * 1_000)
        await likewise.send_pages(collector, file if source == "file" else "\u00e9\u4e2d" * 1_000, 700)
        return 5

    def remote_page(self, collector: Any, page: Any) -> None:
        collector.callRemoteOnly("gotPage", page)
        collector.callRemoteOnly("endedPaging")

    async def remote_flood(self, collector: Any, page: Any) -> None:
        for _ in range(100):
            try:
                await collector.callRemote("gotPage", page)
            except likewise.Error as error:
                self.trouble.append(error)
        collector.callRemoteOnly("endedPaging")

    async def remote_end_twice(self, collector: Any) -> None:
        for name, args in (("gotPage", (b"x",)), ("endedPaging", ()), ("endedPaging", ())):
            await collector.callRemote(name, *args)
        try:
            await collector.callRemote("gotPage", b"y")
        except likewise.Error as error:
            self.trouble.append(error)

    def remote_fail(self, collector: Any) -> None:
        raise likewise.Error("no pages today")

    def remote_forget(self, collector: Any) -> None:
        collector.callRemoteOnly("gotPage", b"the first, and then no more")

    def remote_keep(self, collector: Any) -> None:
        self.kept = collector

    def remote_hang_up(self, collector: Any) -> None:
        self.kept = collector
        asyncio.get_running_loop().call_soon(self.connection.abort)

    def remote_collector(self, most: float | None) -> Any:
        self.collector = Collector(self.got.append, most)
        return self.collector


def asking(ask: Callable[[Any, Root], Awaitable[Any]], **limits: Any) -> Any:
    """What ``ask(reference to the root, the root)`` returns; both ends have these limits."""

    async def run() -> Any:
        root = Root()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=likewise.Limits(**limits)) as server,
            likewise.connect(server.address, limits=likewise.Limits(**limits)) as connection,
        ):
            return await ask(connection.root, root)

    return asyncio.run(asyncio.wait_for(run(), PATIENCE))


@pytest.mark.parametrize("source", [b"12345", bytearray(b"12345"), memoryview(b"12345"), io.BytesIO(b"12345"), "12345"])
def test_a_source_is_cut(source: Any) -> None:
    pages = list(pages_of(source, 2))
    assert pages == (["12", "34", "5"] if isinstance(source, str) else [b"12", b"34", b"5"])
    assert {type(page) for page in pages} == {str if isinstance(source, str) else bytes}
    assert list(pages_of(b"")) == []
    with pytest.raises(ValueError, match="1 byte or more"):
        next(pages_of(source, 0))


def test_an_async_method_sends_pages() -> None:
    async def ask(root: Any, served: Root) -> None:
        assert b"".join(await likewise.get_all_pages(root, "text", "file")) == b"abc" * 1_000
        assert "".join(await likewise.get_all_pages(root, "text", "str")) == "\u00e9\u4e2d" * 1_000

    asking(ask)


def test_pages_are_sent_at_the_receiver_s_pace() -> None:
    async def ask(root: Any, served: Root) -> None:
        await likewise.send_pages(await root.callRemote("collector", None), b"x" * 1_000, 10)
        assert 1 < served.collector.most <= 8
        assert [b"".join(pages) for pages in served.got] == [b"x" * 1_000]

    asking(ask)


def test_the_sender_is_told_that_no_more_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    async def ask(root: Any, served: Root) -> None:
        collector = await root.callRemote("collector", 2_000)
        with pytest.raises(likewise.Error, match="takes no more"):
            await likewise.send_pages(collector, b"x" * 100_000, 500)
        await root.callRemote("keep", None)
        assert served.got == [] and served.collector.pages == []
        with pytest.raises(likewise.NotSendable):
            await likewise.send_pages(await root.callRemote("collector", None), b"x" * 2_000, 2_000)
        gc.collect()

    asking(ask, string_bytes=1_500)
    assert "never retrieved" not in caplog.text


def test_a_sender_whose_receiver_has_gone_is_told() -> None:
    async def ask(root: Any, served: Root) -> None:
        collector = await root.callRemote("collector", None)
        sending = asyncio.ensure_future(likewise.send_pages(collector, b"x" * 10_000_000, 1_000))
        await root.callRemote("keep", None)
        served.connection.abort()
        with pytest.raises(likewise.ConnectionClosed):
            await sending

    asking(ask)


# --- who waits for pages is told


def told(*args: Any, error: type[BaseException], match: str, **limits: Any) -> Root:
    async def ask(root: Any, served: Root) -> Root:
        with pytest.raises(error, match=match):
            await likewise.get_all_pages(root, *args)
        return served

    found: Root = asking(ask, **limits)
    return found


def test_of_an_error_of_the_method() -> None:
    told("fail", error=likewise.Error, match="no pages today")


@pytest.mark.parametrize("page", [b"x" * 400, b"", [], {"x": []}, "x" * 400, Copied({"x": [b"x" * 300]}), {1, 2}], ids=repr)
def test_of_one_page_too_many(page: Any) -> None:
    served = told("flood", page, error=likewise.Error, match="paged_bytes", paged_bytes=5_000)
    assert 1 < len(served.trouble) < 100
    assert "no more pages are taken" in str(served.trouble[-1])


def test_of_the_end_of_the_connection() -> None:
    told("hang_up", error=likewise.ConnectionClosed, match="before the last page")


def test_of_a_sender_that_lets_go_of_the_collector() -> None:
    told("forget", error=likewise.Error, match="let go of the collector")


def test_of_the_first_end_only() -> None:
    async def ask(root: Any, served: Root) -> None:
        assert await likewise.get_all_pages(root, "end_twice") == [b"x"]
        assert [str(each) for each in served.trouble] == ["no more pages are taken"]

    asking(ask)


def test_who_waits_may_stop_waiting() -> None:
    async def ask(root: Any, served: Root) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await likewise.get_all_pages(root, "keep")
        await served.kept.callRemote("gotPage", b"late")
        await served.kept.callRemote("endedPaging")
        assert root._callbacks is None

    asking(ask)


def test_the_caller_may_take_less_or_more() -> None:
    async def ask(root: Any, served: Root) -> None:
        with pytest.raises(likewise.Error, match="100 bytes"):
            await likewise.get_all_pages(root, "page", b"x" * 100, most_bytes=100)
        assert await likewise.get_all_pages(root, "page", b"x" * 100, most_bytes=200) == [b"x" * 100]

    asking(ask, paged_bytes=150)


# --- what a page weighs


@likewise.copyable(name="Sheet")
@dataclass(slots=True)
class Sheet:
    lines: list[str]


@pytest.mark.parametrize("page", [Sheet(["x" * 100_000]), {Sheet.__name__: {"y" * 100_000}}, [[] for _ in range(2_000)]])
def test_a_page_weighs_what_it_takes_here_whatever_it_lies_in(page: Any) -> None:
    collector = likewise.PageCollector(lambda pages: None, most_bytes=250_000)
    collector.remote_gotPage(page)
    with pytest.raises(likewise.Error, match="250,000 bytes"):
        for _ in range(5):
            collector.remote_gotPage(copy.deepcopy(page))
    assert collector.pages == []


def test_a_page_weighs_something_and_a_reference_no_more_than_that() -> None:
    collector = likewise.PageCollector(lambda pages: None, most_bytes=64 * 9)
    for _ in range(3):
        collector.remote_gotPage(None)
        collector.remote_gotPage(Root())
    with pytest.raises(likewise.Error):
        for _ in range(9):
            collector.remote_gotPage(None)
