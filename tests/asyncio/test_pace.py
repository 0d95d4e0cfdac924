"""Flushes of what is published: at once for a single change, spaced under a stream of them, never by more than stated."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from likewise.asyncio.pace import LONGEST_SPACING, SPACING, Pace, pace_of

TICK = 0.001  # what uvloop's clock tells apart


def loops() -> list[Any]:
    """asyncio's, and uvloop's where that is installed."""
    try:
        import uvloop
    except ImportError:
        return [asyncio.new_event_loop]
    return [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=loops(), ids=lambda factory: factory.__module__)
def run(request: pytest.FixtureRequest) -> Callable[[Any], None]:
    def run_in(main: Any) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(main, 30))

    return run_in


async def flushed(pace: Pace, seconds: float = 0.0) -> tuple[float, float]:
    """When a flush that takes so long began and ended, counted from when it was asked for."""
    asked, done = time.monotonic(), asyncio.get_running_loop().create_future()

    def flush() -> None:
        began = time.monotonic()
        time.sleep(seconds)
        done.set_result((began - asked, time.monotonic() - asked))

    pace.add(flush)
    return await done


def test_a_single_change_goes_out_in_the_next_turn(run: Any) -> None:
    async def main() -> None:
        pace, order = Pace(asyncio.get_running_loop()), list[str]()
        pace.add(lambda: order.append("flush"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["flush"]
        await asyncio.sleep(SPACING + 2 * TICK)
        pace.add(lambda: order.append("another"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["flush", "another"]

    run(main())


def test_changes_that_follow_one_another_share_a_flush(run: Any) -> None:
    async def main() -> None:
        pace, flushes = Pace(asyncio.get_running_loop()), list[int]()
        for number in range(200):
            pace.add(lambda number=number: flushes.append(number))
            await asyncio.sleep(0)
        turns, start = len(flushes), time.monotonic()
        while len(flushes) < 200:
            await asyncio.sleep(TICK)
        assert turns < 200 and flushes == list(range(200))
        assert time.monotonic() - start < 1.0

    run(main())


@pytest.mark.parametrize("seconds, spacing", [(0.0, SPACING), (0.04, 0.01), (0.2, LONGEST_SPACING)])
def test_the_next_flush_is_a_quarter_of_the_last_away_within_bounds(run: Any, seconds: float, spacing: float) -> None:
    async def main() -> None:
        pace = Pace(asyncio.get_running_loop())
        for _ in range(3):  # a machine that is busy may make one of them late, none of them early
            await flushed(pace, seconds)
            waited, _ = await flushed(pace)
            assert waited > spacing - 2 * TICK
            if waited < spacing + 5 * TICK:
                return
        pytest.fail(f"{waited} s is more than {spacing} s")

    run(main())


def test_timers_are_on_time_after_a_long_flush(run: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(loop)
        for _ in range(3):
            start, due = time.monotonic(), loop.create_future()
            pace.add(lambda: time.sleep(0.2))
            loop.call_later(0.25, due.set_result, None)
            await due
            if time.monotonic() - start < 0.35:
                return
        pytest.fail("a timer that was due 250 ms after a change came 200 ms late")

    run(main())


def test_a_loop_has_one_pace() -> None:
    both = [asyncio.new_event_loop(), asyncio.new_event_loop()]
    try:
        assert pace_of(both[0]) is pace_of(both[0])
        assert pace_of(both[0]) is not pace_of(both[1])
    finally:
        for loop in both:
            loop.close()
