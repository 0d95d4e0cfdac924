"""Pages and published state from asyncio: with our own server, and with Twisted programs on either PB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import likewise
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


def test_a_file_may_be_sent_when_nothing_else_is() -> None:
    """With Twisted's FilePager it never begins: the transport asks for a page when it has sent something."""

    async def ask(root: Any) -> None:
        for data in (b"", b"x" * 100_000):
            assert b"".join(await likewise.get_all_pages(root, "file_later", data)) == data

    with running(SERVER, "likewise.spread") as program:
        against(program.port(), ask)


def test_pages_may_be_sent(port: str) -> None:
    async def ask(root: Any) -> None:
        await likewise.send_pages(await root.callRemote("collector"), b"x" * 1_000_000, 100_000)
        assert await root.callRemote("got") == 1_000_000

    against(port, ask)


@pytest.mark.parametrize(
    ("name", "args", "error", "match"),
    [
        ("fail", (), likewise.Error, "no pages today"),
        ("string", (100, 100), likewise.Error, "takes no more"),
        ("forget", (), likewise.Error, "let go of the collector"),
        ("hang_up", (), likewise.ConnectionClosed, "before the last page"),
    ],
)
def test_what_goes_wrong_is_raised(port: str, name: str, args: Any, error: type[BaseException], match: str) -> None:
    async def ask(root: Any) -> None:
        with pytest.raises(error, match=match):
            await likewise.get_all_pages(root, name, *args, most_bytes=500)

    against(port, ask)


def test_who_waits_for_pages_may_stop_waiting(port: str) -> None:
    async def ask(root: Any) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await likewise.get_all_pages(root, "never")
        assert await likewise.get_all_pages(root, "string", 1, 10) == [b"0123456789"]

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
