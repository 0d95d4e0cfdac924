"""Peers that are there and slow, H-4: whoever acknowledges what it was sent has not vanished."""

from __future__ import annotations

import time

from tests.hostile.calls import next_call
from tests.hostile.harness import Server, case, serves
from tests.hostile.objects import LIMITS
from tests.hostile.raw import Peer, text

CHANGES = 100
CHANGE = text("x" * 30_000)  # with all of them the window is closed, and no ceiling is reached


@case("H-4", "who is slow to read, for longer than one may have vanished, is served", cpu=3.0, quick=False)
def slow_reader(server: Server) -> None:
    with Peer(server.port) as slow, Peer(server.port) as publisher:
        slow.ask(b"pond")
        for _ in range(CHANGES):
            publisher.ask(b"change", CHANGE)
        time.sleep(2 * LIMITS.keepalive_seconds)  # nothing comes that could be waited for
        for _ in range(CHANGES):
            assert next_call(slow)[3] == b"ducks"
        serves(slow)
        serves(publisher)
