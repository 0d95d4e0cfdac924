"""A server and a client in one test, on each kind of loop."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import likewise

SECONDS = 60.0

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


def ask(root: Any, test: Callable[[likewise.RemoteReference], Awaitable[Any]], loop: str = "asyncio") -> Any:
    """What ``await test(root)`` gives, with the root of a client that is connected to a server of ``root``."""
    factory: Any = None
    if loop == "uvloop":
        if importlib.util.find_spec("uvloop") is None:
            pytest.skip("uvloop is not installed")
        import uvloop

        factory = uvloop.new_event_loop

    async def main() -> Any:
        async with (
            asyncio.timeout(SECONDS),
            likewise.serve(root, "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address) as connection,
        ):
            return await test(connection.root)

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())
