"""
Random conversations of two honest ends, each in a process of its own: every call settles, in every pairing of the drivers.

As a command for longer runs: ``python -m tests.serving.test_conversations FIRST LAST``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.programs import Program, running

END = str(Path(__file__).with_name("converse.py"))
DRIVERS = ("asyncio", "spread")
KNOWN = {"answered", "refused"}


def say(program: Program, line: str) -> None:
    assert program.process.stdin is not None
    program.process.stdin.write(line + "\n")
    program.process.stdin.flush()


def converse(server: str, client: str, seeds: range) -> Counter[str]:
    """What came of all calls of these conversations."""
    total: Counter[str] = Counter()
    with running(END, server, stdin=subprocess.PIPE) as serving, running(END, client, stdin=subprocess.PIPE) as talking:
        for seed in seeds:
            say(serving, f"serve {seed}")
            say(talking, f"talk {seed} {serving.port()}")
            outcomes: dict[str, int] = ast.literal_eval(talking.line())
            assert set(outcomes) <= KNOWN, f"{server} serves {client}, seed {seed}: {outcomes}"
            total.update(outcomes)
    return total


@pytest.mark.parametrize("server", DRIVERS)
@pytest.mark.parametrize("client", DRIVERS)
def test_every_call_of_two_honest_ends_settles(server: str, client: str) -> None:
    if "spread" in (server, client):
        pytest.importorskip("twisted")
    total = converse(server, client, range(100))
    assert total["answered"] > 1_000 and total["refused"] > 10  # small ceilings are among those that are drawn


if __name__ == "__main__":
    for first in DRIVERS:
        for second in DRIVERS:
            came = converse(first, second, range(int(sys.argv[1]), int(sys.argv[2])))
            print(first, "serves", second, dict(came), flush=True)
