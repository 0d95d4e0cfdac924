"""
How an exception crosses.

It travels as Twisted's ``CopyableFailure``: class name, text, names of the base classes, a traceback where that is
switched on, and under one key more what it takes along (see :mod:`~likewise.objects.error_state`). One that is itself
Sendable travels as itself to a peer that speaks ``pb``, as Twisted has it. On arrival a registered class is raised as
itself, any other as :class:`~likewise.errors.RemoteError`. Names on the wire are Twisted's, so a Twisted peer's ``trap()``
works.

One that is a value, in a result or an argument, travels as ``(likewise.Exception STATE)``, with as much of that as tells
what it is. It arrives as the exception that a call would fail with; nothing is raised, and no traceback goes along.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from ..bounded import outline, text_of
from ..errors import InsecureJelly, RemoteError
from ..jelly.atoms import COPYABLE_FAILURE
from ..jelly.context import Sendable, Writing
from ..jelly.forms import FORMS_OF_ALL, ValueForm, form_taker
from ..jelly.plans import COPY_HOOK, Incoming, wire_name
from ..jelly.registry import BUILT_IN_PLANS, Registry
from ..limits import ITEMS
from ..wire.tokens import LIKEWISE_1
from .by_copy import RemoteCopy
from .error_state import ITSELF, NOTES, names_and_text, parts_in, state_not_sent, written_alone
from .rebuilt import LONGEST_TRACEBACK, NO_TRACEBACK, Described, as_text, error_from

AS_VALUE: Final = b"likewise.Exception"

_count = itertools.count(1)


class Failure(Sendable):
    """
    An exception on its way out. ``id`` is the number by which this process's log knows it.

    The state has Twisted's keys, for its client loses the connection over one without ``parents``, and ``carried`` where
    there is more to tell. ``why_in_short`` is why that could not be sent: then class and text are told, and why.
    """

    def __init__(
        self, error: BaseException, *, with_traceback: bool = False, why_in_short: BaseException | None = None
    ) -> None:
        self.id = next(_count)
        self.error = error
        self.with_traceback = with_traceback
        self.why_in_short = why_in_short

    def jelly_into(self, encoder: Writing) -> None:
        error: Any = self.error
        why = self.why_in_short
        is_sendable = isinstance(error, Sendable) and why is None
        if is_sendable and encoder.dialect.name != LIKEWISE_1.name:  # as Twisted's peers expect it
            error.jelly_into(encoder)
            return
        told = names_and_text(error)
        parts = parts_in(error, told[1]) if why is None else {NOTES: [state_not_sent(why)]}
        if is_sendable and ITSELF not in parts:  # a reference is in it, say: there is no reading it apart
            error.jelly_into(encoder)
            return
        encoder.write_copy(self, COPYABLE_FAILURE, self.state(*told, parts))

    def state(self, names: list[str], text: str, parts: dict[str, Any]) -> dict[str, Any]:
        """What is sent."""
        state: dict[str, Any] = {
            "count": self.id,
            "type": names[0].encode("utf-8", "replace"),
            "value": text,
            "captureVars": False,
            "tb": None,
            "unsafeTracebacks": self.with_traceback,
            "parents": [name.encode("utf-8", "replace").decode() for name in names],
            "frames": [],
            "stack": [],
            "traceback": _traceback(self.error) if self.with_traceback else NO_TRACEBACK,
        }
        if parts:
            state["carried"] = written_alone(parts)
        return state


def _traceback(error: BaseException) -> str:
    return outline(error, LONGEST_TRACEBACK).encode("utf-8", "replace").decode()


class ReceivedFailure(RemoteCopy):
    """An exception of the peer, as it arrived."""

    def setCopyableState(self, state: Any) -> None:
        self.told = Described(state)


BUILT_IN_PLANS[COPYABLE_FAILURE] = Incoming(COPY_HOOK, ReceivedFailure)


# --- as values


def write_exception(encoder: Writing, error: BaseException) -> None:
    names, text = names_and_text(error)
    parts = parts_in(error, text)
    state: dict[str, Any] = {
        "type": names[0].encode("utf-8", "replace"),
        "value": text,
        "parents": [name.encode("utf-8", "replace").decode() for name in names],
    }
    if parts:
        state["carried"] = written_alone(parts)
    encoder.begin_form(error, 2)
    encoder.encode(AS_VALUE)
    encoder.encode(state)


def read_exception(decoder: Any, state: Any) -> Exception:
    """What ``(likewise.Exception state)`` is here; it holds nothing that could lead back to it."""
    if type(state) is not dict:
        raise InsecureJelly("an exception takes the form (likewise.Exception state), with a dictionary for its state")
    told = Described(state)
    if isinstance(told.carried, bytes):  # it is read apart, each byte of it may be a token, and there may be many of these
        decoder._spend(len(told.carried), decoder.pos)
    return error_from(told, (decoder.registry,))


FORMS_OF_ALL[BaseException] = ValueForm(write_exception)
BUILT_IN_PLANS[AS_VALUE] = form_taker(AS_VALUE, read_exception, ITEMS["exception"])


def to_send(error: BaseException, *, with_traceback: bool = False) -> Failure:
    """What to send for an exception."""
    return Failure(error, with_traceback=with_traceback)


def to_raise(received: Any, registry: Registry) -> BaseException:
    """The exception that a waiting caller gets for what an ``error`` message held."""
    if isinstance(received, ReceivedFailure):
        return error_from(received.told, (registry,))
    if not isinstance(received, Exception):
        return RemoteError("unknown", as_text(received))
    if isinstance(received, StopIteration):  # which nobody can await
        return RemoteError(wire_name(type(received)), text_of(received))
    return received


__all__ = ("Failure", "ReceivedFailure", "to_raise", "to_send")
