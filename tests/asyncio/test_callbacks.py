"""Whoever asked to be told of the end of a connection is told, whatever others who are told raise."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise


class Odd(BaseException):
    """Neither an Exception nor what ends a program."""


@pytest.mark.parametrize("kind", [ValueError, Odd, GeneratorExit, asyncio.CancelledError])
def test_a_callback_that_raises_anything_keeps_nobody_from_being_told(kind: type[BaseException]) -> None:
    told: list[str] = []

    def failing(connection: Any) -> None:
        told.append("failing")
        raise kind("as it happens")

    async def main() -> None:
        async with likewise.serve(
            likewise.Root(), "tcp://127.0.0.1:0", on_disconnect=lambda connection: told.append("on_disconnect")
        ) as server:
            async with likewise.connect(server.address) as client:
                await asyncio.sleep(0)
                while not server.connections:
                    await asyncio.sleep(0.001)
                (connection,) = server.connections
                connection.notifyOnDisconnect(failing)
                connection.notifyOnDisconnect(lambda connection: told.append("last"))
                client.notifyOnDisconnect(failing)
            await connection.wait_closed()
            await client.wait_closed()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert sorted(told) == ["failing", "failing", "last", "on_disconnect"]
