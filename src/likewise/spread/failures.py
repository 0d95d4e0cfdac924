"""
How an exception crosses: as a :class:`CopyableFailure` on its way out, as a :class:`CopiedFailure` where it arrives.

The names on the wire are Twisted's. What arrives is checked: whatever the peer leaves out or gets wrong, the caller
has a Failure that can be compared, printed and raised.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from twisted.internet import defer
from twisted.python import failure, log, reflect

from ..bounded import clip, is_small, one_line, outline, text_of
from ..jelly.plans import may_be_set
from .faults import OUR_NAMES, RemoteError
from .flavors import Copyable, RemoteCopy
from .jelly import setUnjellyableForClass

NO_TRACEBACK: Final = "Traceback unavailable\n"
MOST_FRAMES: Final = 20  # of a traceback in the log: what a peer has nested has as many as it likes
LONGEST_LINE: Final = 1_000  # characters of a text in the log, where it is not that of a small exception
TEXT: Final = 600_000  # characters of an exception that the wire takes
PARTS: Final = 50_000  # parts and characters of what an exception holds, up to which it is printed


def can_be_printed(value: Any, text: int = TEXT) -> bool:
    """
    Whether the text of an exception has an end: one may hold what a peer sent, shared so that it has 2**40 leaves.

    A ``__str__`` of the application's knows what it prints.
    """
    if not isinstance(value, BaseException) or not hasattr(type(value).__str__, "__objclass__"):
        return True
    if all(isinstance(each, (str, bytes)) for each in value.args):
        return sum(map(len, value.args)) <= text
    return is_small(value.args, size=PARTS)


def in_short(error: Any) -> str:
    """Its arguments named, not printed."""
    return ", ".join(clip(each) for each in error.args[:4])


class Shown(Exception):
    """Stands in a Failure for an exception whose text is not for a log."""


def for_log(failed: failure.Failure) -> failure.Failure:
    """
    A Failure that can be printed: itself, or one of the same class that says as much as a log can take.

    An exception may hold what a peer sent, which has as many leaves and control characters as it likes; and a traceback
    has as many frames as what was nested.
    """
    value, frames = failed.value, failed.frames
    if not isinstance(value, BaseException):
        return failed
    is_plain = is_small(value) and all(map(str.isprintable, text_of(value).split("\n")))
    if is_plain and len(frames) <= MOST_FRAMES:
        return failed
    text = text_of(value) if is_plain else one_line(text_of(value, LONGEST_LINE))
    shown = failure.Failure(Shown(text), failed.type)
    shown.parents = failed.parents
    shown.frames = frames if len(frames) <= MOST_FRAMES else [*frames[:4], *frames[4 - MOST_FRAMES :]]
    return shown


class CopyableFailure(failure.Failure, Copyable):
    """A Failure on its way to the peer. Its traceback goes along only with ``unsafeTracebacks``."""

    __module__ = "twisted.spread.pb"
    unsafeTracebacks: Any = 0

    def getStateToCopy(self) -> dict[str, Any]:
        """What the peer is told: type, text, the names of the base classes."""
        names = [name for name in self.parents if name not in OUR_NAMES]
        state = self.__dict__.copy()
        state.pop("_parents", None)
        state["parents"] = names
        state["tb"] = None
        state["frames"] = []
        if "_frames" in state:  # of a Failure that went through a Deferred: names of files, functions and lines
            state["_frames"] = []
        state["stack"] = []
        error: Any = self.value
        is_printable = can_be_printed(error)
        state["value"] = str(error) if is_printable else in_short(error)
        kind: Any = self.type
        state["type"] = kind if isinstance(kind, bytes) else reflect.qual(kind).encode()
        state["traceback"] = NO_TRACEBACK
        if self.unsafeTracebacks:
            state["traceback"] = self.getTraceback() if is_printable else outline(error)
        return state


class CopiedFailure(RemoteCopy, failure.Failure):
    """
    A Failure of the peer.

    ``type`` is the full name of the exception's class there (bytes), ``value`` its text and ``traceback`` its
    traceback, or a line that says there is none. :meth:`trap` and :meth:`check` compare names, of the class and of
    its bases. Where a real exception is needed it is a :class:`~.faults.RemoteError`.
    """

    __module__ = "twisted.spread.pb"
    traceback: str = NO_TRACEBACK

    def setCopyableState(self, state: Any) -> None:
        items = state.items() if isinstance(state, dict) else ()
        known = {_text(key): value for key, value in items}
        kind = known.pop("type", b"unknown")
        parents = known.pop("parents", None)
        names = [_text(name) for name in parents] if isinstance(parents, (list, tuple)) else [_text(kind)]
        own = {
            "type": kind if isinstance(kind, (bytes, str)) else _text(kind).encode(),
            "value": _text(known.pop("value", "")),
            "traceback": _text(known.pop("traceback", NO_TRACEBACK)),
            "count": known.pop("count", 0),
            "captureVars": False,
            "tb": None,
            "_parents": names,
            "_frames": [],
        }
        self.__dict__ = {key: value for key, value in known.items() if may_be_set(CopiedFailure, key)} | own

    def printTraceback(self, file: Any = None, elideFrameworkCode: Any = 0, detail: str = "default") -> None:
        """Write one line that says what happened at the peer."""
        (log.logfile if file is None else file).write(f"Traceback from remote host -- {self._told()}\n")

    printBriefTraceback = printTraceback
    printDetailedTraceback = printTraceback

    def __repr__(self) -> str:
        return f"<{reflect.qual(type(self))} {self._told()}>"

    def _told(self) -> str:
        value: Any = self.value
        return one_line(f"{_text(self.type)[:500]}: {value[:10_000]}")

    def remote_error(self) -> RemoteError:
        """This as an exception."""
        return RemoteError(self.type, self.value, self.traceback)

    def raiseException(self) -> NoReturn:
        """Raise this, as a RemoteError."""
        raise self.remote_error()

    def throwExceptionIntoGenerator(self, g: Any) -> Any:
        """Raise this where a generator is waiting, as a RemoteError."""
        return g.throw(self.remote_error())


def _text(value: Any) -> str:
    """Text of what peers send as bytes or str, and a hostile one as anything."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else reflect.safe_str(value)[:200]


setUnjellyableForClass(CopyableFailure, CopiedFailure)


def failure2Copyable(fail: Any, unsafeTracebacks: Any = 0) -> CopyableFailure:
    """A Failure that can cross."""
    copyable = CopyableFailure.__new__(CopyableFailure)
    copyable.__setstate__(fail.__getstate__())
    copyable.unsafeTracebacks = unsafeTracebacks
    return copyable


class Answer(defer.Deferred[Any]):
    """What ``callRemote`` returns: a Deferred that an asyncio Future may be made of, whatever the peer answers."""

    is_unheard = False  # nobody need look at how it ends

    def asFuture(self, loop: Any) -> Any:
        self.addErrback(_as_exception)
        return super().asFuture(loop)


def _as_exception(failed: failure.Failure) -> Any:
    return failure.Failure(failed.remote_error()) if isinstance(failed, CopiedFailure) else failed
