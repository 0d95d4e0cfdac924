"""TLS where the application makes the loop's tasks, which begin in a later turn: what a client sends at once is for TLS."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import pytest

from tests.tls.test_tls import believing, greet, serving

SECONDS = 20.0


def later(loop: Any, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, **kwargs)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_handshake_does_not_miss_what_came_first(loop: str) -> None:
    factory: Any = None
    if loop == "uvloop":
        if importlib.util.find_spec("uvloop") is None:
            pytest.skip("uvloop is not installed")
        import uvloop

        factory = uvloop.new_event_loop

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(later)
        async with asyncio.timeout(SECONDS), serving() as server:
            found = await asyncio.gather(*(greet(server.address, believing()) for _ in range(20)))
            assert found == ["hello, Ada"] * 20

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
