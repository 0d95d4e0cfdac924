"""To cancel a call cancels it at the peer, in ``likewise-1``; toward `pb` the caller alone gives up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from likewise.limits import Limits
from likewise.wire.tokens import PB
from tests.serving.test_flow import run, until


class Slow(likewise.Root):
    def __init__(self) -> None:
        self.started: list[int] = []
        self.cancelled: list[int] = []

    async def remote_wait(self, number: int) -> int:
        self.started.append(number)
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        return number

    async def remote_keep_on(self) -> str:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            return "all the same"
        return ""

    def remote_echo(self, value: Any) -> Any:
        return value


@pytest.mark.parametrize("ceiling", [1, 1_000])
def test_a_call_that_is_cancelled_is_cancelled_at_the_peer(ceiling: int) -> None:
    async def main() -> None:
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=ceiling)) as server,
            likewise.connect(server.address) as connection,
        ):
            calls = [connection.root.callRemote("wait", n) for n in range(5)]
            await until(lambda: len(root.started) == min(ceiling, 5))
            for call in calls:
                call.cancel()
            assert await connection.root.callRemote("echo", "next") == "next"
            await until(lambda: connection._broker.unanswered == 0)  # each cancelled call is answered, too
            assert root.cancelled == root.started and len(root.started) in (1, 5)

    run(main)


def test_a_time_limit_cancels_the_call_at_the_peer() -> None:
    async def main() -> None:
        root = Slow()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connection.root.callRemote("wait", 1)
            await until(lambda: root.cancelled == [1])

    run(main)


def test_a_method_that_does_not_heed_it_is_answered_and_nothing_happens() -> None:
    async def main() -> None:
        async with likewise.serve(Slow(), "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            call = connection.root.callRemote("keep_on")
            await connection.root.callRemote("echo", 1)
            assert call.cancel() and not call.cancel()
            assert await connection.root.callRemote("echo", 2) == 2
            await until(lambda: connection._broker.unanswered == 0)
            assert call.cancelled()

    run(main)


def test_thousands_of_cancelled_calls_do_not_keep_the_next_one_waiting() -> None:
    async def main() -> None:
        root = Slow()
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=100)) as server,
            likewise.connect(server.address) as connection,
        ):
            calls = [connection.root.callRemote("wait", n) for n in range(3_000)]
            await until(lambda: bool(root.started))
            for call in calls:
                call.cancel()
            assert await connection.root.callRemote("echo", "next") == "next"
            assert len(root.started) < 3_000, "those that waited are forgotten, not started"

    run(main)


def test_a_peer_that_speaks_pb_is_told_nothing() -> None:
    async def main() -> None:
        root = Slow()
        server = likewise.serve(root, "tcp://127.0.0.1:0")
        server._endpoint.dialects = (PB,)
        async with server as serving, likewise.connect(serving.address) as connection:
            assert connection.dialect == "pb"
            call = connection.root.callRemote("wait", 1)
            await until(lambda: bool(root.started))
            call.cancel()
            assert await connection.root.callRemote("echo", 1) == 1
            assert not root.cancelled

    run(main)
