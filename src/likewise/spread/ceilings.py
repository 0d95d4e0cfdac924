"""What a peer may make a process hold where an application of Twisted's says nothing about it."""

from __future__ import annotations

import functools
import sys
from dataclasses import replace

from ..limits import MIB, Limits
from .opaque import DETACHED_LIMITS

# Old programs answer when they can, and read when they can: what they rely on goes far, though not on and on.
RUNNING_CALLS = 10_000
MAX_BROKER_REFS = 1024  # as in Twisted
UNREAD_ANSWERS = 8 * MIB


def default_limits() -> Limits:
    """
    The ceilings of a connection that has no ``limits`` of its own: what Twisted sends, and bounded all the same.

    What the peer may hold of ours is :data:`.pb.MAX_BROKER_REFS` objects by reference, and one more by cache.
    """
    return default_ceilings(is_client=True)[0]


def default_ceilings(*, is_client: bool) -> tuple[Limits, Limits, Limits]:
    """
    Three of them: what holds in general, what messages that come in may have, what may be held of the peer's objects.

    At a server, where they come from anybody, a message takes less than 64 MiB of memory. Of what comes in Twisted counts
    nothing, so there may be as much of it as the other end, at a server's ceilings, might ever give out.
    """
    general, narrow, held = _for(getattr(sys.modules.get("likewise.spread.pb"), "MAX_BROKER_REFS", MAX_BROKER_REFS))
    return general, general if is_client else narrow, held


@functools.lru_cache(16)  # one of each for all connections; programs may set MAX_BROKER_REFS between two of them
def _for(ceiling: int) -> tuple[Limits, Limits, Limits]:
    general = Limits(
        references=ceiling,
        caches=ceiling + 1,
        depth=DETACHED_LIMITS.depth,
        frame_items=4_000_000,
        running_calls=RUNNING_CALLS,
        unread_answers=UNREAD_ANSWERS,
    )
    narrow = replace(general, frame_bytes=24 * MIB, frame_items=1_000_000)
    return general, narrow, Limits(references=ceiling * 64, caches=(ceiling + 1) * 64)
