"""What a peer may make a process hold where an application of Twisted's says nothing about it."""

from __future__ import annotations

import sys
from dataclasses import replace

from ..limits import MIB, Limits
from .forms import DETACHED_LIMITS

# Old programs answer when they can, and read when they can: what they rely on goes far, though not on and on.
RUNNING_CALLS = 10_000
MAX_BROKER_REFS = 1024  # as in Twisted
UNREAD_ANSWERS = 8 * MIB


def default_limits() -> Limits:
    """
    The ceilings of a connection that has no ``limits`` of its own: what Twisted sends, and bounded all the same.

    What the peer may hold of ours is :data:`.pb.MAX_BROKER_REFS` objects by reference, and one more by cache.
    """
    ceiling = getattr(sys.modules.get("likewise.spread.pb"), "MAX_BROKER_REFS", MAX_BROKER_REFS)  # programs may set it there
    return Limits(
        references=ceiling,
        caches=ceiling + 1,
        depth=DETACHED_LIMITS.depth,
        frame_items=4_000_000,
        running_calls=RUNNING_CALLS,
        unread_answers=UNREAD_ANSWERS,
    )


def narrowed(limits: Limits) -> Limits:
    """The same for what comes in at a server, from anybody: a message takes less than 64 MiB of memory."""
    return replace(limits, frame_bytes=24 * MIB, frame_items=1_000_000)
