"""
What a peer takes in one message. A larger one would end the connection there: it is refused here, before it is sent.

What comes in is bounded by this end's :class:`~likewise.limits.Limits`; what goes out by those of the *peer*. In
dialect ``likewise-1`` an end says what it takes, if that is something else than the defaults. Toward a peer that speaks
``pb`` or ``none`` hold the ceilings that Twisted has, and where it has none the ones of ``Limits.trusted()``.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from ..errors import LimitExceeded, NotSendable
from ..jelly.encoder import Encoder
from ..limits import DEEPEST, KIB, Limits
from ..wire.framer import Framer
from ..wire.tokens import LIKEWISE_1, PB, Dialect
from ..wire.writer import Pieces

JELLY_MARGIN: Final = 4  # lists of limits.depth that the message itself and the innermost atom take
HEAD_ITEMS: Final = 16  # of limits.frame_items, at most: what stands in a message besides its jellies
CEILINGS_KEPT: Final = 64  # sets of ceilings of which there is one object each; a peer may tell others as often as it likes

LIMITS_SENT: Final = ("frame_bytes", "frame_items", "string_bytes", "list_items", "depth", "name_bytes")
"""What an end says of its Limits, in the order of ``(limits ...)``."""

LEAST: Final = (4 * KIB, 200, KIB, 64, 16, 64)  # a short error fits: a peer that takes less is sent it all the same

DEFAULTS: Final = Limits()
OF_PB: Final = Limits.trusted(depth=DEEPEST)


class Ceilings:
    """
    What one peer takes, and the encoder that writes for it: connections with the same ones can be sent the same bytes.

    There is one object for each, as a rule, so that ``is`` tells whether two are the same.
    """

    __slots__ = ("at_most", "bytes_limit", "depth", "dialect", "encoder", "items_limit", "limits", "name_limit", "whose")

    def __init__(self, dialect: Dialect, limits: Limits, encoder: type[Encoder]) -> None:
        self.dialect = dialect
        self.limits = limits
        self.encoder = encoder
        self.whose = "of the peer" if dialect is LIKEWISE_1 else f"of a peer that speaks {dialect.name.decode()}"
        self.depth = min(limits.depth, DEEPEST) - JELLY_MARGIN
        # What stays below these needs no measuring, whatever stands before and around it.
        self.bytes_limit = limits.frame_bytes // 2
        self.items_limit = limits.frame_items - HEAD_ITEMS
        self.name_limit = limits.name_bytes
        sizes = min(dialect.string_bytes, limits.string_bytes), min(dialect.list_items, limits.list_items)
        self.at_most = Dialect(dialect.name, dialect.has_vocabulary, *sizes)

    def is_like(self, other: Ceilings) -> bool:
        """Whether what was written for one of them could be sent to the other, but for its size."""
        return self.dialect is other.dialect and self.encoder is other.encoder

    def measure(self, pieces: Pieces, is_to_be_framed: bool) -> None:
        """Refuse a message that the peer would end the connection for."""
        limits = self.limits
        size = sum(map(len, pieces))
        if size > limits.frame_bytes:
            text = f"a message of {size:,} bytes: the peer takes at most {limits.frame_bytes:,}"
            raise NotSendable(f"{text} (frame_bytes of the Limits {self.whose})")
        if is_to_be_framed:
            framer = Framer(limits)
            framer.speak(self.dialect if self.dialect.has_vocabulary else PB)
            framer.feed(b"".join(pieces))
            try:
                framer.next_frame()
            except LimitExceeded as error:
                text = f"a message that the peer would not take: over {error.ceiling:,}"
                raise NotSendable(f"{text} ({error.limit} of the Limits {self.whose})") from None


_known: dict[tuple[Dialect, tuple[int, ...], type[Encoder]], Ceilings] = {}


def ceilings_for(dialect: Dialect, encoder: type[Encoder], peer_limits: Limits | None = None) -> Ceilings:
    """What a peer takes that speaks this dialect and has said this of its Limits."""
    limits = OF_PB if dialect is not LIKEWISE_1 else peer_limits or DEFAULTS
    key = dialect, numbers_of(limits), encoder
    found = _known.get(key)
    if found is None:
        found = Ceilings(dialect, limits, encoder)
        if peer_limits is None or len(_known) < CEILINGS_KEPT:  # of those that no peer has named there are a few
            _known[key] = found
    return found


def numbers_of(limits: Limits) -> tuple[int, ...]:
    """What an end with these Limits takes, as it says it."""
    return tuple(getattr(limits, name) for name in LIMITS_SENT)


def limits_of(numbers: list[int]) -> Limits:
    """What a peer takes that says so: not less than :data:`LEAST`, nor more than anybody is sent."""
    most = numbers_of(OF_PB)
    bounded = (max(least, min(number, top)) for least, number, top in zip(LEAST, numbers, most, strict=True))
    return dataclasses.replace(DEFAULTS, **dict(zip(LIMITS_SENT, bounded, strict=True)))


__all__ = ("DEFAULTS", "LIMITS_SENT", "Ceilings", "ceilings_for", "limits_of", "numbers_of")
