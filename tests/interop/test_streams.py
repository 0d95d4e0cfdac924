"""Streams and programs of Twisted's API, Twisted's own and ours: they read ours by its methods, and we read theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.programs import Program, running

PEER = str(Path(__file__).with_name("stream_peer.py"))
PATIENCE = 30
APIS = ["twisted.spread", "likewise.spread"]


class Root(likewise.Root):
    def __init__(self) -> None:
        self.ends = 0

    async def remote_numbers(self, count: int) -> AsyncIterator[int]:
        try:
            for number in range(count):
                yield number
        finally:
            self.ends += 1

    async def remote_failing(self) -> AsyncIterator[int]:
        yield 1
        raise likewise.Error("as asked")

    async def remote_wait_for_ends(self, count: int) -> None:
        while self.ends < count:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("api", APIS)
def test_a_client_of_twisted_s_api_reads_our_streams(api: str) -> None:
    async def main() -> list[str]:
        async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
            with running(PEER, api, str(server.port)) as program:
                return (await asyncio.to_thread(program.end))[1]

    assert asyncio.run(main()) == [
        "read True",
        "in order True",
        "closed None []",
        "failed [1] as asked",
        "refused next() takes a number of items from 1, not -1",
        "bounded True",
        "ended",
    ]


async def said(program: Program, line: str) -> None:
    assert await asyncio.to_thread(program.line) == line


@pytest.mark.parametrize("api", APIS)
def test_we_read_streams_of_a_server_of_twisted_s_api_and_it_reads_ours(api: str) -> None:
    async def main(program: Program, port: str) -> None:
        async with asyncio.timeout(PATIENCE), likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
            assert connection.dialect == "pb"
            call = connection.root.callRemote
            assert [each async for each in call("numbers", 1_000)] == list(range(1_000))
            reference = await call("numbers", 1_000)
            async with likewise.Stream(reference) as stream:
                assert await anext(stream) == 0
            await said(program, "closed")
            mine = Root()
            assert await call("sum", mine.remote_numbers(1_000), 64) == sum(range(1_000))
            await call("drop", mine.remote_numbers(10**9))
            await said(program, "dropped")
            while mine.ends < 1:
                await asyncio.sleep(0.005)
            if api == "likewise.spread":
                await of_ours(program, call)
            del reference, stream
            await call("collect")
            while any(connection._broker.tables.sizes().values()):
                await asyncio.sleep(0.005)
            with pytest.raises(likewise.CallError, match="as asked"):
                await call("sum", mine.remote_failing(), 5)

    with running(PEER, api) as program:
        asyncio.run(main(program, program.port()))


async def of_ours(program: Program, call: Any) -> None:
    """What a server of likewise.spread may do besides: have a method return an async iterator, and read one as we do."""
    assert await call("read", Root().remote_numbers(1_000)) == list(range(1_000))
    assert [each async for each in call("generator", 10_000)] == list(range(10_000))
    await said(program, "ended")
    async for each in call("generator", 10**9):
        if each == 1_000:
            break
    await said(program, "ended")
    received = []
    with pytest.raises(likewise.Error, match="as asked"):
        async for each in call("failing"):
            received.append(each)
    assert received == [1]
    stream = likewise.Stream(await call("generator", 10**9))
    for number in range(3):
        assert await anext(stream) == number
    await stream.aclose()
    await said(program, "ended")
