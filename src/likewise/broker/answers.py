"""What is sent for a call of the peer that has failed."""

from __future__ import annotations

from typing import Any

from ..errors import ENDS_THE_PROGRAM
from ..jelly.context import Flavours
from ..wire.writer import Pieces, int_token
from .messages import ERROR_HEAD
from .outbox import Outbox


def send_error(outbox: Outbox, flavours: Flavours, request: int, error: BaseException) -> Any:
    """
    Answer a call with an exception, or in short where its own state can't cross; returns what was sent for it.

    Raises:
        KeyboardInterrupt, SystemExit: a hook of what was to be sent did; the call is answered all the same.
    """
    pieces: Pieces = [ERROR_HEAD + int_token(request)]
    sent: Any = None
    try:
        sent = flavours.error_to_send(error)
        outbox.write(pieces, sent, None, None)
    except BaseException as unsendable:  # the state of an exception can't cross, or a hook raises
        if not outbox.may_send:
            return sent
        sent = flavours.error_in_short(error, unsendable)
        del pieces[1:]
        outbox.write(pieces, sent, None, None)
        if isinstance(unsendable, ENDS_THE_PROGRAM):
            outbox.queue_answer(pieces)
            raise
    outbox.queue_answer(pieces)
    return sent


__all__ = ("send_error",)
