"""
One change to many observers: written once, sent behind each connection's own few bytes.

What is written can be shared unless it names something by an id of one connection (a reference, a cache): then each
observer's message is written for it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import get_ident
from typing import Any

from ..errors import CallError, LikewiseError, WrongThread
from ..jelly.encoder import Encoder
from ..limits import Limits
from ..wire.tokens import LIKEWISE_1, SIZE_LIMIT
from ..wire.writer import bytes_token
from .messages import CACHEMESSAGE_HEAD, luid_token
from .outbox import JELLY_MARGIN, Outbox

DEPTH = Limits().depth - JELLY_MARGIN
NO_REQUEST = b"\x00\x81"  # a number that no answer will name
NO_ANSWER = b"\x00\x81"


class NotShared(Exception):
    """What is being written belongs to one connection."""


class NoTables:
    """Stands for the tables of no connection in particular: whatever needs them can't be shared."""

    def _not_shared(self, *args: Any) -> Any:
        raise NotShared

    export = observe = home_luid = home_cache = _not_shared
    caller = property(_not_shared)


def publish(
    observers: Iterable[Any], name: str | bytes, args: tuple[Any, ...], kwargs: dict[str, Any], perspective: Any
) -> None:
    """
    Call ``observe_<name>`` on the mirrors of observers that share a perspective, one way.

    An observer that has gone is passed over. Where one alone can't be told (its peer takes smaller strings, say), the
    others are told first.

    Raises:
        NotSendable: an argument can't cross; to nobody, or not to the peer of one observer.
        WrongThread: one observer is on a connection of another thread's loop.
    """
    tail = shared_tail(name, args, kwargs, perspective)
    is_long = tail is not None and len(tail) > SIZE_LIMIT
    failed: LikewiseError | None = None
    thread = get_ident()
    for observer in observers:
        outbox = observer.outbox
        if outbox is None or not outbox.is_open:
            continue
        if outbox.thread != thread:
            try:
                outbox.check_thread(name)
            except WrongThread as error:
                failed = error
                continue
        if tail is None or (is_long and outbox.dialect is not LIKEWISE_1):
            try:
                observer.callRemoteOnly(name, *args, **kwargs)
            except CallError as error:
                failed = error
            continue
        head = observer.head
        if head is None:
            head = observer.head = CACHEMESSAGE_HEAD + NO_REQUEST + luid_token(observer.luid)
        queue(outbox, head, tail)
    if failed is not None:
        raise failed


def queue(outbox: Outbox, head: bytes, tail: bytes) -> None:
    """Hand one shared message to one connection."""
    outbox.queue_shared(head, tail)


def shared_tail(name: str | bytes, args: tuple[Any, ...], kwargs: dict[str, Any], perspective: Any) -> bytes | None:
    """Everything of a one-way call behind its id, or ``None`` if it can't be the same for all."""
    encoder = Encoder(NoTables(), perspective, DEPTH, LIKEWISE_1)
    try:
        encoder.encode_arguments(args)
        encoder.encode_keywords(kwargs)
    except NotShared:
        return None
    return b"".join([bytes_token(name.encode() if isinstance(name, str) else name), NO_ANSWER, *encoder.written()])
