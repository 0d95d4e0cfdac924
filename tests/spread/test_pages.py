"""Pages and published state from asyncio: with our own server, and with Twisted programs on either PB."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.objects.paging import pages_of
from tests.programs import running

pytest.importorskip("twisted")

SERVER = str(Path(__file__).with_name("page_server.py"))
PATIENCE = 30


class RArticle(likewise.RemotePublished):
    text: Any


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass("pages.Article", RArticle)


@pytest.fixture(scope="module", params=["likewise.spread", "twisted.spread"])
def port(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(SERVER, request.param) as program:
        yield program.port()


def against(port: str, ask: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        async with likewise.connect(f"tcp://127.0.0.1:{port}", accept=REGISTRY) as connection:
            await ask(connection.root)

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_a_pager_s_pages_arrive(port: str) -> None:
    async def ask(root: Any) -> None:
        assert await likewise.get_all_pages(root, "string", 10, 30) == [b"0123456789" * 3] * 3 + [b"0123456789"]
        assert b"".join(await likewise.get_all_pages(root, "file", 200_000)) == b"0123456789" * 200_000

    against(port, ask)


def test_pages_may_be_sent(port: str) -> None:
    async def ask(root: Any) -> None:
        await likewise.send_pages(await root.callRemote("collector"), b"x" * 1_000_000, 100_000)
        assert await root.callRemote("got") == 1_000_000

    against(port, ask)


def test_what_goes_wrong_is_raised(port: str) -> None:
    async def ask(root: Any) -> None:
        with pytest.raises(likewise.Error, match="no pages today"):
            await likewise.get_all_pages(root, "fail")
        with pytest.raises(likewise.Error, match="takes no more"):
            await likewise.get_all_pages(root, "string", 100, 100, most_bytes=500)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(likewise.get_all_pages(root, "never"), 0.2)
        with pytest.raises(likewise.ConnectionClosed):
            await likewise.get_all_pages(root, "hang_up")

    against(port, ask)


def test_published_state_is_fetched_once(port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RArticle, "registry", REGISTRY)
    monkeypatch.setattr(RArticle, "cacheDirectory", tmp_path)

    asked: list[int] = []

    async def ask(root: Any) -> None:
        article = await root.callRemote("article")
        ready = asyncio.get_running_loop().create_future()
        article.callWhenActivated(ready.set_result)
        assert await ready is article and article.text == ["one", 2]
        assert bool(article._wasCleanWhenLoaded) is bool(asked)
        asked.append(await root.callRemote("asked"))

    for _ in range(3):  # runs, as it were
        against(port, ask)
    assert len(set(asked)) == 1 and [len(each.name) for each in tmp_path.iterdir()] == [44]


# --- both ends ours


class Root(likewise.Root):
    async def remote_text(self, collector: Any, source: str) -> int:
        file = io.BytesIO(b"abc" * 1_000)
        await likewise.send_pages(collector, file if source == "file" else "\u00e9\u4e2d" * 1_000, 700)
        return 5


class Slow(likewise.PageCollector):
    running = most = 0

    async def remote_gotPage(self, page: Any) -> None:  # type: ignore[override]
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        super().remote_gotPage(page)


class Taking(likewise.Root):
    def __init__(self) -> None:
        self.collector = Slow(lambda pages: None)

    def remote_collector(self) -> Any:
        return self.collector


def test_an_async_method_sends_pages_at_the_receiver_s_pace() -> None:
    async def run() -> None:
        async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            assert b"".join(await likewise.get_all_pages(connection.root, "text", "file")) == b"abc" * 1_000
            assert "".join(await likewise.get_all_pages(connection.root, "text", "str")) == "\u00e9\u4e2d" * 1_000
        taking = Taking()
        async with likewise.serve(taking, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            await likewise.send_pages(await connection.root.callRemote("collector"), b"x" * 1_000, 10)
        assert 1 < taking.collector.most <= 8 and b"".join(taking.collector.pages) == b"x" * 1_000

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


@pytest.mark.parametrize("source", [b"12345", bytearray(b"12345"), memoryview(b"12345"), io.BytesIO(b"12345"), "12345"])
def test_a_source_is_cut(source: Any) -> None:
    pages = list(pages_of(source, 2))
    assert pages == (["12", "34", "5"] if isinstance(source, str) else [b"12", b"34", b"5"])
    assert {type(page) for page in pages} == {str if isinstance(source, str) else bytes}
    assert list(pages_of(b"")) == []
