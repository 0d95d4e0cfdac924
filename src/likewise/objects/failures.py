"""
How an exception crosses.

It travels as Twisted's ``CopyableFailure``: class name, text, names of the base classes, and a traceback where that is
switched on. One that is itself Sendable travels as itself. On arrival a registered class is raised as itself, any other
as :class:`~likewise.errors.RemoteError`. Names on the wire are Twisted's, so a Twisted peer's ``trap()`` works.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from ..bounded import clip, outline, text_of
from ..errors import WIRE_NAMES, LikewiseError, RemoteError
from ..jelly.atoms import COPYABLE_FAILURE
from ..jelly.context import Sendable
from ..jelly.plans import COPY_HOOK, Incoming, wire_name
from ..jelly.registry import BUILT_IN, Registry
from .by_copy import RemoteCopy

if TYPE_CHECKING:
    from ..jelly.encoder import Encoder

LONGEST_TEXT: Final = 10_000  # characters of an error's text that cross
LONGEST_TRACEBACK: Final = 60_000
LONGEST_NAME: Final = 500  # characters of the name of an error's class, from a peer
MOST_PARENTS: Final = 100
NO_TRACEBACK: Final = "Traceback unavailable\n"  # Twisted's own words

KNOWN: Final[dict[str, type[BaseException]]] = {name: cls for cls, name in WIRE_NAMES.items()}

_count = itertools.count(1)


def error_names(cls: type) -> list[str]:
    """The class of an error and its bases as a peer knows them; what only we know is left out unless it comes first."""
    names = []
    for base in cls.__mro__:
        if base in WIRE_NAMES:
            names.append(WIRE_NAMES[base])
        elif not issubclass(base, LikewiseError) or base.__module__ != LikewiseError.__module__:
            names.append(wire_name(base))
    if cls.__module__ == LikewiseError.__module__ and names[0] not in KNOWN:
        names.insert(0, wire_name(cls))
    return names


class Failure(Sendable):
    """
    An exception on its way out. ``id`` is the number by which this process's log knows it.

    The state has exactly Twisted's keys: its client loses the connection over one without ``parents``.
    """

    def __init__(self, error: BaseException, *, with_traceback: bool = False) -> None:
        self.id = next(_count)
        if isinstance(error, RemoteError):  # passed on by a server between two others: it stays what it was
            names, text = list(dict.fromkeys((error.type, *error.parents))), _clean(error.text)
        else:
            names, text = error_names(type(error)), _text(error)
        self.state: dict[str, Any] = {
            "count": self.id,
            "type": names[0].encode("utf-8", "replace"),
            "value": text,
            "captureVars": False,
            "tb": None,
            "unsafeTracebacks": with_traceback,
            "parents": names,
            "frames": [],
            "stack": [],
            "traceback": _traceback(error) if with_traceback else NO_TRACEBACK,
        }

    def jelly_into(self, encoder: Encoder) -> None:
        encoder.write_copy(self, COPYABLE_FAILURE, self.state)


def _text(error: BaseException) -> str:
    return _clean(text_of(error, LONGEST_TEXT))


def _clean(text: str) -> str:
    """As much of a text as may cross, without what UTF-8 can't spell."""
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + "..."
    return text.encode("utf-8", "replace").decode()


def _traceback(error: BaseException) -> str:
    return outline(error, LONGEST_TRACEBACK).encode("utf-8", "replace").decode()


class ReceivedFailure(RemoteCopy):
    """An exception of the peer, as it arrived."""

    def setCopyableState(self, state: Any) -> None:
        items = state.items() if isinstance(state, dict) else ()
        state = {_as_text(key): value for key, value in items}
        self.type = _as_text(state.get("type", b"unknown"), LONGEST_NAME)
        self.text = _as_text(state.get("value", ""))
        parents = state.get("parents", ())
        parents = parents[:MOST_PARENTS] if isinstance(parents, (list, tuple)) else ()
        self.parents = tuple(_as_text(name, LONGEST_NAME) for name in parents)
        shown = _as_text(state.get("traceback", ""), LONGEST_TRACEBACK)
        self.traceback = "" if shown == NO_TRACEBACK else shown
        count = state.get("count", 0)
        self.id = count if type(count) is int else 0


def _as_text(value: Any, size: int = LONGEST_TEXT) -> str:
    """Text of a field that peers send as bytes or str, and that a hostile one makes anything; cut to ``size``."""
    if not isinstance(value, (str, bytes)):
        return clip(value)
    short = value[:size]
    return short.decode("utf-8", "replace") if isinstance(short, bytes) else short


BUILT_IN[COPYABLE_FAILURE] = Incoming(COPY_HOOK, ReceivedFailure)


def to_send(error: BaseException, *, with_traceback: bool = False) -> Any:
    """What to send for an exception: itself if it may cross, else a :class:`Failure`."""
    return error if isinstance(error, Sendable) else Failure(error, with_traceback=with_traceback)


def to_raise(received: Any, registry: Registry) -> BaseException:
    """The exception that a waiting caller gets for what an ``error`` message held."""
    if isinstance(received, Exception):
        return received
    if not isinstance(received, ReceivedFailure):
        return RemoteError("unknown", _as_text(received))
    cls = registry.exceptions.get(received.type) or KNOWN.get(received.type)
    if cls is not None:
        error = cls.__new__(cls, received.text)
        error.args = (received.text,)
        return error
    return RemoteError(
        received.type, received.text, parents=received.parents, traceback=received.traceback, id=received.id
    )
