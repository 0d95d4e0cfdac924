"""
The messages that only two ends of *likewise* send each other, in dialect ``likewise-1``.

::

    (limits FRAME_BYTES FRAME_ITEMS STRING_BYTES LIST_ITEMS DEPTH NAME_BYTES)    what the sender takes in one message
    (uncache ID REASON)                                                         the owner has ended a mirror, and why
"""

from __future__ import annotations

from typing import Final

from ..errors import RemoteProtocolError
from ..jelly import atoms
from ..jelly.decoder import Decoder
from ..limits import Limits
from ..wire.tokens import LIKEWISE_1
from ..wire.writer import bytes_token, int_token, list_head
from .ceilings import DEFAULTS, LIMITS_SENT, limits_of, numbers_of
from .messages import luid_token, release
from .outbox import Outbox
from .tables import Tables

REASON: Final = 500  # characters of a reason that are sent, and kept
ENDED: Final = "the owner of the original has ended this mirror"


def tell_limits(outbox: Outbox, limits: Limits) -> None:
    """Say what an end with these Limits takes, unless that is what everybody is taken to take."""
    numbers = numbers_of(limits)
    if outbox.dialect is LIKEWISE_1 and numbers != numbers_of(DEFAULTS):
        outbox.queue([list_head(len(numbers) + 1) + bytes_token(atoms.LIMITS), *map(int_token, numbers)])


def read_limits(decoder: Decoder, count: int) -> Limits:
    """What the peer takes. What stands behind the numbers says something that is not known here."""
    if count <= len(LIMITS_SENT):
        raise RemoteProtocolError(f"(limits ...) of {count} items: it takes {len(LIMITS_SENT) + 1}")
    return limits_of([decoder.read_int() for _ in LIMITS_SENT])


def end_mirror(tables: Tables, outbox: Outbox, luid: int, reason: str) -> None:
    """End a mirror at the peer: its observer stops, and what is sent of the original from now on begins a new one."""
    entry = tables.end_observing(luid)
    if entry is None:
        return
    if reason and outbox.dialect is LIKEWISE_1:
        text = bytes_token(reason[:REASON].encode("utf-8", "replace"))
        outbox.queue([b"\x03\x80" + bytes_token(atoms.UNCACHE) + luid_token(luid) + text])
    else:
        outbox.queue([release(atoms.UNCACHE, luid)])
    entry.stop(tables.driver)


def read_reason(decoder: Decoder) -> str:
    """Why the owner has ended a mirror."""
    return decoder.read_word()[: 4 * REASON].decode("utf-8", "replace")[:REASON] or ENDED
