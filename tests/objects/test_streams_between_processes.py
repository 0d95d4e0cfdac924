"""Streams between two processes: many items, large ones, a slow reader, and an end that is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

import likewise
from tests.programs import Program, running

SERVER = str(Path(__file__).with_name("stream_server.py"))
PATIENCE = 60
MIB = 1 << 20
Check = Callable[[likewise.Connection, Program], Awaitable[None]]


def run(check: Check) -> None:
    async def main(program: Program, port: str) -> None:
        async with asyncio.timeout(PATIENCE), likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
            await check(connection, program)

    with running(SERVER) as program:
        asyncio.run(main(program, program.port()))


async def said(program: Program, line: str) -> None:
    assert await asyncio.to_thread(program.line) == line


def test_a_hundred_thousand_items_arrive_in_order_and_take_no_memory() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        call = connection.root.callRemote
        before = 0
        for count in (20_000, 100_000):  # the first fills what allocators keep
            at = 0
            async for number in call("numbers", count):
                assert number == at
                at += 1
            assert at == count
            await said(program, "ended numbers")
            most = await call("memory")
            before = before or most
        assert most - before < 8 * MIB

    run(check)


def test_large_items_pass_at_the_pace_of_the_reader() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        total = 0
        async for blob in connection.root.callRemote("blobs", 1_000):
            total += len(blob)
        assert total == 65_536_000
        most = await connection.root.callRemote("memory")
        assert most < 150 * MIB

    run(check)


def test_rows_arrive_whole() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        rows = [row async for row in connection.root.callRemote("rows", 5_000)]
        assert rows == [{"number": n, "name": "a row", "values": [1.5, None, True]} for n in range(5_000)]

    run(check)


def test_a_stream_goes_up_as_well_as_down() -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(100_000):
            yield number

    async def check(connection: likewise.Connection, program: Program) -> None:
        assert await connection.root.callRemote("sum", numbers()) == sum(range(100_000))

    run(check)


def test_a_slow_reader_stops_the_iterator() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        stream = await connection.root.callRemote("numbers", 10**9)
        for at in range(3_000):
            assert await anext(stream) == at
        await asyncio.sleep(0.1)
        made = await connection.root.callRemote("made")
        assert 3_000 <= made <= 3_000 + 1_000 + 250 + 1
        await asyncio.sleep(0.1)
        assert await connection.root.callRemote("made") == made

    run(check)


def test_sixty_four_streams_go_side_by_side() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        async def read() -> int:
            return sum([number async for number in connection.root.callRemote("numbers", 2_000)])

        assert await asyncio.gather(*[read() for _ in range(64)]) == [sum(range(2_000))] * 64

    run(check)


def test_a_reader_that_is_killed_ends_the_iterator() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        with running(SERVER, f"tcp://{connection.peer}") as reader:
            for at in range(3):
                await said(reader, str(at))
            reader.process.kill()
            await said(program, "ended numbers")

    run(check)


def test_a_server_that_is_killed_ends_the_reader() -> None:
    async def check(connection: likewise.Connection, program: Program) -> None:
        stream = await connection.root.callRemote("numbers", 10**9)
        assert await anext(stream) == 0
        program.process.kill()
        with pytest.raises(likewise.ConnectionClosed):
            async for _ in stream:
                pass

    run(check)
