"""Any time that Limits takes is one that TCP can be told."""

import asyncio
import math

import pytest

import likewise
from likewise.serving.liveness import keep_alive_options, longest_pause


@pytest.mark.parametrize("seconds", [1e-9, 1.0, 60.0, 1e9, math.inf])
def test_the_options_are_what_tcp_takes(seconds: float) -> None:
    options = keep_alive_options(seconds)
    assert all(value >= 1 for value in options.values())
    assert options["TCP_KEEPIDLE"] <= 32_767 and options["TCP_KEEPINTVL"] <= 32_767  # what Linux takes
    assert 1_000 <= longest_pause(seconds) <= 120_000


def test_a_time_without_end_serves_and_connects() -> None:
    async def main() -> None:
        limits = likewise.Limits(keepalive_seconds=math.inf)
        async with (
            likewise.serve(likewise.Root(), "tcp://127.0.0.1:0", limits=limits) as server,
            likewise.connect(server.address, limits=limits) as connection,
        ):
            assert connection.is_open

    asyncio.run(main())
